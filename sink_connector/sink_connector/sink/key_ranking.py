"""Numbers the keys of a batch as the database compares them, where Python's comparison would not do."""

from collections.abc import Mapping, Sequence
from typing import Any

from asyncpg import Connection

from sink_connector.data.write_record import WriteRecords
from sink_connector.sink.column_mapping import ColumnMapping, ColumnSource
from sink_connector.sink.key_equality import KeyColumn, are_comparable, key_columns, nulls_apart, ranking
from sink_connector.sink.plan_cache import PlanCache
from sink_connector.sink.reduction import LayoutOf, runs
from sink_connector.sink.staging import Staging
from sink_connector.sink.table_metadata import Column, Table


class KeyRanking:
    """Asks the database about keys, through temporary tables of their own."""

    def __init__(self, plans: PlanCache, staging: Staging) -> None:
        self._plans = plans
        self._staging = staging

    async def distinct(
        self,
        connection: Connection,
        table: Table,
        entries: WriteRecords,
        keys: Sequence[Any],
        layout_of: LayoutOf,
    ) -> Sequence[Any]:
        """Keys of which two are equal only if the database finds them equal: those given, or numbers in the keys' order.

        Raises `BadRecordError`, or what the driver raises, when a key does not fit its column.
        """
        found = self.distinct_at_sight(table, entries, keys, layout_of)
        if found is not None:
            return found
        columns_of = self._columns_of(table, entries, layout_of) or {}
        ranks = await self._ranks(connection, table, entries, layout_of, columns_of)
        return nulls_apart(list(columns_of.values()), keys, ranks)

    def distinct_at_sight(
        self, table: Table, entries: WriteRecords, keys: Sequence[Any], layout_of: LayoutOf
    ) -> Sequence[Any] | None:
        """As `distinct`, None where the database has to be asked."""
        columns_of = self._columns_of(table, entries, layout_of)
        if columns_of is None:
            return keys
        layouts = list(columns_of.values())
        return nulls_apart(layouts, keys, keys) if are_comparable(layouts, keys) else None

    async def _ranks(
        self,
        connection: Connection,
        table: Table,
        entries: WriteRecords,
        layout_of: LayoutOf,
        columns_of: Mapping[ColumnMapping, Sequence[KeyColumn]],
    ) -> Sequence[int]:
        staged: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
        columns: dict[tuple[str, ...], Sequence[KeyColumn]] = {}
        place = 0
        for layout, run in runs(entries, layout_of):
            found = columns_of[layout]
            wires = tuple(each.wire.type for each in found)
            columns.setdefault(wires, found)
            rows = _encoded(layout, found, run)
            staged.setdefault(wires, []).extend((*row, place + number) for number, row in enumerate(rows))
            place += len(run)
        names = []
        for wires, rows in staged.items():
            name = await self._fill(connection, table, wires, rows)
            names.append((name, columns[wires]))
        return [row[0] for row in await connection.fetch(ranking(names))]

    def _columns_of(
        self, table: Table, entries: WriteRecords, layout_of: LayoutOf
    ) -> dict[ColumnMapping, tuple[KeyColumn, ...]] | None:
        def column_of(source: ColumnSource) -> Column | None:
            return table.columns.get(self._plans.column_name(source))

        found: dict[ColumnMapping, tuple[KeyColumn, ...]] = {}
        for layout, _ in runs(entries, layout_of):
            if layout not in found:
                columns = key_columns(layout, column_of, nested=self._plans.nested_type)
                if not columns:
                    return None
                found[layout] = columns
        return found

    async def _fill(
        self, connection: Connection, table: Table, wires: Sequence[str], rows: Sequence[tuple[Any, ...]]
    ) -> str:
        names = [f"c{number}" for number in range(len(wires))]
        listed = ", ".join(f"{name} {wire}" for name, wire in zip(names, wires, strict=True))
        declared = f"{listed}, place integer"
        stage = self._plans.stage(table.name, declared, [*names, "place"])
        await self._staging.fill(connection, stage, rows)
        return stage.name


def _encoded(
    layout: ColumnMapping, columns: Sequence[KeyColumn], entries: WriteRecords
) -> list[tuple[Any, ...]]:
    values = layout.columns(entries)
    keyed = [values[place] for place in layout.key_places]
    encoded = [
        found if column.wire.encode is None else column.wire.encode(found)
        for column, found in zip(columns, keyed, strict=True)
    ]
    return list(zip(*encoded, strict=True))
