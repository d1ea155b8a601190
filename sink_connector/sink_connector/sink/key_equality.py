"""Which keys of a batch are the same key: the database's word, not Python's.

`3CFDA21B-…` and `3cfda21b-…` are one uuid, `A` and `a` one citext, `k` and `k   ` one char(5), 1 and 1.0 one numeric. Where the
types of the key's columns leave no such choice, keys are compared as they are; elsewhere the database numbers them.
"""

# ruff: noqa: S608 - every name in the statement went through `identifiers.quote`, every type comes from the server's catalog

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sink_connector.sink.column_mapping import ColumnMapping, ColumnSource
from sink_connector.sink.encoders.encoder import Encoder
from sink_connector.sink.encoders.encoding import encoder_of
from sink_connector.sink.identifiers import quote
from sink_connector.sink.table_metadata import LENGTH_HEADER, Column

WHOLE = {"smallint", "integer", "bigint"}
SAME = {"boolean", "bytea", "date"}  # of which one value has one form
INSTANTS = {
    "timestamp with time zone",
    "timestamp without time zone",
    "time without time zone",
}
CALENDAR = INSTANTS | {"date"}
ROUNDED = {"io.debezium.time.NanoTimestamp", "io.debezium.time.NanoTime"}  # to a microsecond
HYPHENS = (8, 13, 18, 23)  # of a uuid as PostgreSQL itself writes it
UUID_LENGTH = 36

Compared = Callable[[Sequence[Any]], bool]


@dataclass(frozen=True, slots=True)
class KeyColumn:
    """One column of a key: how it travels and where it goes."""

    column: Column
    wire: Encoder
    source: ColumnSource

    @property
    def comparable(self) -> Compared | None:
        """A check of a batch's values of this column: whether they may be compared as they are. None: never."""
        column, sent = self.column, self.wire.type
        base = column.base_type
        if self.wire.template is not None:
            return None
        if sent in WHOLE and (base in WHOLE or (base == "numeric" and column.modifier < 0)):
            return _always
        if sent == base and (base in SAME or self._is_exact_instant):
            return _always
        if sent != "text" or not column.deterministic:
            return None
        if base == "character varying" and column.modifier >= LENGTH_HEADER:
            return _shorter_than(column.modifier - LENGTH_HEADER + 1)
        return {"text": _always, "character varying": _always, "uuid": _different_uuids}.get(base)

    @property
    def _is_exact_instant(self) -> bool:
        is_rounded = self.source.field.schema.name in ROUNDED
        return self.column.base_type in INSTANTS and self.column.modifier < 0 and not is_rounded


def key_columns(
    layout: ColumnMapping, column_of: Callable[[ColumnSource], Column | None], *, nested: str
) -> tuple[KeyColumn, ...] | None:
    """The key's columns, in the order of the layout's keys; None when the table lacks one of them, which the plan will say. `nested` is `nested.type`."""
    found = []
    for place in layout.key_places:
        source = layout.sources[place]
        column = column_of(source)
        if column is None:
            return None
        wire = encoder_of(source.field.schema, source.form, column, nested=nested)
        found.append(KeyColumn(column, wire, source))
    return tuple(found)


def are_comparable(layouts: Sequence[Sequence[KeyColumn]], keys: Sequence[Any]) -> bool:
    """Whether two of these keys, given bare for one column, else as tuples, are one key only if Python finds them equal.

    `layouts` are the forms in which these keys come, each with the same columns.
    """
    by_place = list(zip(*layouts, strict=True))
    checks = [{column.comparable for column in columns} for columns in by_place]
    if any(None in found for found in checks) or any(map(_differ_in_form, by_place)):
        return False
    values: list[Sequence[Any]] = []
    for place, found in enumerate(checks):
        if found != {_always}:
            values = values or ([keys] if len(checks) == 1 else list(zip(*keys, strict=True)))
            if not all(check(values[place]) for check in found if check is not None):
                return False
    return True


@dataclass(frozen=True, slots=True, eq=False)
class Unlike:
    """The key of a record at a place, which is equal to no other; what cannot be compared is sorted by its text."""

    place: int

    def __repr__(self) -> str:
        """In the order of the places."""
        return f"{self.place:012}"


def nulls_apart(
    layouts: Sequence[Sequence[KeyColumn]], keys: Sequence[Any], distinct: Sequence[Any]
) -> Sequence[Any]:
    """The keys in `distinct`, each of those that hold a null being one of its own, as it is in a unique index."""
    if all(each.column.not_null for columns in layouts for each in columns):
        return distinct
    is_null = _is_null if len(layouts[0]) == 1 else _holds_null
    return [
        Unlike(place) if is_null(key) else found
        for place, (key, found) in enumerate(zip(keys, distinct, strict=True))
    ]


def ranking(staged: Sequence[tuple[str, Sequence[KeyColumn]]]) -> str:
    """The statement that numbers keys in their order, equal ones alike; its rows are in the order of `place`.

    Each of the temporary relations `staged` has columns c0, c1, … and `place`.
    """
    parts = [
        f"SELECT r.place, {_cells(columns)} FROM {quote('pg_temp', name)} AS r" for name, columns in staged
    ]
    order = ", ".join(
        f"k.c{number}" + (f" COLLATE {each.column.collation}" if each.column.collation else "")
        for number, each in enumerate(staged[0][1])
    )
    return f"SELECT dense_rank() OVER (ORDER BY {order}) FROM ({' UNION ALL '.join(parts)}) AS k ORDER BY k.place"


def _cells(columns: Sequence[KeyColumn]) -> str:
    cells = (
        each.column.compared(each.wire.expression(f"r.c{number}", each.column))
        for number, each in enumerate(columns)
    )
    return ", ".join(f"{cell} AS c{number}" for number, cell in enumerate(cells))


def _differ_in_form(columns: Sequence[KeyColumn]) -> bool:
    """Whether one instant is two things in two layouts: a number and a date of Python's, milliseconds and microseconds."""
    forms = {(each.source.form, each.source.field.schema.name) for each in columns}
    return columns[0].column.base_type in CALENDAR and len(forms) > 1


def _always(_values: Sequence[Any]) -> bool:
    return True


@cache
def _shorter_than(length: int) -> Compared:
    def check(values: Sequence[Any]) -> bool:
        return set(map(type, values)) == {str} and max(map(len, values)) < length

    return check


def _is_null(key: Any) -> bool:
    return key is None


def _holds_null(key: Any) -> bool:
    return None in key


def _different_uuids(values: Sequence[Any]) -> bool:
    """Whether no two different texts are one uuid."""
    if set(map(type, values)) != {str}:
        return False
    if set(map(len, values)) == {UUID_LENGTH}:
        text = "".join(values)
        hyphens = "-" * len(values)
        if text == text.lower() and all(text[place::UUID_LENGTH] == hyphens for place in HYPHENS):
            return True
    folded = {value.replace("-", "").lower().strip("{}") for value in values}
    return len(folded) == len(set(values))
