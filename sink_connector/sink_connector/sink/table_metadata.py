"""The target's tables, as PostgreSQL describes them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from asyncpg import Connection, OutdatedSchemaCacheError

from sink_connector.data import sql_files
from sink_connector.errors import BadRecordError
from sink_connector.sink.identifiers import is_reserved, quote

SQL = sql_files.load("table_metadata.sql", package=__package__)
STATE = SQL["state"]
STATES = f"WITH known AS (SELECT unnest($1::bigint[]) AS id) {STATE}"
SOURCE = "attname, attnum, atttypid, atttypmod, attnotnull, atthasdef, attidentity, attgenerated, attcollation, attrelid"
COLUMNS, BOUNDS = (
    f"WITH a ({SOURCE}) AS ({SQL[source]}) {SQL['columns']}" for source in ("of_relation", "of_range")
)
BASE, COMPOSITE, RANGE, MULTIRANGE = "b", "c", "r", "m"  # kinds of a type
LENGTH_HEADER = 4  # what PostgreSQL adds to a length in a type's modifier


class TableName(NamedTuple):
    """A table's name; without a schema it is found by the search path."""

    schema: str | None
    name: str

    @property
    def sql(self) -> str:
        """The name as part of a statement."""
        return quote(self.schema, self.name) if self.schema else quote(self.name)

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """`type` is what a cast names; `base_type` the same with domains taken off, those of an array's elements too.

    `modifier` is the length, precision or scale of the base type (of its elements) as PostgreSQL keeps it, -1 for none.
    `key_type` and `collation` (empty: the database's own) say how the database compares two of its values. `type_id` is
    what the server knows the type by. `takes_documents` says that a jsonb can be cast to the base type (to its elements'), `casts_from` are the types that can be cast to the
    base type (to its elements'), None for any, as to a text, `has_decimal_comma` says that it holds amounts (money), whose cents a
    comma parts by `lc_monetary`, `may_refuse_null` that a null is refused or part of what a check looks at. `kind` is that of the base type (of its elements); `parts` are what a value of it has in it, as columns: the
    attributes of a composite type (whose `relation` is its id as one), a range's bound, the range of a multirange.
    """

    name: str
    type: str
    base_type: str
    not_null: bool
    has_default: bool
    generated: bool
    identity_always: bool = False
    modifier: int = -1
    key_type: str = ""
    deterministic: bool = True
    collation: str = ""
    type_id: int = 0
    takes_documents: bool = True
    casts_from: frozenset[str] | None = None
    has_decimal_comma: bool = False
    may_refuse_null: bool = False
    kind: str = BASE
    relation: int = 0
    parts: tuple["Column", ...] = ()

    @property
    def relations(self) -> frozenset[int]:
        """The ids of the composite types that its values, or their parts, are of."""
        inner = frozenset(each for part in self.parts for each in part.relations)
        return inner | {self.relation} if self.relation else inner

    def compared(self, cell: str) -> str:
        """A value on its way to the column, as SQL, in the form in which it would be compared with what the column holds."""
        if self.base_type == "character varying" and self.modifier >= LENGTH_HEADER:
            most = (
                self.modifier - LENGTH_HEADER
            )  # blanks beyond the length are dropped, anything else is refused
            return f"CASE WHEN rtrim(substr({cell}, {most + 1})) = '' THEN substr({cell}, 1, {most}) ELSE {cell} END"
        return f"CAST({cell} AS {self.key_type or self.base_type})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table, view or foreign table that exists; `name` has its schema, `called` is how the configuration names it.

    `keys` are the column sets on which a conflict can be resolved, the primary key first; `deferrable_keys` those on which it
    cannot, because they are not checked at once. `parents` are the ids of the tables its foreign keys refer to. `partitioned_by`
    are columns, and "an expression" for what is none; `may_lock_rows` is whether the role may, `changes_new_rows` whether a trigger sees rows before they are inserted. `state` is a hash of what rows
    are written by: the table's name, columns, rules, triggers and policies. `types` are such hashes of the composite types of its columns, by their ids.
    """

    name: TableName
    called: TableName
    columns: dict[str, Column]
    keys: tuple[frozenset[str], ...]
    deferrable_keys: tuple[frozenset[str], ...] = ()
    id: int = 0
    kind: str = "r"
    has_policies: bool = False
    has_rules: bool = False
    has_triggers: bool = False
    changes_new_rows: bool = False
    parents: frozenset[int] = frozenset()
    has_primary_key: bool = False
    partitioned_by: tuple[str, ...] = ()
    may_lock_rows: bool = True
    state: int | None = None
    types: Mapping[int, int | None] = field(default_factory=dict)

    @property
    def is_plain(self) -> bool:
        """Whether a COPY into it does what an INSERT does: no rules, no policies, no view, no foreign table."""
        return self.kind in {"r", "p"} and not (self.has_rules or self.has_policies)

    @property
    def is_view(self) -> bool:
        """Whether its keys are those of other tables, which only PostgreSQL knows."""
        return self.kind == "v"

    @property
    def refers_to_itself(self) -> bool:
        """Whether one of its foreign keys refers to its own rows."""
        return self.id in self.parents


async def check_unchanged(connection: Connection, tables: Sequence[Table]) -> None:
    """Raise `OutdatedSchemaCacheError` unless tables are what they were when they were read.

    To be asked after a transaction has written to them, which keeps them as they are until it ends: what was checked by
    another type may have been rounded, and what was copied past a new rule belongs elsewhere.
    """
    known: dict[int, int | None] = {}
    for each, state in (pair for table in tables for pair in (*table.types.items(), (table.id, table.state))):
        if known.setdefault(each, state) != state:  # one of them was read before a change, the other after it
            raise _outdated(tables)
    if await _states(connection, list(known)) != known:
        raise _outdated(tables)


def _outdated(tables: Sequence[Table]) -> OutdatedSchemaCacheError:
    names = ", ".join(str(table.called) for table in tables)
    return OutdatedSchemaCacheError(f"{names} was changed since it was looked at")


async def _states(connection: Connection, tables: Sequence[int]) -> dict[int, int | None]:
    """The `Table.state` of tables by their ids, as they are now."""
    return {row["id"]: row["state"] for row in await connection.fetch(STATES, tables)}


async def read_table(connection: Connection, name: TableName) -> Table | None:
    """The table as it is now, or None when there is none. Raises `BadRecordError` for one that is the server's or ours."""
    found = await connection.fetchrow(SQL["relation"], name.schema, name.name)
    if found is None:
        return None
    if is_reserved(found["schema"]):
        raise BadRecordError(
            f"the name {name} means a table of the schema {found['schema']}, which is reserved"
        )
    table = found["id"]
    states = await _states(connection, [table])  # before what it is of: a change in between is noticed
    traits = await connection.fetchrow(SQL["traits"], table)
    columns = await _columns(connection, COLUMNS, table)
    keys = await connection.fetch(SQL["keys"], table)
    types = await _states_of_types(connection, table, columns)
    if traits is None:
        return None
    return Table(
        name=TableName(found["schema"], name.name),
        called=name,
        columns={each.name: each for each in columns},
        keys=tuple(frozenset(row["columns"]) for row in keys if row["is_immediate"]),
        deferrable_keys=tuple(frozenset(row["columns"]) for row in keys if not row["is_immediate"]),
        id=table,
        kind=found["kind"],
        has_policies=traits["has_policies"],
        has_rules=traits["has_rules"],
        has_triggers=traits["has_triggers"],
        changes_new_rows=traits["changes_new_rows"],
        parents=frozenset(traits["parents"]),
        has_primary_key=traits["has_primary_key"],
        partitioned_by=tuple(traits["partitioned_by"]),
        may_lock_rows=traits["may_lock_rows"],
        state=states[table],
        types=types,
    )


async def _states_of_types(
    connection: Connection, table: int, columns: Sequence[Column]
) -> Mapping[int, int | None]:
    """Those of composite types, of which the columns must be after they were read what they were before."""
    relations = frozenset(each for column in columns for each in column.relations)
    if not relations:
        return {}
    states = await _states(connection, sorted(relations))
    if await _columns(connection, COLUMNS, table) != columns:
        raise OutdatedSchemaCacheError("a type was changed while it was looked at")
    return states


async def _columns(connection: Connection, source: str, of: int) -> tuple[Column, ...]:
    """The columns of a relation or the attributes of a composite type (`COLUMNS`), or a range's bound (`BOUNDS`)."""
    rows = await connection.fetch(source, of)
    return tuple([await _column(connection, dict(row)) for row in rows])


async def _column(connection: Connection, row: dict[str, Any]) -> Column:
    base, casts = row.pop("base_id"), row.pop("casts_from")
    column = Column(**row, casts_from=None if casts is None else frozenset(casts))
    if column.kind == COMPOSITE:  # none has itself in it
        return replace(column, parts=await _columns(connection, COLUMNS, column.relation))
    if column.kind in {RANGE, MULTIRANGE}:
        return replace(column, parts=await _columns(connection, BOUNDS, base))
    return column
