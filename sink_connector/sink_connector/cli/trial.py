"""Records written for real, in a transaction that is rolled back: what PostgreSQL would refuse shows, and nothing stays."""

import asyncio
import uuid
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, cast

import asyncpg
from aiokafka import ConsumerRecord, TopicPartition
from asyncpg.connection import LoggedQuery

from sink_connector.cli.row_preview import Row, RowPreview
from sink_connector.config.connector import ConnectorConfig
from sink_connector.data import sql_files
from sink_connector.data.write_record import WriteRecord
from sink_connector.dead_letters.dead_letter import DeadLetter
from sink_connector.errors import FatalError, SinkError
from sink_connector.runtime import record_batches
from sink_connector.runtime.connector_definition import ConnectorDefinition
from sink_connector.runtime.conversion import RecordConverter
from sink_connector.runtime.retry import MOST_REFRESHES, reason
from sink_connector.sink import offsets, session
from sink_connector.sink.batch import Batch, Place, place_of
from sink_connector.sink.buffer import Buffer
from sink_connector.sink.offsets import Beginning, Partition
from sink_connector.sink.session import Session, prepare_database
from sink_connector.sink.sqlstate import Decision, decide
from sink_connector.sink.table_metadata import TableName
from sink_connector.sink.table_naming import TableNaming
from sink_connector.sink.table_writer import TableWriter

SQL = sql_files.load("trial.sql", package=__package__)
REDUCED = {"upsert", "update", "delete"}  # modes in which only the last state of a key is written
CONNECTION_LOST = (OSError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError)


class Result(Enum):
    """What becomes of a record."""

    ROW = "row"
    BAD = "bad"
    SKIPPED = "skipped"  # a tombstone where deletes are not enabled
    DROPPED = "dropped"  # by a transform
    UNTRIED = "untried"  # the task would fail before it


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """One record and what becomes of it.

    `row` may be missing where it cannot be told apart (`note` says why); `superseded_by` is the offset of a later record for
    the same row, which alone is written then.
    """

    record: ConsumerRecord
    result: Result
    row: Row | None = None
    letter: DeadLetter | None = None
    superseded_by: tuple[int, int] | None = None
    note: str = ""


class _HeldSession(Session):
    """A session's one connection, as long as its transaction is open: it is never opened anew, which would commit."""

    async def connection(self) -> asyncpg.Connection:
        """The connection. Raises `FatalError` once the transaction is gone."""
        found = self._connection
        if found is None or found.is_closed() or not found.is_in_transaction():
            raise FatalError("the transaction that was to be rolled back is over; nothing more is tried")
        return found


class _RollBackError(Exception):
    """Ends a transaction; never leaves this module."""


@dataclass(slots=True)
class Trial:
    """What a connector would do, tried in one open transaction. `config` is that of the connector under a name of its own.

    `stopped` is why the task would fail, `rows` what was written, `advanced` the sequences that went on meanwhile, each with
    where it was and is; known once the trial is over.
    """

    name: str
    config: ConnectorConfig
    connection: asyncpg.Connection
    convert: RecordConverter
    writer: TableWriter
    naming: TableNaming
    preview: RowPreview
    statements: list[LoggedQuery] = field(default_factory=list)
    stopped: str = ""
    rows: int = 0
    advanced: dict[str, tuple[int | None, int]] = field(default_factory=dict)
    _read: set[Place] = field(default_factory=set)
    _entries: dict[Place, tuple[str, TableName, WriteRecord]] = field(default_factory=dict)
    _dead: dict[Place, DeadLetter] = field(default_factory=dict)
    _written: set[Place] = field(default_factory=set)

    @property
    def makes_schema(self) -> bool:
        """Whether the schema `sink` was not there."""
        return any(each.query == session.SQL["create_schema"] for each in self.statements)

    async def write(self, records: Sequence[ConsumerRecord]) -> list[Fate]:
        """Take records their whole way, in batches as a task would make them; what became of each, in order.

        Raises what the driver raises when the connection is lost, and `OSError` when a schema registry is.
        """
        by_partition: dict[Partition, list[ConsumerRecord]] = {}
        for record in records:
            by_partition.setdefault(Partition(record.topic, record.partition), []).append(record)
        for partition, read in by_partition.items():
            await self.convert.prepare(partition.topic, cast("Any", read))
        with self._recorded():
            await self._write(by_partition)
            await asyncio.sleep(0)  # the driver tells of a statement in the loop's next turn
        return await self._fates(records)

    async def _write(self, by_partition: dict[Partition, list[ConsumerRecord]]) -> None:
        try:
            async with self.connection.transaction():
                await prepare_database(self.connection)
                epochs = {
                    TopicPartition(*partition): (
                        await offsets.claim(self.connection, self.config.name, partition, _beginning(read))
                    ).epoch
                    for partition, read in by_partition.items()
                }
            for batch in self._batches(by_partition, epochs):
                await self._write_batch(batch)
        except CONNECTION_LOST:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, a task would fail of it, or try for ever
            self.stopped = str(error) if isinstance(error, SinkError) else reason(error)

    def _batches(
        self, by_partition: dict[Partition, list[ConsumerRecord]], epochs: dict[TopicPartition, int]
    ) -> Iterator[Batch]:
        buffer = Buffer(self.config, self.naming, self.convert)
        for partition, read in by_partition.items():
            start = 0
            while start < len(read):
                some = read[start : start + buffer.room]
                start += len(some)
                self._read.update(place_of(record) for record in some)
                polled = {TopicPartition(*partition): some}
                unreadable = record_batches.unreadable(polled)
                buffer.add(cast("Any", polled), cast("Any", epochs), unreadable=cast("Any", unreadable))
                if buffer.is_full:
                    yield buffer.take()
        if not buffer.is_empty:
            yield buffer.take()

    async def _write_batch(self, batch: Batch) -> None:
        self._dead.update({place_of(letter.source): letter for letter in batch.bad})
        for (topic, table), found in batch.entries.items():
            self._entries.update({place_of(entry.source): (topic, table, entry) for entry in found})
        pieces, refreshes = deque([batch]), 0
        while pieces:
            piece = pieces.popleft()
            try:
                written = await self.writer.write(piece, isolate=True, final=True)
            except Exception as error:
                decision = decide(error)
                if decision is Decision.TIMEOUT and piece.to_write > 1:
                    pieces.extendleft(reversed(piece.halves()))
                elif decision is Decision.STALE and refreshes < MOST_REFRESHES:
                    refreshes += 1
                    pieces.appendleft(piece)
                else:
                    raise
            else:
                self.rows += written.rows
                self._dead.update({place_of(letter.source): letter for letter in written.dead})
                self._written.update(
                    place_of(entry.source) for found in piece.entries.values() for entry in found
                )
            self.writer.forget_tables()  # the temporary ones still hold rows: no commit has emptied them

    @contextmanager
    def _recorded(self) -> Iterator[None]:
        self.connection.add_query_logger(self.statements.append)
        try:
            yield
        finally:
            self.connection.remove_query_logger(self.statements.append)

    async def _fates(self, records: Sequence[ConsumerRecord]) -> list[Fate]:
        """Last to first, so that of the records of one row the last is met first."""
        last: dict[tuple[str, str], Place] = {}
        found = [await self._fate(record, last) for record in reversed(records)]
        return found[::-1]

    async def _fate(self, record: ConsumerRecord, last: dict[tuple[str, str], Place]) -> Fate:
        place = place_of(record)
        row, note = await self._row(place)
        letter = self._dead.get(place)
        if letter is not None:
            return Fate(record=record, result=Result.BAD, letter=letter, row=_alone(row))
        if place in self._written:
            later = self._later(place, row, last)
            row = row if later is None else _alone(row)
            return Fate(record=record, result=Result.ROW, row=row, superseded_by=later, note=note)
        if place in self._entries or place not in self._read:
            return Fate(record=record, result=Result.UNTRIED, row=_alone(row))
        dropped = self.convert(record) is None
        return Fate(record=record, result=Result.DROPPED if dropped else Result.SKIPPED)

    async def _row(self, place: Place) -> tuple[Row | None, str]:
        """The row of a record, or why there is none to be shown."""
        if place not in self._entries:
            return None, ""
        topic, table, entry = self._entries[place]
        try:
            return await self.preview.row(topic, table, entry), ""
        except CONNECTION_LOST:
            raise
        except Exception as error:  # noqa: BLE001 - what can be told is told all the same
            return None, f"its row cannot be shown: {reason(error)}"

    def _later(
        self, place: Place, row: Row | None, last: dict[tuple[str, str], Place]
    ) -> tuple[int, int] | None:
        if row is None or not row.key or row.mode not in REDUCED or self.config.table.version_field:
            return None
        later = last.setdefault((row.table, str(sorted(row.key.items()))), place)
        return None if later == place else (later[0].partition, later[1])


def _alone(row: Row | None) -> Row | None:
    """The row without what is in the table afterwards, which another record has put there."""
    return None if row is None else replace(row, afterwards={}, is_missing=False)


@asynccontextmanager
async def trial(definition: ConnectorDefinition) -> AsyncIterator[Trial]:
    """A trial; its transaction is rolled back however the block ends. Raises what the driver raises, and `FatalError`.

    Its offsets stand under a name of their own, so that the connector itself is neither fenced off nor made to wait there.
    """
    given = definition.config
    # What it takes to empty a table would keep everybody out of it, for as long as this lasts.
    given = replace(given, table=replace(given.table, truncate_enabled=False))
    definition = replace(definition, config=given)
    config = replace(
        given, name=f"{given.name[:200]}-{uuid.uuid4().hex}", errors=replace(given.errors, tolerant=True)
    )
    held = _HeldSession(
        address=config.connection,
        name=f"sink {given.name} trial"[:63],
        timezone=config.timezone,
        command_timeout_s=config.command_timeout_ms / 1000,
    )
    connection = await Session.connection(held)
    try:
        before = await _sequences(connection)
        tried = Trial(
            name=given.name,
            config=config,
            connection=connection,
            convert=definition.conversion(),
            writer=TableWriter(config, held),
            naming=TableNaming(config.table),
            preview=RowPreview(config, connection),
        )
        async with _rolled_back(connection):
            await connection.execute(SQL["bound_locks"])
            yield tried
        after = await _sequences(connection)
        tried.advanced = {
            name: (before.get(name), value) for name, value in after.items() if before.get(name) != value
        }
    finally:
        await held.close()


@asynccontextmanager
async def _rolled_back(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """A transaction that ends without a commit, whatever happens in it."""
    transaction = connection.transaction()
    await transaction.__aenter__()
    try:
        yield
    finally:
        await transaction.__aexit__(_RollBackError, _RollBackError(), None)


async def _sequences(connection: asyncpg.Connection) -> dict[str, int]:
    return {row["name"]: row["last_value"] for row in await connection.fetch(SQL["sequences"])}


def _beginning(read: Sequence[ConsumerRecord]) -> Beginning:
    return Beginning(first=read[0].offset, reset=read[0].offset, topic_id="")
