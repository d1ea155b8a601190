"""The target's tables, as PostgreSQL describes them."""

from dataclasses import dataclass
from typing import NamedTuple

from asyncpg import Connection

from sink_connector.sink import queries
from sink_connector.sink.identifiers import quote

SQL = queries.load("table_metadata.sql")


class TableName(NamedTuple):
    """A table's name; without a schema it is found by the search path."""

    schema: str | None
    name: str

    @property
    def sql(self) -> str:
        return quote(self.schema, self.name) if self.schema else quote(self.name)

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """`type` is what a cast names; `base_type` the same with domains taken off, those of an array's elements too.

    `modifier` is the length, precision or scale of the base type (of its elements) as PostgreSQL keeps it, -1 for none.
    """

    name: str
    type: str
    base_type: str
    not_null: bool
    has_default: bool
    generated: bool
    modifier: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table that exists. `keys` are the column sets on which a conflict can be resolved, the primary key first."""

    name: TableName
    columns: dict[str, Column]
    keys: tuple[frozenset[str], ...]


async def read_table(connection: Connection, name: TableName) -> Table | None:
    """The table as it is now, or None when there is none."""
    columns = await connection.fetch(SQL["columns"], name.sql)
    if not columns:
        return None
    keys = await connection.fetch(SQL["keys"], name.sql)
    return Table(
        name=name,
        columns={row["name"]: Column(**row) for row in columns},
        keys=tuple(frozenset(row["columns"]) for row in keys),
    )
