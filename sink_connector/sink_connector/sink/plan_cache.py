"""What a writer knows of tables and how it writes to them: bounded, and looked up again when a table was changed."""

from collections.abc import Iterable, Sequence
from functools import partial

from asyncpg import Connection
from asyncpg.exceptions import OutdatedSchemaCacheError

from sink_connector.config.connector import TableConfig
from sink_connector.data.lru import LruCache
from sink_connector.data.record_schema import RecordSchema
from sink_connector.errors import BadRecordError, SinkError
from sink_connector.sink.column_mapping import ColumnMapping, ColumnSource, make_column_mapping
from sink_connector.sink.ddl import ChangeNeededError, table_missing
from sink_connector.sink.projections import tracked
from sink_connector.sink.reduction import Group
from sink_connector.sink.staging_table import StagingTable
from sink_connector.sink.table_metadata import Table, TableName, check_unchanged, read_table
from sink_connector.sink.write_plan import WritePlan, make_write_plan

MOST_LAYOUTS = 512
MOST_TABLES = 512
MOST_PLANS = 512
MOST_STAGES = 256


class PlanCache:
    """Layouts by the schemas of a record, tables by name, plans by table and layout.

    Schemas that come and go as objects are one schema by value: what was made for one serves the next.
    """

    def __init__(self, config: TableConfig, projections: dict[str, str]) -> None:
        self._config = config
        self._projections = projections
        self._layouts: LruCache[tuple[str, RecordSchema | None, RecordSchema | None], ColumnMapping] = (
            LruCache(MOST_LAYOUTS)
        )
        self._tables: LruCache[TableName, Table] = LruCache(MOST_TABLES)
        self._refused: dict[str, str] = {}
        self._plans: LruCache[tuple[TableName, ColumnMapping, bool], WritePlan] = LruCache(MOST_PLANS)
        self._stages: dict[tuple[TableName, str], str] = {}

    @property
    def has_too_many_stages(self) -> bool:
        """Whether the session holds more temporary tables than are worth keeping."""
        return len(self._stages) > MOST_STAGES

    def forget_tables(self) -> None:
        """Look at the tables again; the session's temporary ones are to be dropped with it."""
        self._tables = LruCache(MOST_TABLES)
        self._plans = LruCache(MOST_PLANS)
        self._stages.clear()

    def layout(self, topic: str, key_shape: RecordSchema | None, shape: RecordSchema | None) -> ColumnMapping:
        """Raises `BadRecordError` when the key or the value has not what `pk.mode` and `pk.fields` ask for."""
        key = topic, key_shape, shape
        found = self._layouts.get(key)
        if found is None:
            found = self._layouts.put(key, make_column_mapping(self._config, topic, key_shape, shape))
        return found

    async def table(self, connection: Connection, name: TableName) -> Table | None:
        """The table as it was when it was last looked at; None when there is none. Raises `BadRecordError` for a reserved one."""
        found = self._tables.get(name)
        if found is None:
            found = await read_table(connection, name)
            if found is not None:
                self._tables.put(name, found)
        return found

    async def check_unchanged(self, connection: Connection, names: Iterable[TableName]) -> None:
        """See `table_metadata.check_unchanged`; of those that are known."""
        known = [self._tables.get(name) for name in dict.fromkeys(names)]
        await check_unchanged(connection, [table for table in known if table is not None])

    def accept_changes(self) -> None:
        """Have changes asked for again that could not be made."""
        self._refused.clear()

    def refuse_change(self, statement: str, reason: str) -> None:
        """Have those records be bad that need a change which could not be made."""
        self._refused[statement] = reason

    async def plan(self, connection: Connection, name: TableName, group: Group) -> WritePlan | None:
        """How to write a group; None when it deletes from a table that is not there.

        Raises what `make_plan` raises, what `table_missing` gives, and `OutdatedSchemaCacheError` when the table was changed
        since it was looked at: the other plans for it, and the session's temporary tables, are then those of the old one.
        """
        key = name, group.layout, group.delete
        found = self._plans.get(key)
        if found is not None:
            return found
        if group.delete and await self.table(connection, name) is None:
            return None
        before = self._tables.get(name)
        try:
            return self._plans.put(key, await self._made(connection, name, group))
        except SinkError:
            if before is None:
                raise
            self._tables.pop(name)  # it may have been changed by hand since it was looked at
        made = await self._made(connection, name, group)
        now = await self.table(connection, name)
        if now is not None and (now.id, now.state) != (before.id, before.state):
            self._tables.pop(name)
            raise OutdatedSchemaCacheError(f"table {now.called} was changed")
        return self._plans.put(key, made)

    def stage(self, table: TableName, declared: str, columns: Sequence[str]) -> StagingTable:
        """The temporary table for rows of these columns on their way to this table."""
        name = self._stages.setdefault((table, declared), f"sink_stage_{len(self._stages) + 1}")
        return StagingTable(name=name, columns=columns, declared=declared)

    @property
    def nested_type(self) -> str:
        """What `nested.type` says."""
        return self._config.nested_type

    def column_name(self, source: ColumnSource) -> str:
        """The name of the column that a field goes to."""
        return self._config.column_name(source.field.name)

    async def _made(self, connection: Connection, name: TableName, group: Group) -> WritePlan:
        table = await self.table(connection, name)
        try:
            if table is None:
                raise table_missing(self._config, name, group.layout)
            return make_write_plan(
                self._config,
                table,
                group.layout,
                stage=partial(self.stage, table.name),
                delete=group.delete,
                tracking=tracked(table.name, self._projections),
            )
        except ChangeNeededError as needed:
            if needed.statement not in self._refused:
                raise
            raise BadRecordError(self._refused[needed.statement]) from None


def parents_first(tables: Iterable[Table]) -> dict[int, int]:
    """The place of each table, by its id, in an order in which rows can be written: a table after those it refers to.

    Tables that refer to each other have no such order among themselves.
    """
    by_id = {table.id: table for table in tables}
    places: dict[int, int] = {}
    entered: set[int] = set()

    def enter(table: Table) -> None:
        if table.id in entered:
            return
        entered.add(table.id)
        for parent in sorted(table.parents & by_id.keys()):
            enter(by_id[parent])
        places[table.id] = len(places)

    for table in sorted(by_id.values(), key=lambda each: (each.name.schema or "", each.name.name)):
        enter(table)
    return places
