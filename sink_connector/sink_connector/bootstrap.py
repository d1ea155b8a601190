"""Builds a worker out of its configuration and runs it until it is told to stop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, TypeVar

import structlog
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from sink_connector.certificates import watch
from sink_connector.cluster.cluster import Cluster
from sink_connector.cluster.connector_cache import ConnectorCache, DefineConnector
from sink_connector.cluster.connector_operations import ConnectorOperations
from sink_connector.cluster.herder import Herder
from sink_connector.cluster.status_reporter import StatusReporter
from sink_connector.config.connector import warnings_of
from sink_connector.config.parser import ignored_keys
from sink_connector.config.providers import ConfigProviders
from sink_connector.config.worker import WorkerConfig
from sink_connector.errors import SinkError, headline
from sink_connector.logs import Loggers
from sink_connector.rest.app import make_app
from sink_connector.rest.dependencies import RestContext
from sink_connector.rest.leader_client import make_leader_client
from sink_connector.runtime.connector_definition import ConnectorDefinition, define_connector
from sink_connector.runtime.kafka_options import client_options, cluster_id, consumer_options
from sink_connector.runtime.metrics import CERTIFICATE_EXPIRY
from sink_connector.runtime.stored_offsets import StoredOffsets
from sink_connector.runtime.worker import Worker
from sink_connector.serving import background, listening, serve
from sink_connector.version import VERSION

log = structlog.get_logger()

T = TypeVar("T")

LOOPBACK = ("localhost", "::1")
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 10.0


@asynccontextmanager
async def worker(
    config: WorkerConfig, changed: Callable[[], None] = lambda: None, *, identity: str = ""
) -> AsyncIterator[Worker]:
    """A worker with its connection to Kafka; stops what was started with it. `identity` is as `Worker` takes it."""
    client = AIOKafkaClient(**client_options(_kafka(config)))
    await _until_available(client.bootstrap)
    running = Worker(client, changed, identity=identity)
    try:
        yield running
    finally:
        await running.stop()
        await client.close()


async def run_connectors(
    config: WorkerConfig, connectors: Sequence[tuple[Mapping[str, str], ConnectorDefinition]]
) -> int:
    """Run the connectors of files, each as written and defined, until SIGTERM or SIGINT (0), or until a task fails (1)."""
    loggers = Loggers()
    cluster = Cluster.local(config, set_level=loggers.set)
    for given, definition in connectors:
        name = definition.config.name
        for key, why in ignored_keys(given).items():
            log.warning("connector.key_ignored", connector=name, key=key, reason=f"{key} {why}")
        for warning in warnings_of(definition.config):
            log.warning("connector.option_ignored", connector=name, warning=warning)
    return await run(config, cluster, loggers, files=[given for given, _ in connectors])


async def run_worker(config: WorkerConfig) -> int:
    """Be one of a group of workers until SIGTERM or SIGINT (0). What fails is a connector's status, not the worker's end."""
    loggers = Loggers()
    cluster = Cluster.of_kafka(config, client=client_options(_kafka(config)), set_level=loggers.set)
    return await run(config, cluster, loggers)


async def run(
    config: WorkerConfig,
    cluster: Cluster,
    loggers: Loggers,
    *,
    files: Sequence[Mapping[str, str]] | None = None,
) -> int:
    """Run a worker of a cluster until it is told to stop, and give its exit code.

    Args:
        config: The worker's settings.
        cluster: What it shares with others; not open yet.
        loggers: What its REST interface shows and sets.
        files: The connectors of files, which then are all there are; their references may lead anywhere.
    """
    watch(CERTIFICATE_EXPIRY, config.certificate_files)
    async with AsyncExitStack() as ending:
        listeners = ending.enter_context(listening(config))
        # It is bound there: no other worker of this identity is alive.
        running = await ending.enter_async_context(
            worker(config, cluster.signal.notify, identity=config.identity)
        )
        define = _define(config, config.providers if files is None else config.providers.unrestricted())
        herder = Herder(cluster=cluster, definitions=ConnectorCache(define), worker=running)
        context = await ending.enter_async_context(
            _rest_context(config, herder, loggers, from_files=files is not None)
        )
        following = await ending.enter_async_context(_stores(cluster, files or ()))
        working = await ending.enter_async_context(_member(herder, retires=files is None))
        _report_start(config, cluster)
        for given in files or ():
            await _warn_of_missing_topics(running, define(given))
        knows = config.rest.knows if config.rest.users_file else None
        return await serve(
            config,
            make_app(context, hosts=config.hosts, knows=knows, serves_log_levels=config.serves_log_levels),
            listeners=listeners,
            watched=[*following, *working],
            failed=asyncio.Event() if files is None else herder.failed,
        )


def _report_start(config: WorkerConfig, cluster: Cluster) -> None:
    log.info(
        "worker.started",
        version=VERSION,
        rest=", ".join(f"{host}:{port}" for host, port in config.listeners),
        bootstrap_servers=config.bootstrap_servers,
        connectors=cluster.configs.names,
    )
    for host, _ in config.listeners:
        if not (config.rest.asks or host.startswith("127.") or host in LOOPBACK):
            log.warning("rest.open", host=host, effect="whoever reaches it may change every connector")


@asynccontextmanager
async def _rest_context(
    config: WorkerConfig, herder: Herder, loggers: Loggers, *, from_files: bool
) -> AsyncIterator[RestContext]:
    """What the routes work with. What they are given is defined with the references that the worker allows."""
    cluster, define = herder.cluster, _define(config, config.providers)
    async with make_leader_client(config.rest.client_context()) as leader_client:
        yield RestContext(
            cluster=cluster,
            operations=ConnectorOperations(cluster.configs, cluster.statuses, define),
            offsets=StoredOffsets(herder.worker.partitions),
            loggers=loggers,
            define=define,
            definitions=herder.definitions,
            redactor=config.providers.redactor,
            leader_client=leader_client,
            cluster_id=await _until_available(partial(cluster_id, client_options(_kafka(config)))),
            from_files=from_files,
            scheme=config.rest.scheme,
            tells_topics=config.tells_topics,
            forgets_topics=config.forgets_topics,
        )


@asynccontextmanager
async def _stores(
    cluster: Cluster, connectors: Sequence[Mapping[str, str]]
) -> AsyncIterator[list["asyncio.Task[None]"]]:
    """Have what the workers share at hand, with these connectors among it; the tasks that follow what others write."""
    async with AsyncExitStack() as ending:
        for store in (cluster.configs, cluster.statuses):
            ending.push_async_callback(store.log.close)
            await _until_available(store.open)
        for given in connectors:
            await cluster.configs.put(given["name"], given)
        yield await ending.enter_async_context(
            background(cluster.configs.log.follow(), cluster.statuses.log.follow())
        )


@asynccontextmanager
async def _member(herder: Herder, *, retires: bool) -> AsyncIterator[list["asyncio.Task[None]"]]:
    """Be a member of the group and run its share; the tasks that do.

    At the end the connectors are stopped, then, if it `retires`, their statuses given up, then the group is left.
    """
    membership, reporter = herder.cluster.membership, StatusReporter(herder)
    async with AsyncExitStack() as ending:
        ending.push_async_callback(membership.leave)
        await membership.join()
        if retires:
            ending.push_async_callback(reporter.retire)
        ending.push_async_callback(herder.worker.stop)
        yield await ending.enter_async_context(background(membership.keep(), herder.run(), reporter.run()))


async def _warn_of_missing_topics(running: Worker, definition: ConnectorDefinition) -> None:
    """A topic that is not there may come; whoever has mistyped it would wait for ever."""
    connector = definition.config
    partitions = await _until_available(running.partitions)
    missing = sorted(set(connector.topics) - {partition.topic for partition in partitions})
    if missing:
        log.warning("connector.topics_missing", connector=connector.name, topics=missing)


def _define(config: WorkerConfig, providers: ConfigProviders) -> DefineConnector:
    def define(given: Mapping[str, str | None]) -> ConnectorDefinition:
        return define_connector(given, config, providers)

    return define


def _kafka(config: WorkerConfig) -> dict[str, Any]:
    return consumer_options(config.security, bootstrap_servers=config.bootstrap_servers, group_id="")


async def _until_available(step: Callable[[], Awaitable[T]]) -> T:
    """Do a step of the start once Kafka is there for it: who starts too early waits and says so. Raises `SinkError`."""
    pause_s = FIRST_PAUSE_S
    while True:
        try:
            return await step()
        except (OSError, KafkaError) as error:
            if isinstance(error, KafkaError) and not error.retriable:
                raise SinkError(f"Kafka cannot be used: {headline(error)}") from error
            log.warning("kafka.connection_failed", error=repr(error), next_attempt_s=pause_s)
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
