"""`sink-connector dead-letters list|show|replay|drop FILE.json`: look after the records a connector could not deliver."""

# ruff: noqa: T201 - it speaks to a person

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable

import asyncpg

from sink_connector import telemetry
from sink_connector.config.file import read_connector_file
from sink_connector.config.worker import read_worker
from sink_connector.dead_letters.table import StoredDeadLetter, drop, stored_dead_letters
from sink_connector.errors import ConfigError, SinkError, headline
from sink_connector.runtime.connector_definition import ConnectorDefinition, define_connector
from sink_connector.runtime.replay import replay
from sink_connector.sink.session import Session, prepare_database

Outcome = tuple[
    int, list[str]
]  # exit code and lines: printed once nothing is open any more, as nobody may read them
BEYOND_IDS = 2**63
Action = Callable[[ConnectorDefinition, list[int] | None], Awaitable[Outcome]]


def run(options: argparse.Namespace) -> int:
    """0, or 1 when a record stays undelivered, 2 when it is not said which dead letters are meant."""
    if options.action in {"show", "drop"} and not options.ids and not options.all:
        print(f"dead-letters {options.action}: name them by their ids, or say --all", file=sys.stderr)
        return 2
    if beyond := [each for each in options.ids if not 0 < each < BEYOND_IDS]:
        raise ConfigError(
            {"ID": [f"is {beyond[0]}, and dead letters are numbered from 1 to {BEYOND_IDS - 1}"]}
        )
    worker = read_worker()
    definition = define_connector(read_connector_file(options.file), worker, worker.providers.unrestricted())
    try:
        code, lines = asyncio.run(_run(ACTIONS[options.action], definition, options.ids or None))
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        reason = worker.providers.redactor.scrub(str(error) or type(error).__name__)
        raise SinkError(f"the database cannot be used: {reason}") from error
    except SinkError as error:
        raise SinkError(worker.providers.redactor.scrub(str(error))) from error
    for line in lines:
        print(line)
    return code


async def _run(action: Action, definition: ConnectorDefinition, ids: list[int] | None) -> Outcome:
    return await action(definition, ids)


async def _letters(definition: ConnectorDefinition, ids: list[int] | None) -> list[StoredDeadLetter]:
    session = Session(address=definition.config.connection, name="sink dead-letters")
    try:
        connection = await session.connection()
        await prepare_database(connection)
        found = await stored_dead_letters(connection, definition.config.name, ids)
    finally:
        await session.close()
    if missing := sorted({*(ids or ())} - {letter.id for letter in found}):
        raise SinkError(f"{definition.config.name} has no dead letter {', '.join(map(str, missing))}")
    return found


async def _list(definition: ConnectorDefinition, ids: list[int] | None) -> Outcome:
    return 0, [
        f"{letter.id}\t{letter.parked_at}\t{letter.topic}/{letter.partition}/{letter.offset}\t{letter.stage}\t"
        f"{headline(letter.error)}"
        for letter in await _letters(definition, ids)
    ]


async def _show(definition: ConnectorDefinition, ids: list[int] | None) -> Outcome:
    return 0, [line for letter in await _letters(definition, ids) for line in _whole(letter)]


def _whole(letter: StoredDeadLetter) -> list[str]:
    return [
        f"id:      {letter.id}",
        f"record:  topic {letter.topic}, partition {letter.partition}, offset {letter.offset}",
        f"parked:  {letter.parked_at} at {letter.stage}",
        f"error:   {letter.error_class}: {letter.error}",
        *(f"header:  {name}: {_readable(value)}" for name, value in letter.headers),
        f"key:     {_readable(letter.key)}",
        f"value:   {_readable(letter.value)}\n",
    ]


async def _replay(definition: ConnectorDefinition, ids: list[int] | None) -> Outcome:
    telemetry.start("sink-connector")
    if ids:
        await _letters(definition, ids)
    results = await replay(definition, ids)
    lines = [
        f"{result.letter.id}\t{'delivered' if not result.reason else 'stays: ' + headline(result.reason)}"
        for result in results
    ]
    return 1 if any(result.reason for result in results) else 0, lines


async def _drop(definition: ConnectorDefinition, ids: list[int] | None) -> Outcome:
    session = Session(address=definition.config.connection, name="sink dead-letters")
    try:
        count = await drop(await session.connection(), definition.config.name, ids)
    finally:
        await session.close()
    return 0, [f"{count} dropped"]


def _readable(data: bytes | None) -> str:
    if data is None:
        return "null"
    try:
        return data.decode()
    except UnicodeDecodeError:
        return f"hex {data.hex()}"


ACTIONS: dict[str, Action] = {"list": _list, "show": _show, "replay": _replay, "drop": _drop}
