"""`sink-connector explain FILE.json TOPIC PARTITION OFFSET`: one record's way, step by step, without writing anything."""

# ruff: noqa: T201 - it speaks to a person

import argparse
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import asyncpg
from aiokafka import ConsumerRecord, TopicPartition
from asyncpg.connection import LoggedQuery

from sink_connector.cli.dry_run import fate_as_json
from sink_connector.cli.explanation import as_text
from sink_connector.cli.looking import look
from sink_connector.cli.record_steps import raw, steps
from sink_connector.cli.row_preview import Row
from sink_connector.cli.topic_reader import Extent, TopicReader, topic_reader
from sink_connector.cli.trial import SQL, Fate, Result, Trial, trial
from sink_connector.cli.values import indented, plain
from sink_connector.config.file import read_connector_file
from sink_connector.dead_letters import dead_letter
from sink_connector.errors import ConfigError, SinkError, headline
from sink_connector.runtime.connector_definition import ConnectorDefinition
from sink_connector.runtime.subscription import Subscription
from sink_connector.sink import offsets, session, table_metadata, table_writer

NEAR = 1_000  # offsets before the one asked for in which the one before it is looked for
# What a task asks of the catalog, what surrounds its statements and what it keeps for itself say nothing about a record.
ASIDE = {
    *table_metadata.SQL.values(),
    table_metadata.STATES,
    *table_writer.SQL.values(),
    *session.SQL.values(),
    offsets.SQL["claim"],
    dead_letter.SQL["store"],
}
ASIDE_BEGIN = ("SAVEPOINT", "RELEASE", "ROLLBACK", "DISCARD", "SELECT pg_advisory")
DRIVERS = ("typeinfo", "set_config('jit'")  # in what asyncpg asks about types


def run(options: argparse.Namespace) -> int:
    """0 when the record would not be a bad one, else 1. Raises `ConfigError` and `SinkError`."""
    place = TopicPartition(options.topic, options.partition)
    if options.partition < 0 or options.offset < 0:
        raise ConfigError({"PARTITION and OFFSET": ["begin with 0"]})
    report = look(
        read_connector_file(options.file), lambda definition: _explained(definition, place, options.offset)
    )
    print(indented(report) if options.json else as_text(report))
    return 0 if report["outcome"]["result"] not in {Result.BAD.value, Result.UNTRIED.value} else 1


async def _explained(
    definition: ConnectorDefinition, partition: TopicPartition, offset: int
) -> dict[str, Any]:
    config = definition.config
    if not Subscription(topics=config.topics, pattern=config.topics_regex).has(partition.topic):
        raise ConfigError({"TOPIC": [f"{partition.topic} is none that {config.name} reads"]})
    async with topic_reader(definition.consumer) as reader:
        record = await _record(reader, partition, offset)
    way = await steps(definition, record)
    async with trial(definition) as tried:
        state = await _state(tried, record)
        [fate] = await tried.write([record])
    return {
        "connector": config.name,
        "record": {"topic": record.topic, "partition": record.partition, "offset": record.offset},
        "timestamp": fate_as_json(fate)["timestamp"],
        "raw": raw(record),
        **way,
        "row": _row(fate.row),
        "makes_schema_sink": tried.makes_schema,
        "statements": _statements(tried, fate),
        "outcome": _outcome(fate, tried),
        **state,
    }


async def _record(reader: TopicReader, partition: TopicPartition, offset: int) -> ConsumerRecord:
    """The record. Raises `SinkError` that says which there are when it is not there."""
    existing = {each for each in await reader.partitions() if each.topic == partition.topic}
    if not existing:
        raise SinkError(f"there is no topic {partition.topic}")
    if partition not in existing:
        raise SinkError(f"topic {partition.topic} has the partitions 0 to {len(existing) - 1}")
    extent = (await reader.extents([partition]))[partition]
    place = f"{partition.topic}/{partition.partition}"
    if extent.first == extent.end:
        raise SinkError(f"{place} holds no record; the next one will have offset {extent.end}")
    if not extent.first <= offset < extent.end:
        raise SinkError(f"{place} has no offset {offset}: it holds {extent.first} to {extent.end - 1}")
    following = await reader.read({partition: Extent(offset, extent.end)}, {partition: 1})
    if following and following[0].offset == offset:
        return following[0]
    raise SinkError(await _gap(reader, partition, extent, offset, following))


async def _gap(
    reader: TopicReader,
    partition: TopicPartition,
    extent: Extent,
    offset: int,
    following: Sequence[ConsumerRecord],
) -> str:
    span = Extent(max(extent.first, offset - NEAR), offset)
    before = await reader.read({partition: span}, {partition: NEAR})
    neighbours = [f"{each[-1 if each is before else 0].offset}" for each in (before, following) if each]
    near = f"; the nearest are {' and '.join(neighbours)}" if neighbours else ""
    return (
        f"offset {offset} of {partition.topic}/{partition.partition} is not there: compaction has removed it, or it is the "
        f"mark of a transaction{near}, of {extent.first} to {extent.end - 1}"
    )


async def _state(tried: Trial, record: ConsumerRecord) -> dict[str, Any]:
    """What the database knows of the record: whether the connector is past it, and its dead letter."""
    connection = tried.connection
    try:
        async with connection.transaction():
            if not await connection.fetchval(SQL["has_state"]):
                return {"next_offset": None, "is_committed": False, "dead_letter": None}
            place = (tried.name, record.topic, record.partition)
            next_offset = await connection.fetchval(SQL["next_offset"], *place)
            letter = await connection.fetchrow(SQL["dead_letter"], *place, record.offset)
    except asyncpg.InsufficientPrivilegeError as error:
        raise SinkError(f"the connector's state cannot be read: {error}") from error
    return {
        "next_offset": next_offset,
        "is_committed": next_offset is not None and next_offset > record.offset,
        "dead_letter": None if letter is None else dict(letter),
    }


def _row(row: Row | None) -> dict[str, Any] | None:
    if row is None:
        return None
    cells = [
        {
            "from": f"{cell.origin}.{cell.field}",
            "schema": cell.schema,
            "column": cell.column,
            "type": cell.type,
            "sent_as": cell.sent_as,
            "value": cell.value,
            "is_key": cell.is_key,
            **({"error": cell.error, "sent": cell.sent} if cell.error else {}),
        }
        for cell in row.cells
    ]
    return {"table": row.table, "mode": row.mode, "cells": cells, "afterwards": dict(row.afterwards)}


def _statements(tried: Trial, fate: Fate) -> list[dict[str, Any]]:
    """Each once, where it was run last: what was rolled back for a table to be made is run again after it."""
    found: dict[str, dict[str, Any]] = {}
    for each in tried.statements:
        if _is_aside(each):
            continue
        for parameters in _parameters(tried, fate, each):
            shown: dict[str, Any] = {"sql": _sql(each), "parameters": parameters}
            found.pop(str(shown), None)
            found[str(shown)] = (
                shown if each.exception is None else shown | {"error": headline(each.exception)}
            )
    return list(found.values())


def _sql(logged: LoggedQuery) -> str:
    """The statement on one line, without its comments."""
    lines = str(logged.query).splitlines()
    return " ".join(" ".join(line for line in lines if not line.startswith("--")).split())


def _is_aside(logged: LoggedQuery) -> bool:
    query = str(logged.query)
    return query in ASIDE or query.startswith(ASIDE_BEGIN) or any(part in query for part in DRIVERS)


def _parameters(tried: Trial, fate: Fate, logged: LoggedQuery) -> Iterator[list[Any]]:
    """Of each time that the statement was run."""
    if fate.row is not None and logged.query == fate.row.statement:
        yield [cell.sent for cell in fate.row.cells]
        return
    many = logged.args if isinstance(logged.args, list) else [logged.args]
    for arguments in many:
        # The trial's own name stands for the connector's.
        yield [tried.name if each == tried.config.name else plain(each) for each in arguments]


def _outcome(fate: Fate, tried: Trial) -> Mapping[str, Any]:
    said = fate_as_json(fate)
    kept = ("result", "stage", "error_class", "error", "note", "not_there_afterwards")
    found = {name: said[name] for name in kept if name in said}
    if tried.stopped:
        found["stopped"] = tried.stopped
    return found
