"""The databases' sides: rows of the write databases and of the read database as facts."""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

import msgspec

from auditor.observations import (
    FIELDS,
    OFFER_FIELDS,
    PRODUCT_SALES_FIELDS,
    USER_SUMMARY_FIELDS,
    Counted,
    DeadLetter,
    Event,
    Fact,
    History,
    Progress,
    Projection,
    Replica,
    SetAside,
    State,
    canonical,
)
from auditor.sources.databases import Snapshot, snapshot
from auditor.sources.records import decoded
from auditor.sql import statements
from auditor.target import Target

_WRITE, _READ = statements("write"), statements("read")
WRITE_TABLES = {name: sql.strip() for name, sql in _WRITE.items()}
"""What is read of a write database: the query of each table, by the table's name."""
_DIGITS = 18
_PROJECTIONS = {"user_summary": USER_SUMMARY_FIELDS, "product_sales": PRODUCT_SALES_FIELDS}


async def write_facts(database: Snapshot, *, instance: str, target: Target) -> AsyncIterator[Sequence[Fact]]:
    """Everything one order instance holds: its aggregates, its event log and what it has taken in from others."""
    for topic in FIELDS:
        async for block in database.rows(_WRITE[topic]):
            yield [_state("write", instance, topic, row) for row in block]
    async for block in database.rows(_WRITE["outbox"]):
        yield [_event(instance, row, target) for row in block]
    async for block in database.rows(_WRITE["offers"]):
        yield [Replica(instance, _text(row[0]), _body(OFFER_FIELDS, row)) for row in block]
    async for block in database.rows(_WRITE["positions"]):
        yield [_position(instance, row, target) for row in block]
    async for block in database.rows(_WRITE["dead_letters"]):
        yield [_dead_letter(instance, row, target) for row in block]
    if await database.has("set_aside"):
        async for block in database.rows(_WRITE["set_aside"]):
            yield [_set_aside(instance, row, target) for row in block]


async def read_facts(database: Snapshot, *, target: Target) -> AsyncIterator[Sequence[Fact]]:
    """Everything the read database holds, with how far the sink has come."""
    for topic in FIELDS:
        async for block in database.rows(_READ[topic]):
            yield [_state("read", "read", topic, row) for row in block]
    async for block in database.rows(_READ["order_history"]):
        yield [History(*_state("read", "read", "orders", row)[2:]) for row in block]
    async for block in database.rows(_READ["counted"]):
        yield [Counted(row[0]) for row in block]
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
    version = _whole(row[fields.index("version")])
    return State(side, place, topic, _text(row[0]), version, _body(fields, row))


def _body(fields: Sequence[str], row: Sequence[Any]) -> str:
    """Canonical JSON of a row; lines that are no JSON stay the text they are, and differ from any that are."""
    whole = (int(value) if isinstance(value, Decimal) else value for value in row)  # sums are numerics
    values: dict[str, Any] = dict(zip(fields, whole, strict=True))
    if isinstance(values.get("lines"), str | bytes):
        with suppress(ValueError, RecursionError):
            values["lines"] = msgspec.json.decode(values["lines"])
    try:
        return canonical(values)
    except Exception:  # noqa: BLE001  a driver may give anything, and the audit has to tell of it
        return canonical({name: _encodable(value) for name, value in values.items()})


def _encodable(value: Any) -> Any:
    """A value as it is, or what it looks like when JSON has no word for it."""
    try:
        canonical(value)
    except Exception:  # noqa: BLE001  likewise
        return repr(value)
    return value


def _event(instance: str, row: Sequence[Any], target: Target) -> Event:
    """An outbox row; one that cannot be read has its fault as body, under a type that no question knows."""
    sequence, name, key, value, headers = row
    topic = target.plain(_text(name))
    try:
        key, version, body = decoded(topic, key=bytes(key), value=bytes(value))
        kind = str(dict(msgspec.json.decode(headers))["ce_type"])
    except Exception as error:  # noqa: BLE001  likewise
        return Event(instance, sequence, topic, repr(key), 0, "unreadable", canonical(str(error)))
    return Event(instance, sequence, topic, key, version, kind, body)


def _position(instance: str, row: Sequence[Any], target: Target) -> Progress:
    source, next_offset = row
    topic, _, partition = _text(source).rpartition("/")
    return Progress(instance, target.plain(topic), _number(partition), _whole(next_offset))


def _set_aside(instance: str, row: Sequence[Any], target: Target) -> SetAside:
    sequence, topic, reason = row
    return SetAside(instance, _whole(sequence), target.plain(_text(topic)), _text(reason))


def _dead_letter(instance: str, row: Sequence[Any], target: Target) -> DeadLetter:
    record, reason = row
    topic, partition, offset = (["", "", *_text(record).rsplit("/", 2)])[-3:]
    return DeadLetter(instance, target.plain(topic), _number(partition), _number(offset), _text(reason))


def _number(text: str) -> int:
    """A number in a place's name; -1, which no place has, of what is none."""
    return int(text) if text.isdecimal() and len(text) <= _DIGITS else -1


def _text(value: Any) -> str:
    """SQLite gives whatever a hand has put into a column."""
    return value if isinstance(value, str) else repr(value)


def _whole(value: Any) -> int:
    """Likewise; -1, which no version and no place has, of what is no number."""
    return value if isinstance(value, int) else -1
