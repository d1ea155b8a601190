"""What of a batch is written together, and in which order."""

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from asyncpg import Connection

from sink_connector.config.connector import InsertMode, PkMode, TableConfig
from sink_connector.data.write_record import WriteRecords
from sink_connector.errors import BadRecordError
from sink_connector.sink.batch import Batch
from sink_connector.sink.isolation import Place
from sink_connector.sink.key_ranking import KeyRanking
from sink_connector.sink.plan_cache import PlanCache, parents_first
from sink_connector.sink.reduction import Group, all_states, in_order, keys_of, last_states
from sink_connector.sink.table_metadata import Table, TableName

PLAIN = frozenset({InsertMode.INSERT, InsertMode.MULTI})
KEEPS_ALL = PLAIN | {InsertMode.IGNORE}

Tables = Sequence[tuple[Place, WriteRecords]]


class Grouping:
    """Groups the entries of one task's batches."""

    def __init__(self, config: TableConfig, plans: PlanCache, ranking: KeyRanking) -> None:
        self._config = config
        self._plans = plans
        self._ranking = ranking

    async def ordered(
        self, connection: Connection, batch: Batch
    ) -> tuple[Tables, dict[TableName, int] | None]:
        """The batch's tables in the order to be written, and the place of each where foreign keys ask for one."""
        tables = sorted(batch.entries.items(), key=_by_table)
        found: dict[TableName, Table] = {}
        for (_, name), _entries in tables:
            # One of a reserved schema is passed over: its records are refused when they are written.
            with suppress(BadRecordError):
                table = await self._plans.table(connection, name)
                if table is not None:
                    found[name] = table
        ids = {table.id for table in found.values()}
        if not any(table.parents & (ids - {table.id}) for table in found.values()):
            return tables, None
        by_id = parents_first(found.values())
        places = {name: by_id[table.id] for name, table in found.items()}
        return sorted(tables, key=lambda each: places.get(each[0][1], 0)), places

    async def groups(self, connection: Connection, place: Place, entries: WriteRecords) -> list[Group]:
        """The entries of one table by layout, of a key only its last state where that is all that stays.

        Raises `BadRecordError`, or what the driver raises, when a key does not fit its column.
        """
        if self._is_each_a_row:
            return in_order(entries, partial(self._plans.layout, place[0]))
        table = await self._plans.table(connection, place[1]) if len(entries) > 1 else None
        return self._reduced(table, place, entries, await self._distinct(connection, table, place, entries))

    def groups_at_sight(self, table: Table, place: Place, entries: WriteRecords) -> list[Group]:
        """As `groups`, none where the database has to be asked about keys."""
        layout_of = partial(self._plans.layout, place[0])
        if self._is_each_a_row:
            return in_order(entries, layout_of)
        keys: Sequence[Any] | None = keys_of(entries, layout_of)
        if keys is not None and len(entries) > 1:
            keys = self._ranking.distinct_at_sight(table, entries, keys, layout_of)
        return [] if keys is None else self._reduced(table, place, entries, keys)

    async def keys(self, connection: Connection, place: Place, entries: WriteRecords) -> Sequence[Any] | None:
        """Keys of entries, to be compared; None where rows have none, or where each entry is a row of its own.

        Raises as `groups`.
        """
        if self._is_each_a_row:
            return None
        table = await self._plans.table(connection, place[1]) if len(entries) > 1 else None
        return await self._distinct(connection, table, place, entries)

    def _reduced(
        self, table: Table | None, place: Place, entries: WriteRecords, keys: Sequence[Any]
    ) -> list[Group]:
        reduced = all_states if self._config.insert_mode in KEEPS_ALL else last_states
        # A trigger may make two keys one: then the order of the records counts, not that of the keys.
        by_place = table is not None and table.has_triggers
        return reduced(entries, partial(self._plans.layout, place[0]), keys=keys, by_place=by_place)

    async def _distinct(
        self, connection: Connection, table: Table | None, place: Place, entries: WriteRecords
    ) -> Sequence[Any]:
        layout_of = partial(self._plans.layout, place[0])
        keys = keys_of(entries, layout_of)
        if table is None:
            return keys
        return await self._ranking.distinct(connection, table, entries, keys, layout_of)

    @property
    def _is_each_a_row(self) -> bool:
        """Whether no record has anything to do with another: there are no keys, or no row is ever changed or deleted."""
        config = self._config
        return config.pk_mode is PkMode.NONE or (config.insert_mode in PLAIN and not config.delete_enabled)


def _by_table(item: tuple[Place, Any]) -> tuple[str, str, str]:
    (topic, table), _ = item
    return table.schema or "", table.name, topic
