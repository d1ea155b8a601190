"""Builds a worker out of its configuration and runs it until it is told to stop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import structlog
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from sink_connector.cluster.compacted_topic import CompactedTopic
from sink_connector.cluster.config_store import ConfigStore, Listeners
from sink_connector.cluster.connector_cache import ConnectorCache
from sink_connector.cluster.connector_operations import ConnectorOperations
from sink_connector.cluster.herder import Herder
from sink_connector.cluster.keyed_log import LocalLog
from sink_connector.cluster.membership import KafkaMembership, Membership, SingleMember
from sink_connector.cluster.status_reporter import StatusReporter
from sink_connector.cluster.status_store import StatusStore
from sink_connector.config.connector import unknown_keys
from sink_connector.config.worker import WorkerConfig
from sink_connector.logs import Loggers
from sink_connector.rest.app import make_app
from sink_connector.rest.dependencies import RestContext
from sink_connector.runtime.connector_definition import ConnectorDefinition, define_connector
from sink_connector.runtime.kafka_options import client_options, cluster_id, consumer_options
from sink_connector.runtime.stored_offsets import StoredOffsets
from sink_connector.runtime.worker import Worker
from sink_connector.serving import background, serve

log = structlog.get_logger()

T = TypeVar("T")

RETRY_S = 1.0


@asynccontextmanager
async def worker(config: WorkerConfig) -> AsyncIterator[Worker]:
    """A worker with its connection to the cluster; stops what was started with it."""
    client = AIOKafkaClient(**client_options(_kafka(config)))
    await _patiently(client.bootstrap)
    running = Worker(client)
    try:
        yield running
    finally:
        await running.stop()
        await client.close()


async def run_connectors(config: WorkerConfig, connectors: Sequence[ConnectorDefinition]) -> int:
    """Run the connectors of files until SIGTERM or SIGINT (0), or until a task fails (1)."""
    async with worker(config) as running:
        member = await _member(config, running, SingleMember(config.advertised), from_files=True)
        member.configs.log = LocalLog(member.configs.apply)
        member.statuses.log = LocalLog(member.statuses.apply)
        for each in connectors:
            for key in unknown_keys(each.config.given):
                log.warning("sink.config.unknown", connector=each.config.name, key=key)
            await member.configs.put(each.config.name, each.config.given)
        member.listen()
        async with background(member.herder.run(), member.reports.run()) as working:
            return await serve(config, make_app(member.context), watched=working, failed=member.herder.failed)


async def run_worker(config: WorkerConfig) -> int:
    """Be one of a group of workers until SIGTERM or SIGINT (0). What fails is a connector's status, not the worker's end."""
    async with worker(config) as running, AsyncExitStack() as ending:
        client = client_options(_kafka(config))
        membership = KafkaMembership(config, client=client)
        member = await _member(config, running, membership, from_files=False)
        membership.changed = member.change
        topics = (
            CompactedTopic(config.configs, client=client, apply=member.configs.apply),
            CompactedTopic(config.statuses, client=client, apply=member.statuses.apply),
        )
        member.configs.log, member.statuses.log = topics
        for topic in topics:
            ending.push_async_callback(topic.close)
            await _patiently(topic.open)
        member.listen()
        following = await ending.enter_async_context(background(*(topic.follow() for topic in topics)))
        ending.push_async_callback(membership.leave)
        await membership.join()
        ending.push_async_callback(member.reports.retire)
        ending.push_async_callback(running.stop)
        working = await ending.enter_async_context(
            background(membership.keep(), member.herder.run(), member.reports.run())
        )
        return await serve(
            config, make_app(member.context), watched=[*following, *working], failed=asyncio.Event()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """The parts of a worker that follow what the group has agreed on."""

    configs: ConfigStore
    statuses: StatusStore
    herder: Herder
    reports: StatusReporter
    context: RestContext

    def change(self) -> None:
        self.herder.change()
        self.reports.change()

    def listen(self) -> None:
        """Follow changes from now on; what was agreed on before is simply there."""
        self.configs.listeners = Listeners(
            changed=self.change, restart=self.herder.restart, level=self.context.loggers.set
        )
        self.statuses.changed = self.reports.change
        self.herder.settled = self.reports.change


async def _member(
    config: WorkerConfig, running: Worker, membership: Membership, *, from_files: bool
) -> Member:
    def make(given: Mapping[str, str | None]) -> ConnectorDefinition:
        return define_connector(config.completed(given), config)

    configs, statuses = ConfigStore(), StatusStore()
    herder = Herder(configs=configs, membership=membership, cache=ConnectorCache(make), worker=running)
    context = RestContext(
        configs=configs,
        statuses=statuses,
        membership=membership,
        operations=ConnectorOperations(configs, statuses, make),
        offsets=StoredOffsets(running.partitions_of),
        loggers=Loggers(),
        make=make,
        cluster_id=await _patiently(partial(cluster_id, client_options(_kafka(config)))),
        from_files=from_files,
    )
    return Member(
        configs=configs,
        statuses=statuses,
        herder=herder,
        reports=StatusReporter(configs, statuses, herder),
        context=context,
    )


def _kafka(config: WorkerConfig) -> dict[str, Any]:
    return consumer_options(config.security, bootstrap_servers=config.bootstrap_servers, group_id="")


async def _patiently(step: Callable[[], Awaitable[T]]) -> T:
    """Do a step of the start once Kafka is there for it: who starts too early waits and says so."""
    while True:
        try:
            return await step()
        except (OSError, KafkaError) as error:
            if isinstance(error, KafkaError) and not error.retriable:
                raise
            log.warning("sink.kafka.unreachable", error=repr(error))
            await asyncio.sleep(RETRY_S)
