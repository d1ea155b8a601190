"""Writes a batch: the one transaction that holds rows, projections, dead letters and next offsets."""

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from asyncpg import Connection

from sink_connector.config.connector import ConnectorConfig, InsertMode, PkMode
from sink_connector.data.record_schema import Shape
from sink_connector.data.write_record import Entry
from sink_connector.dead_letters.dead_letter import DeadLetter, park
from sink_connector.dead_letters.table import drop
from sink_connector.errors import BadRecordError, FatalError, Stage, headline
from sink_connector.sink import offsets
from sink_connector.sink.batch import Batch
from sink_connector.sink.column_mapping import Layout, make_layout
from sink_connector.sink.ddl import ChangeNeededError, change, table_missing
from sink_connector.sink.projections import tracked
from sink_connector.sink.reduction import Group, in_order, last_states
from sink_connector.sink.session import Session
from sink_connector.sink.sqlstate import Decision, decide
from sink_connector.sink.table_metadata import TableName, read_table
from sink_connector.sink.write_plan import Plan, make_plan

log = structlog.get_logger()

# Rows up to which one prepared statement, all its rows sent in one go, is faster than a COPY and what follows it.
FEW = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a committed batch was."""

    rows: int
    dead: Sequence[DeadLetter]


class Writer:
    """Writes the batches of one task, one at a time."""

    def __init__(self, config: ConnectorConfig, session: Session) -> None:
        self._config = config
        self._session = session
        self._layouts: dict[tuple[str, Shape | None, Shape | None], Layout] = {}
        self._plans: dict[tuple[TableName, Layout, bool], Plan] = {}
        self._stages = itertools.count(1)
        self._staged: set[str] = set()  # temporary tables that hold rows of the running transaction
        self._standing: set[str] = (
            set()
        )  # those that a committed transaction of this connection has left, empty
        self._connection: Connection | None = None
        self._outdated = False

    def forget_tables(self) -> None:
        """Look at the tables again before the next batch."""
        self._plans.clear()
        self._outdated = True

    async def write(self, batch: Batch, *, isolate: bool = False) -> Written:
        """Write and commit. With `isolate`, a record the database refuses is parked instead of failing the batch.

        Raises what the driver raises (see `errors.sqlstate`), `FencedError`, and `FatalError` for a bad record when none
        is tolerated. Whatever is raised, nothing of the batch was written.
        """
        connection = await self._session.connection()
        if connection is not self._connection:
            self._connection = connection
            self._standing.clear()
        while True:
            if self._outdated:
                await connection.execute("DISCARD TEMPORARY")
                self._standing.clear()
                self._outdated = False
            try:
                written = await self._transaction(connection, batch, isolate=isolate)
            except ChangeNeededError as needed:
                await self._change(connection, needed)
            else:
                if not isolate:  # else some may have been made in a part that was rolled back
                    self._standing |= self._staged
                return written

    async def rewrite(self, letter: int, place: tuple[str, TableName] | None, entry: Entry | None) -> None:
        """Write a parked record and remove its letter, in one transaction. Raises as `write` does; the letter then stays."""
        connection = await self._session.connection()
        while True:
            self._staged.clear()
            try:
                async with connection.transaction():
                    if place is not None and entry is not None and self._is_written(entry):
                        await self._apply(connection, *place, [entry])
                    await drop(connection, self._config.name, [letter])
            except ChangeNeededError as needed:
                await self._change(connection, needed)
            else:
                return

    async def _change(self, connection: Connection, needed: ChangeNeededError) -> None:
        log.info("sink.table.changed", connector=self._config.name, statement=needed.statement)
        await change(connection, needed.statement)
        self.forget_tables()

    def _is_written(self, entry: Entry) -> bool:
        return entry.value is not None or self._config.table.delete_enabled

    async def _transaction(self, connection: Connection, batch: Batch, *, isolate: bool) -> Written:
        dead = list(batch.bad)
        rows = 0
        self._staged.clear()
        async with connection.transaction():
            if not await offsets.advance(
                connection,
                self._config.name,
                batch.positions,
                channel=self._config.notify_channel,
                taken_ms=round((time.time() - time.monotonic() + batch.began) * 1000),
            ):
                log.info("sink.batch.was-committed", connector=self._config.name)
                return Written(rows=0, dead=())
            for (topic, table), entries in sorted(batch.entries.items(), key=_by_table):
                if isolate:
                    rows += await self._isolate(connection, topic, table, entries, dead)
                else:
                    rows += await self._apply(connection, topic, table, entries)
            if dead:
                self._refuse_unless_tolerant(dead[0])
                await park(connection, self._config.name, dead)
        return Written(rows=rows, dead=dead)

    def _refuse_unless_tolerant(self, letter: DeadLetter) -> None:
        if not self._config.errors.tolerant:
            raise FatalError(
                f"{letter.place}: {headline(letter.error)} (stage {letter.stage.value}, errors.tolerance=none)"
            )

    async def _isolate(
        self,
        connection: Connection,
        topic: str,
        name: TableName,
        entries: Sequence[Entry],
        dead: list[DeadLetter],
    ) -> int:
        """Write what can be written: halve until the records at fault stand alone."""
        try:
            async with connection.transaction():
                return await self._apply(connection, topic, name, entries)
        except Exception as error:  # every failure of one record looks alike here; the rest is raised again
            if decide(error) is not Decision.RECORD:
                raise
            if len(entries) == 1:
                dead.append(dead_letter(entries[0], error))
                return 0
        middle = len(entries) // 2
        written = await self._isolate(connection, topic, name, entries[:middle], dead)
        return written + await self._isolate(connection, topic, name, entries[middle:], dead)

    async def _apply(
        self, connection: Connection, topic: str, name: TableName, entries: Sequence[Entry]
    ) -> int:
        written = 0
        for group in self._groups(topic, entries):
            plan = await self._plan(connection, name, group)
            if plan is not None:
                written += await self._write_group(connection, plan, group)
        return written

    def _groups(self, topic: str, entries: Sequence[Entry]) -> list[Group]:
        def layout_of(key_shape: Shape | None, shape: Shape | None) -> Layout:
            found = self._layouts.get((topic, key_shape, shape))
            if found is None:
                found = make_layout(self._config.table, topic, key_shape, shape)
                self._layouts[(topic, key_shape, shape)] = found
            return found

        table = self._config.table
        plain = table.insert_mode in {InsertMode.INSERT, InsertMode.MULTI}
        if table.pk_mode is PkMode.NONE or (plain and not table.delete_enabled):
            return in_order(entries, layout_of)
        return last_states(entries, layout_of, reduce=not plain)

    async def _write_group(self, connection: Connection, plan: Plan, group: Group) -> int:
        tracking = plan.tracking
        rows = plan.rows(group.layout.columns(group.entries))
        if tracking is not None:
            await self._empty(connection, tracking.new, tracking.create, tracking.clear)
        if len(rows) <= FEW:
            if plan.single.capture:
                await connection.executemany(plan.single.capture, rows)
            await connection.executemany(plan.single.write, rows)
        elif plan.direct:
            await connection.copy_records_to_table(
                plan.table.name, schema_name=plan.table.schema, columns=plan.columns, records=rows
            )
        else:
            await self._stage(connection, plan, rows)
            for statement in (plan.staged.lock, plan.staged.capture, plan.staged.write):
                if statement:
                    await connection.execute(statement)
        if tracking is not None:
            for statement in filter(None, (plan.prune, *tracking.statements)):
                await connection.fetch(statement)  # unlike `execute`, prepared and planned once
        return len(rows)

    async def _stage(self, connection: Connection, plan: Plan, rows: Sequence[Any]) -> None:
        stage = plan.stage
        await self._empty(connection, stage.name, stage.create, stage.clear)
        await connection.copy_records_to_table(
            stage.name, schema_name="pg_temp", columns=stage.columns, records=rows
        )

    async def _empty(self, connection: Connection, relation: str, create: str, clear: str) -> None:
        """Make sure of a temporary relation without rows. A commit empties them all; what this transaction has put into
        one has to be cleared, which costs new files and catalog rows and is therefore not done in advance.
        """
        if relation in self._staged:
            await connection.execute(f"{create};{clear}")
        elif relation not in self._standing:
            await connection.execute(create)
        self._staged.add(relation)

    async def _plan(self, connection: Connection, name: TableName, group: Group) -> Plan | None:
        """How to write a group; None when it deletes from a table that is not there."""
        key = name, group.layout, group.delete
        found = self._plans.get(key)
        if found is not None:
            return found
        table = await read_table(connection, name)
        if table is None:
            if group.delete:
                return None
            raise table_missing(self._config.table, name, group.layout)
        found = make_plan(
            self._config.table,
            table,
            group.layout,
            stage=f"sink_stage_{next(self._stages)}",
            delete=group.delete,
            tracking=tracked(name, self._config.projections),
        )
        return self._plans.setdefault(key, found)


def dead_letter(entry: Entry, error: BaseException) -> DeadLetter:
    stage = error.stage if isinstance(error, BadRecordError) else Stage.TASK_PUT
    return DeadLetter(source=entry.source, stage=stage, error_class=type(error).__name__, error=str(error))


def _by_table(item: tuple[tuple[str, TableName], Any]) -> tuple[str, str, str]:
    (topic, table), _ = item
    return table.schema or "", table.name, topic
