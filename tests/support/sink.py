"""Connectors run in the test's own process, on a real Kafka and a real PostgreSQL, and records to feed them with."""

import json
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer

from sink_connector.bootstrap import worker
from sink_connector.config.worker import WorkerConfig
from sink_connector.runtime.connector import Connector
from sink_connector.runtime.connector_definition import define_connector
from sink_connector.runtime.sink_task import SinkTask
from sink_connector.runtime.stored_offsets import StoredOffsets
from sink_connector.sink import offsets
from sink_connector.sink.offsets import Partition
from tests.support.waiting import wait_until

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


@asynccontextmanager
async def connected(bootstrap: str, given: Mapping[str, str]) -> AsyncIterator[Connector]:
    """A running connector; stopped gracefully at the end."""
    config = WorkerConfig(bootstrap_servers=bootstrap)
    async with worker(config) as running:
        yield await running.add(define_connector(given, config, config.providers.unrestricted()))


def task_of(connector: Connector) -> SinkTask:
    """The first task of a connector in this process, which must have been made."""
    task = connector.tasks[0].task
    assert task is not None
    return task


async def wait_until_read(connector: Connector, topic: str, count: int, *, timeout_s: float = 30.0) -> None:
    """Until the stored offsets of a topic add up to `count`; a failed task fails the wait."""

    async def read() -> bool:
        for status in connector.status:
            assert not status.trace, status.trace
        try:
            found = await _stored(connector)
        except (OSError, asyncpg.PostgresError):
            return False
        return sum(offset for partition, offset in found.items() if partition.topic == topic) >= count

    await wait_until(read, timeout_s=timeout_s, what=f"{count} records of {topic} to be committed")


async def _stored(connector: Connector) -> dict[Partition, int]:
    connection = await asyncpg.connect(connector.config.connection.dsn)
    try:
        return await offsets.stored(connection, connector.config.name)
    finally:
        await connection.close()


@asynccontextmanager
async def stored_offsets(bootstrap: str) -> AsyncIterator[StoredOffsets]:
    """The offsets of connectors, as the REST interface changes them; only while a connector is stopped."""
    async with worker(WorkerConfig(bootstrap_servers=bootstrap)) as running:
        yield StoredOffsets(running.partitions_of)


async def wait_until_failed(connector: Connector, *, timeout_s: float = 30.0) -> str:
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
