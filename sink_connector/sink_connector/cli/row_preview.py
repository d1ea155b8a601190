"""The row that a converted record leads to, its values as PostgreSQL has them."""

# ruff: noqa: S608 - every name in the statements went through `identifiers.quote`

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from asyncpg import Connection

from sink_connector.cli.values import plain, schema_text
from sink_connector.config.connector import ConnectorConfig, PkMode
from sink_connector.data.exact_json import parse_exact
from sink_connector.data.write_record import WriteRecord, WriteRecords
from sink_connector.errors import headline
from sink_connector.sink.column_mapping import ColumnMapping
from sink_connector.sink.identifiers import quote
from sink_connector.sink.plan_cache import PlanCache
from sink_connector.sink.reduction import Group
from sink_connector.sink.sqlstate import Decision, decide
from sink_connector.sink.table_metadata import TableName
from sink_connector.sink.target_columns import TargetColumn
from sink_connector.sink.write_plan import WritePlan

ORIGINS = {PkMode.RECORD_KEY: "key", PkMode.RECORD_HEADER: "header", PkMode.KAFKA: "place"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One column of a row: where its value comes from, as what it is sent, and what the column is given, or why it cannot be."""

    origin: str
    field: str
    schema: str
    column: str
    type: str
    sent_as: str
    sent: Any
    value: Any
    error: str
    is_key: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What is done to which row. `mode` is `insert.mode`, or `delete`. Values are JSON, numbers with every digit.

    `statement` is the one that writes it alone. `afterwards` has the columns that hold something else than they were given
    once all is written (a trigger's work, an older version that stays, a type that pads); `is_missing` says that no row of
    this key is there.
    """

    table: str
    mode: str
    cells: tuple[Cell, ...]
    statement: str
    afterwards: Mapping[str, Any] = field(default_factory=dict)
    is_missing: bool = False

    @property
    def key(self) -> dict[str, Any]:
        """The key's columns."""
        return {cell.column: cell.value for cell in self.cells if cell.is_key}

    @property
    def columns(self) -> dict[str, Any]:
        """The other columns."""
        return {cell.column: cell.value for cell in self.cells if not cell.is_key}


class _Value(NamedTuple):
    """What is sent, and what the column is given; or why PostgreSQL cannot make it of what is sent."""

    sent: Any
    given: Any
    error: str = ""


class RowPreview:
    """Previews of the rows of one connector, in the transaction in which they were written."""

    def __init__(self, config: ConnectorConfig, connection: Connection) -> None:
        self._config = config
        self._connection = connection
        self._plans = PlanCache(config.table, dict(config.projections))

    async def row(self, topic: str, table: TableName, entry: WriteRecord) -> Row | None:
        """The row of an entry; None when it deletes from a table that is not there.

        Raises what the writer would raise about the entry.
        """
        layout = self._plans.layout(topic, entry.key_shape, entry.shape)
        group = Group(layout, WriteRecords.of([entry]), delete=entry.value is None)
        async with self._connection.transaction():  # what goes wrong here spoils nothing else
            plan = await self._plans.plan(self._connection, table, group)
            if plan is None:
                return None
            [sent] = plan.rows(layout.columns(group.entries))
            row = Row(
                table=str(plan.table),
                mode="delete" if group.delete else self._config.table.insert_mode.value,
                cells=await self._cells(layout, plan, sent),
                statement=plan.single.write,
            )
            if group.delete or not row.key or any(cell.error for cell in row.cells):
                return row
            return await self._compared(row, plan, sent)

    async def _compared(self, row: Row, plan: WritePlan, sent: Sequence[Any]) -> Row:
        found = await self._found(plan, sent)
        if found is None:
            return replace(row, is_missing=True)
        differing = {
            cell.column: found.get(cell.column) for cell in row.cells if found.get(cell.column) != cell.value
        }
        return replace(row, afterwards=differing)

    async def _cells(self, layout: ColumnMapping, plan: WritePlan, sent: Sequence[Any]) -> tuple[Cell, ...]:
        values = await self._values(plan.targets, sent)
        return tuple(
            Cell(
                origin=self._origin(source.is_key),
                field=source.field.name,
                schema=schema_text(source.field.schema),
                column=target.column.name,
                type=target.column.type,
                sent_as=target.wire.type,
                sent=value.sent,
                value=value.given,
                error=value.error,
                is_key=target.is_key,
            )
            for source, target, value in zip(layout.sources, plan.targets, values, strict=True)
        )

    async def _values(self, targets: Sequence[TargetColumn], sent: Sequence[Any]) -> list[_Value]:
        """All at once; one by one where PostgreSQL refuses one, so that it is known which."""
        try:
            return await self._asked(targets, sent)
        except Exception as error:  # a value's own failure is shown with it; all else is raised again
            if decide(error) is not Decision.RECORD:
                raise
            if len(targets) == 1:
                return [_Value(plain(sent[0]), None, headline(error))]
        return [
            value
            for target, each in zip(targets, sent, strict=True)
            for value in await self._values([target], [each])
        ]

    async def _asked(self, targets: Sequence[TargetColumn], sent: Sequence[Any]) -> list[_Value]:
        places = [f"${place}::{target.wire.type}" for place, target in enumerate(targets, 1)]
        asked = [f"to_jsonb({place})" for place in places]
        asked += [
            f"to_jsonb({target.expression(place)})" for target, place in zip(targets, places, strict=True)
        ]
        async with self._connection.transaction():
            found = await self._connection.fetchrow(f"SELECT {', '.join(asked)}", *sent)
        values = [None if value is None else parse_exact(value) for value in tuple(found or ())]
        return [_Value(*pair) for pair in zip(values[: len(targets)], values[len(targets) :], strict=True)]

    def _origin(self, is_key: bool) -> str:  # noqa: FBT001 - the only thing to say
        return ORIGINS.get(self._config.table.pk_mode, "value") if is_key else "value"

    async def _found(self, plan: WritePlan, sent: Sequence[Any]) -> dict[str, Any] | None:
        """The row of the same key as it is now."""
        keys = [(place, target) for place, target in enumerate(plan.targets) if target.is_key]
        cells = ", ".join(
            f"{target.expression(f'${number}::{target.wire.type}')} AS c{place}"
            for number, (place, target) in enumerate(keys, 1)
        )
        same = " AND ".join(
            f"t.{quote(target.column.name)} = {target.compared(f's.c{place}')}" for place, target in keys
        )
        found = await self._connection.fetchval(
            f"SELECT to_jsonb(t) FROM {plan.table.sql} AS t, (SELECT {cells}) AS s WHERE {same} LIMIT 1",
            *(sent[place] for place, _ in keys),
        )
        return None if found is None else dict(parse_exact(found))
