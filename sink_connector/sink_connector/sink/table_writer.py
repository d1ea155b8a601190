"""Writes a batch: the one transaction that holds rows, projections, dead letters and next offsets."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from asyncpg import Connection

from sink_connector.config.connector import ConnectorConfig
from sink_connector.data import sql_files
from sink_connector.data.write_record import WriteRecord, WriteRecords
from sink_connector.dead_letters.dead_letter import DeadLetter, store
from sink_connector.dead_letters.table import drop
from sink_connector.errors import BadRecordError, FatalError, headline
from sink_connector.sink import offsets
from sink_connector.sink.at_once import AtOnce
from sink_connector.sink.batch import Batch
from sink_connector.sink.ddl import ChangeNeededError
from sink_connector.sink.grouping import Grouping
from sink_connector.sink.isolation import Isolation, Place
from sink_connector.sink.key_ranking import KeyRanking
from sink_connector.sink.new_keys import NewKeys, copy_rows
from sink_connector.sink.offsets import Move, Partition, Position
from sink_connector.sink.plan_cache import PlanCache
from sink_connector.sink.projections import tracked
from sink_connector.sink.reduction import Group
from sink_connector.sink.rows import Rows
from sink_connector.sink.session import Session
from sink_connector.sink.sparse_rows import MERGES, SparseRows, are_sparse, sparse_rows
from sink_connector.sink.staging import Staging
from sink_connector.sink.table_changes import TableChanges, blaming_records
from sink_connector.sink.table_metadata import Table, TableName
from sink_connector.sink.truncation import Truncations, is_truncation
from sink_connector.sink.write_plan import WritePlan

log = structlog.get_logger()

SQL = sql_files.load("table_writer.sql", package=__package__)

# Rows up to which one prepared statement, all its rows sent in one go, is faster than a COPY and what follows it.
FEW = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a committed batch was."""

    rows: int
    dead: Sequence[DeadLetter]


class TableWriter:
    """Writes the batches of one task, one at a time."""

    def __init__(self, config: ConnectorConfig, session: Session) -> None:
        self._config = config
        self._session = session
        self._plans = PlanCache(config.table, dict(config.projections))
        self._changes = TableChanges(config.table, self._plans, connector=config.name)
        self._staging = Staging()
        self._new_keys = NewKeys()
        self._grouping = Grouping(config.table, self._plans, KeyRanking(self._plans, self._staging))
        self._at_once = AtOnce(
            self._plans, self._grouping, self._staging, has_session=not config.connection.is_pooled
        )
        self._truncations = Truncations(self._plans, config.projections)
        self._connection: Connection | None = None
        self._outdated = False
        self._stored: dict[Partition, Position] = {}

    def forget_tables(self) -> None:
        """Look at the tables again before the next batch."""
        self._plans.forget_tables()
        self._outdated = True

    async def write(self, batch: Batch, *, isolate: bool = False, final: bool = False) -> Written:
        """Write and commit. With `isolate`, a record the database refuses becomes a dead letter instead of failing the batch.

        `final` says that one which lacks a row it refers to is to be one, too. Raises what the driver raises (see
        `sink.sqlstate`), `FencedError`, and `FatalError` for a bad record when none is tolerated. Whatever is raised, nothing
        of the batch was written.
        """
        connection = await self._opened()
        self._changes.begin()
        if isolate and self._config.table.is_named_by_record:
            self.forget_tables()  # what does not go with a table as it is now will not go later
        while True:
            await self._tidy(connection)
            try:
                written = await self._transaction(connection, batch, isolate=isolate, final=final)
            except ChangeNeededError as needed:
                await self._change(connection, needed)
            else:
                if not isolate:  # else some may have been made in a part that was rolled back
                    self._staging.committed()
                return written

    async def rewrite(self, letter: int, place: Place | None, entry: WriteRecord | None) -> None:
        """Write a record again and remove its dead letter, in one transaction.

        Raises as `write` does, and `BadRecordError` for a truncation: what came after it would be lost. The dead letter then
        stays.
        """
        if entry is not None and is_truncation(entry):
            raise BadRecordError("a TRUNCATE is not replayed: what came after it would be lost")
        connection = await self._opened()
        self._changes.begin()
        while True:
            self._staging.begun()
            try:
                async with connection.transaction():
                    if place is not None and entry is not None and self._is_written(entry):
                        await self._apply(connection, place, WriteRecords.of([entry]))
                        await self._plans.check_unchanged(connection, [place[1]])
                    await drop(connection, self._config.name, [letter])
            except ChangeNeededError as needed:
                await self._change(connection, needed)
            else:
                return

    async def _opened(self) -> Connection:
        connection = await self._session.connection()
        if connection is not self._connection:
            if not self._config.connection.is_pooled:  # else it would be the setting of other clients, too
                await connection.fetchval(SQL["bound_lock_waits"], self._config.command_timeout_ms)
            self._connection = connection
            self._staging.dropped()
        return connection

    async def _tidy(self, connection: Connection) -> None:
        if self._plans.has_too_many_stages:
            self.forget_tables()
        if self._outdated:
            await connection.execute("DISCARD TEMPORARY")
            self._staging.dropped()
            self._outdated = False

    async def _change(self, connection: Connection, needed: ChangeNeededError) -> None:
        if await self._changes.make(connection, needed):
            self.forget_tables()

    def _is_written(self, entry: WriteRecord) -> bool:
        return entry.value is not None or self._config.table.delete_enabled

    async def _transaction(
        self, connection: Connection, batch: Batch, *, isolate: bool, final: bool
    ) -> Written:
        move = Move(
            connector=self._config.name,
            positions=batch.positions,
            stored=self._stored,
            channel=self._config.notify_channel,
            taken_ms=round((time.time() - time.monotonic() + batch.began) * 1000),
        )
        self._staging.begun()
        if not (isolate or self._config.table.truncate_enabled):
            at_once = await self._at_once.written(connection, batch, move)
            if at_once is not None:
                self._stored |= batch.positions
                return Written(rows=at_once, dead=())
        dead = list(batch.bad)
        async with connection.transaction():
            if not await offsets.advance(connection, move):
                log.info("batch.found_committed", connector=self._config.name)
                self._stored |= batch.positions
                return Written(rows=0, dead=())
            if self._config.table.truncate_enabled:
                batch, refused = await self._truncations.apply(connection, batch, isolate=isolate)
                dead += refused
            if isolate:
                rows, refused = await self._isolate(connection, batch, final=final)
                dead += refused
            else:
                with blaming_records(self._config.table):
                    rows = await self._write_tables(connection, batch)
            if rows:
                await self._plans.check_unchanged(connection, [name for _, name in batch.entries])
            if dead:
                self._refuse_unless_tolerant(dead[0])
                await store(connection, self._config.name, dead)
        self._stored |= batch.positions
        return Written(rows=rows, dead=dead)

    def _refuse_unless_tolerant(self, letter: DeadLetter) -> None:
        if not self._config.errors.tolerant:
            raise FatalError(
                f"{letter.place}: {headline(letter.error)} (stage {letter.stage.value}, errors.tolerance=none)"
            )

    async def _write_tables(self, connection: Connection, batch: Batch) -> int:
        """Table by table; those that refer to each other by foreign keys parents first, and deletions the other way."""
        if len(batch.entries) == 1:
            [(place, entries)] = batch.entries.items()
            return await self._apply(connection, place, entries)
        tables, places = await self._grouping.ordered(connection, batch)
        if places is None:
            return sum([await self._apply(connection, place, entries) for place, entries in tables])
        groups = [
            (group, name, places.get(name, 0))
            for (topic, name), entries in tables
            for group in await self._grouping.groups(connection, (topic, name), entries)
        ]
        groups.sort(key=lambda each: (each[0].layer, each[0].delete, -each[2] if each[0].delete else each[2]))
        return sum([await self._write_group(connection, name, group) for group, name, _ in groups])

    async def _isolate(
        self, connection: Connection, batch: Batch, *, final: bool
    ) -> tuple[int, list[DeadLetter]]:
        tables, _ = await self._grouping.ordered(connection, batch)
        isolation = Isolation(
            connection=connection,
            apply=partial(self._apply_isolated, connection),
            apply_singly=partial(self._apply_singly, connection),
            keys_of=partial(self._grouping.keys, connection),
            final=final,
        )
        return await isolation.write(tables)

    async def _apply_isolated(self, connection: Connection, place: Place, entries: WriteRecords) -> int:
        with blaming_records(self._config.table, is_fresh=True):
            return await self._apply(connection, place, entries)

    async def _apply(self, connection: Connection, place: Place, entries: WriteRecords) -> int:
        sparse = await self._sparse(connection, place, entries)
        if sparse is not None:
            return await sparse.write(connection, partial(self._fill, connection, sparse.table))
        groups = await self._grouping.groups(connection, place, entries)
        return sum([await self._write_group(connection, place[1], group) for group in groups])

    async def _sparse(self, connection: Connection, place: Place, entries: WriteRecords) -> SparseRows | None:
        if not are_sparse(entries) or connection.get_server_version().major < MERGES:
            return None
        topic, name = place
        table = await self._plans.table(connection, name)
        if table is None or tracked(table.name, self._config.projections) is not None:
            return None
        return sparse_rows(self._config.table, table, topic, entries)

    async def _fill(
        self, connection: Connection, table: Table, declared: str, columns: Sequence[str], rows: Sequence[Any]
    ) -> str:
        stage = self._plans.stage(table.name, declared, columns)
        await self._staging.fill(connection, stage, rows)
        return stage.sql

    async def _apply_singly(self, connection: Connection, place: Place, entries: WriteRecords) -> int:
        singly = [entries[number : number + 1] for number in range(len(entries))]
        return sum([await self._apply_isolated(connection, place, each) for each in singly])

    async def _write_group(self, connection: Connection, name: TableName, group: Group) -> int:
        plan = await self._plans.plan(connection, name, group)
        if plan is None:
            return 0
        tracking = plan.tracking
        entries, rows = group.entries, Rows(plan, group)
        if tracking is not None:
            await self._staging.empty(connection, tracking.new, tracking.create, tracking.clear)
        if len(entries) <= FEW and not (plan.together and len(entries) > 1):
            few = plan.rows(group.layout.columns(entries))
            if plan.single.capture:
                await connection.executemany(plan.single.capture, few)
            await connection.executemany(plan.single.write, few)
        elif plan.direct:
            await copy_rows(connection, plan, rows)
        elif not (plan.direct_if_new and await self._new_keys.copied(connection, plan, rows)):
            await self._write_staged(connection, plan, rows)
        if tracking is not None:
            for statement in filter(None, (plan.prune, *tracking.statements)):
                await connection.fetch(statement)  # unlike `execute`, prepared and planned once
        return len(entries)

    async def _write_staged(self, connection: Connection, plan: WritePlan, rows: Rows) -> None:
        await self._staging.fill(connection, plan.stage, rows)
        for statement in (plan.staged.lock, plan.staged.capture, plan.staged.write):
            if statement:
                await connection.execute(statement)
