"""The databases' sides: rows of the write databases and of the read database as facts."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec

from auditor.observations import (
    FIELDS,
    OFFER_FIELDS,
    PRODUCT_SALES_FIELDS,
    USER_SUMMARY_FIELDS,
    DeadLetter,
    Event,
    Fact,
    History,
    Progress,
    Projection,
    Replica,
    State,
    canonical,
)
from auditor.sources.databases import Snapshot, snapshot
from auditor.sources.records import decoded
from auditor.sql import statements
from auditor.target import Target

_WRITE, _READ = statements("write"), statements("read")
_PROJECTIONS = {"user_summary": USER_SUMMARY_FIELDS, "product_sales": PRODUCT_SALES_FIELDS}


async def write_facts(database: Snapshot, *, instance: str, target: Target) -> AsyncIterator[Sequence[Fact]]:
    """Everything one order instance holds: its aggregates, its event log and what it has taken in from others."""
    for topic in FIELDS:
        async for block in database.rows(_WRITE[topic]):
            yield [_state("write", instance, topic, row) for row in block]
    async for block in database.rows(_WRITE["outbox"]):
        yield [_event(instance, row, target) for row in block]
    async for block in database.rows(_WRITE["offers"]):
        yield [Replica(instance, row[0], _body(OFFER_FIELDS, row)) for row in block]
    async for block in database.rows(_WRITE["positions"]):
        yield [_position(instance, row, target) for row in block]
    async for block in database.rows(_WRITE["parked"]):
        yield [_parked(instance, row, target) for row in block]


async def read_facts(database: Snapshot, *, target: Target) -> AsyncIterator[Sequence[Fact]]:
    """Everything the read database holds, with how far the sink has come."""
    for topic in FIELDS:
        async for block in database.rows(_READ[topic]):
            yield [_state("read", "read", topic, row) for row in block]
    async for block in database.rows(_READ["order_history"]):
        yield [History(*_state("read", "read", "orders", row)[2:]) for row in block]
    for name, fields in _PROJECTIONS.items():
        async for block in database.rows(_READ[name]):
            yield [Projection(name, row[0], _body(fields[1:], row[1:])) for row in block]
    async for block in database.rows(_READ["progress"]):
        yield [Progress(connector, target.plain(topic), *at) for connector, topic, *at in block]
    async for block in database.rows(_READ["dead_letters"]):
        yield [DeadLetter(connector, target.plain(topic), *at) for connector, topic, *at in block]


async def progress_facts(target: Target) -> list[Progress]:
    """How far every reader of a topic has come."""
    progress: list[Progress] = []
    for instance, url in target.write_databases.items():
        async with snapshot(url) as database:
            async for block in database.rows(_WRITE["positions"]):
                progress += [_position(instance, row, target) for row in block]
    async with snapshot(target.read_dsn) as database:
        async for block in database.rows(_READ["progress"]):
            progress += [Progress(connector, target.plain(topic), *at) for connector, topic, *at in block]
    return progress


def _state(side: str, place: str, topic: str, row: Sequence[Any]) -> State:
    fields = FIELDS[topic]
    return State(side, place, topic, row[0], row[fields.index("version")], _body(fields, row))


def _body(fields: Sequence[str], row: Sequence[Any]) -> str:
    values = dict(zip(fields, row, strict=True))
    if "lines" in values:
        values["lines"] = msgspec.json.decode(values["lines"])
    return canonical(values)


def _event(instance: str, row: Sequence[Any], target: Target) -> Event:
    sequence, name, key, value, headers = row
    topic = target.plain(name)
    name, version, body = decoded(topic, key=key, value=value)
    return Event(
        instance, sequence, topic, name, version, dict(msgspec.json.decode(headers))["ce_type"], body
    )


def _position(instance: str, row: Sequence[Any], target: Target) -> Progress:
    source, next_offset = row
    topic, _, partition = source.rpartition("/")
    return Progress(instance, target.plain(topic), int(partition), next_offset)


def _parked(instance: str, row: Sequence[Any], target: Target) -> DeadLetter:
    record, reason = row
    topic, partition, offset = record.rsplit("/", 2)
    return DeadLetter(instance, target.plain(topic), int(partition), int(offset), reason)
