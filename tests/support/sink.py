"""Connectors run in the test's own process, on a real Kafka and a real PostgreSQL, and records to feed them with."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer

from sink_connector.bootstrap import worker
from sink_connector.cluster.cluster import Cluster
from sink_connector.cluster.config_store import Restart, TargetState
from sink_connector.cluster.connector_cache import ConnectorCache, RefusedConnector
from sink_connector.cluster.connector_operations import ConnectorOperations
from sink_connector.cluster.herder import Herder
from sink_connector.cluster.status_reporter import StatusReporter
from sink_connector.config.connector import ConnectorConfig
from sink_connector.config.worker import WorkerConfig
from sink_connector.runtime.connector import RunningTask, TaskStatus
from sink_connector.runtime.connector_definition import ConnectorDefinition, define_connector
from sink_connector.runtime.sink_task import SinkTask
from sink_connector.runtime.states import State
from sink_connector.runtime.stored_offsets import StoredOffsets
from sink_connector.sink import offsets
from sink_connector.sink.offsets import Partition
from tests.support.waiting import wait_until

ASKED_S = 10
INT64 = {"type": "int64", "optional": False}
STRING = {"type": "string", "optional": False}
TIMESTAMP = {
    "type": "int64",
    "optional": False,
    "name": "org.apache.kafka.connect.data.Timestamp",
    "version": 1,
}


def optional(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {**schema, "optional": True}


def envelope(payload: Any, schema: Mapping[str, Any]) -> bytes:
    return json.dumps({"schema": schema, "payload": payload}, separators=(",", ":")).encode()


def struct(payload: Mapping[str, Any] | None, **fields: Mapping[str, Any]) -> bytes:
    """The envelope of a struct with these fields."""
    named = [{"field": name, **schema} for name, schema in fields.items()]
    return envelope(payload, {"type": "struct", "optional": False, "fields": named})


@dataclass(slots=True, kw_only=True)
class Message:
    """A record to be sent. A key or value of None is null."""

    value: bytes | None
    key: bytes | None = None
    partition: int = 0
    headers: list[tuple[str, bytes]] = field(default_factory=list)
    timestamp_ms: int | None = None


async def send(bootstrap: str, topic: str, messages: Iterable[Message]) -> None:
    """Returns when every message is in Kafka, in the order given."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5, max_batch_size=262_144)
    await producer.start()
    try:
        for each in messages:
            if each.key is None and each.value is None:
                await _send_nothing(producer, topic, each)
                continue
            await producer.send(
                topic,
                each.value,
                key=each.key,
                partition=each.partition,
                headers=each.headers,
                timestamp_ms=each.timestamp_ms,
            )
        await producer.flush()
    finally:
        await producer.stop()


async def _send_nothing(producer: AIOKafkaProducer, topic: str, message: Message) -> None:
    """Send a record without key and value, which the producer's `send` does not take; after those before it."""
    await producer.flush()
    batch = producer.create_batch()
    batch.append(key=None, value=None, timestamp=message.timestamp_ms, headers=message.headers)
    await (await producer.send_batch(batch, topic, partition=message.partition))


def configuration(database: str, **keys: str) -> dict[str, str]:
    """A connector of a name of its own; `pk__mode` stands for `pk.mode`."""
    given = {
        "name": f"test-{uuid.uuid4().hex[:8]}",
        "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector",
        "connection.url": database,
        "consumer.override.session.timeout.ms": "6000",
        "consumer.override.heartbeat.interval.ms": "1000",
        "consumer.override.fetch.max.wait.ms": "100",
    }
    return given | {name.replace("__", "."): value for name, value in keys.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoneWorker:
    """A worker that is told over no REST what to run, but by the same commands; each is applied when it returns."""

    herder: Herder
    reporter: StatusReporter
    operations: ConnectorOperations

    async def put(self, given: Mapping[str, str]) -> "RunningConnector":
        """Start a connector, which must be one that can be."""
        spec, _ = await self.operations.put(given["name"], dict(given))
        await self.settle()
        definition = self.herder.definitions.of(spec)
        assert not isinstance(definition, RefusedConnector), definition.trace
        return RunningConnector(worker=self, config=definition.config)

    async def settle(self) -> None:
        """What a change leads to: the leader counts tasks out, the herder starts and stops them, the reporter says so."""
        await self.reporter.report()
        await self.herder.settle()
        await self.reporter.report()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningConnector:
    """A connector of a worker that is alone."""

    worker: LoneWorker
    config: ConnectorConfig

    @property
    def tasks(self) -> Mapping[int, RunningTask]:
        """Those that run, by number: none while it is stopped."""
        found = self.worker.herder.worker.connectors.get(self.config.name)
        return {} if found is None else found.tasks

    @property
    def status(self) -> list[TaskStatus]:
        return [each.status for _, each in sorted(self.tasks.items())]

    @property
    def state(self) -> State:
        return self.worker.operations.statuses.connectors[self.config.name].state

    async def pause(self) -> None:
        await self._aim(TargetState.PAUSED)

    async def resume(self) -> None:
        await self._aim(TargetState.STARTED)

    async def stop(self) -> None:
        await self._aim(TargetState.STOPPED)

    async def restart(self, *, only_failed: bool = False) -> None:
        asked = Restart(connector=self.config.name, include_tasks=True, only_failed=only_failed)
        await self.worker.operations.restart(asked)
        await self.worker.settle()

    async def _aim(self, target: TargetState) -> None:
        await self.worker.operations.aim(self.config.name, target)
        await self.worker.settle()


@asynccontextmanager
async def lone_worker(
    bootstrap: str, security: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[LoneWorker]:
    """A worker of its own cluster; what it runs is stopped gracefully at the end. `security` is how it logs in to Kafka."""
    config = WorkerConfig(bootstrap_servers=bootstrap, security=security)
    cluster = Cluster.local(config, set_level=lambda *_: None)

    def define(given: Mapping[str, str | None]) -> ConnectorDefinition:
        return define_connector(given, config, config.providers.unrestricted())

    await cluster.configs.open()
    await cluster.statuses.open()
    async with worker(config, cluster.signal.notify) as running:
        herder = Herder(cluster=cluster, definitions=ConnectorCache(define), worker=running)
        operations = ConnectorOperations(cluster.configs, cluster.statuses, define)
        yield LoneWorker(herder=herder, reporter=StatusReporter(herder), operations=operations)


@asynccontextmanager
async def connected(
    bootstrap: str, given: Mapping[str, str], security: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[RunningConnector]:
    """A running connector; stopped gracefully at the end."""
    async with lone_worker(bootstrap, security) as running:
        yield await running.put(given)


def task_of(connector: RunningConnector) -> SinkTask:
    """The first task of a connector in this process, which must have been made."""
    task = connector.tasks[0].task
    assert task is not None
    return task


async def wait_until_read(
    connector: RunningConnector, topic: str, count: int, *, timeout_s: float = 60.0
) -> None:
    """Until the stored offsets of a topic add up to `count`; a failed task fails the wait."""
    look = _LookAtOffsets(connector)

    async def read() -> bool:
        for status in connector.status:
            assert not status.trace, status.trace
        found = await look()
        return sum(offset for partition, offset in found.items() if partition.topic == topic) >= count

    async with aclosing(look):
        await wait_until(read, timeout_s=timeout_s, what=f"{count} records of {topic} to be committed")


class _LookAtOffsets:
    """Asks the target for the stored offsets, again and again: a connection for each time would cost more than the sink's work."""

    def __init__(self, connector: RunningConnector) -> None:
        self._dsn, self._name = connector.config.connection.dsn, connector.config.name
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    async def __call__(self) -> dict[Partition, int]:
        """No offsets while the target cannot say: it is away, or no task has made its tables yet."""
        try:
            async with asyncio.timeout(ASKED_S):
                if self._connection is None:
                    self._connection = await asyncpg.connect(self._dsn)
                return await offsets.stored(self._connection, self._name)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await self.aclose()
            return {}

    async def aclose(self) -> None:
        """Leave the connection, which may have nobody at its other end any more."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()


@asynccontextmanager
async def stored_offsets(bootstrap: str) -> AsyncIterator[StoredOffsets]:
    """The offsets of connectors, as the REST interface changes them; only while a connector is stopped."""
    async with worker(WorkerConfig(bootstrap_servers=bootstrap)) as running:
        yield StoredOffsets(running.partitions)


async def wait_until_failed(connector: RunningConnector, *, timeout_s: float = 60.0) -> str:
    """The trace of the first task that fails."""
    failed = await wait_until(
        lambda: [status.trace for status in connector.status if status.trace],
        timeout_s=timeout_s,
        what="a task to fail",
    )
    return failed[0]


async def rows(database: str, query: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(database)
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def execute(database: str, *statements: str) -> None:
    connection = await asyncpg.connect(database)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def drain(
    bootstrap: str, database: str, topic: str, messages: Iterable[Message], **keys: str
) -> dict[str, str]:
    """Send messages and have a connector write them; returns its configuration once all are committed."""
    sent = list(messages)
    await send(bootstrap, topic, sent)
    given = configuration(database, topics=topic, **keys)
    async with connected(bootstrap, given) as connector:
        await wait_until_read(connector, topic, len(sent))
    return given
