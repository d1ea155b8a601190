"""A column of each type whose values are recorded, and what has to arrive in PostgreSQL."""

# ruff: noqa: S608 - the names and values are our own

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Texts = Sequence[str | None]
MILLIS = "types as Connect's"
TEXTS = "types as texts"
MICROS = "types in microseconds"
NANOS = "types in nanoseconds"
SNAPSHOT = "types of a snapshot"
OF_A_SNAPSHOT = ", of a snapshot"
"""What the name of a way ends with that is another in all but when the rows were read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """`values` are literals of the source; `texts` are the same values as PostgreSQL writes them in a column of `target`.

    `other` has what arrives where a way of recording loses something, or says it otherwise: by the way's name, the
    column's type and its texts.
    """

    name: str
    type: str
    values: Sequence[str]
    target: str = ""
    texts: Texts = ()
    other: Mapping[str, tuple[str, Texts]] = field(default_factory=dict)

    def arrives(self, way: str) -> tuple[str, Texts]:
        """The type of the column that receives it in a way, and the texts of its rows."""
        plain = self.other.get(way.removesuffix(OF_A_SNAPSHOT), (self.target or self.type, self.texts))
        return self.other.get(way, plain)


def created(table: str, columns: Sequence[Typed]) -> str:
    """The statement that makes the table of these columns at the source."""
    return f"CREATE TABLE {table} (id int PRIMARY KEY, {', '.join(f'{each.name} {each.type}' for each in columns)})"


def inserted(table: str, columns: Sequence[Typed]) -> list[str]:
    """Statements that insert a row for each of the values, and one of nulls."""
    count = max(len(each.values) for each in columns)
    names = ", ".join(each.name for each in columns)
    found = [
        f"INSERT INTO {table} (id, {names}) VALUES ({row + 1}, {', '.join(each.values[row] for each in columns)})"
        for row in range(count)
    ]
    return [*found, f"INSERT INTO {table} (id) VALUES ({count + 1})"]
