"""Many rows in one statement, which is one trip to a server; and SQLite's driver, which gives the interpreter lock up for
every statement it runs and then has to win it back from the event loop, does so once instead of once per row.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache, partial
from itertools import chain
from typing import Any

import msgspec
from sqlalchemy import JSON, Dialect, Table

from order_service.adapters.rows import Values

_CHUNK, _LITTLE = 256, 16
_PLACE = re.compile(r"\$(\d+)")
_from_json = msgspec.json.Decoder().decode

Statement = tuple[str, tuple[Any, ...]]
"""For the driver itself: SQL with its own placeholders, and their values."""

Rows = Sequence[Iterable[Any]]
"""As the driver returns them."""


def select(dialect: Dialect, table: Table, keys: Collection[str], *, key: str) -> Statement:
    """The rows with one of `keys`, locked until the transaction ends, in the order of their keys."""
    wanted = list(keys)
    return _select(dialect, table, key), (wanted if dialect.name == "postgresql" else _json(wanted),)


def decoded(dialect: Dialect, table: Table, rows: Rows) -> Iterator[Values]:
    """What a `select` of `table` has found."""
    columns = table.columns.keys()
    # What SQLAlchemy tells asyncpg about jsonb makes values of it; SQLite's driver knows only text.
    json = () if dialect.name == "postgresql" else _json_columns(table)
    for row in rows:
        yield {
            name: _from_json(value) if name in json else value
            for name, value in zip(columns, row, strict=True)
        }


def insert(dialect: Dialect, table: Table, rows: Sequence[Values]) -> Iterator[Statement]:
    """New rows, in the order given; a row that exists is an `IntegrityError`. All have the same columns."""
    return _write(dialect, table, rows, key=None)


def overwrite(dialect: Dialect, table: Table, rows: Sequence[Values], *, key: str) -> Iterator[Statement]:
    """Rows that exist, found by their primary `key`."""
    return _write(dialect, table, rows, key=key)


def as_one(statements: Sequence[Statement]) -> Statement:
    """PostgreSQL executes them, which concern different rows, in one trip."""
    sql = _as_one(tuple((sql, len(values)) for sql, values in statements))
    return sql, tuple(chain.from_iterable(values for _, values in statements))


def _write(dialect: Dialect, table: Table, rows: Sequence[Values], *, key: str | None) -> Iterator[Statement]:
    columns = tuple(rows[0])
    values = [list(row.values()) for row in rows]
    for place in [columns.index(name) for name in _json_columns(table) if name in columns]:
        for row in values:
            row[place] = _json(row[place])
    if dialect.name == "postgresql":
        arrays = tuple(list(column) for column in zip(*values, strict=True))
        yield _insert(dialect, table, columns, key, rows=1), arrays
        return
    for chunk in _chunks(values):
        yield _insert(dialect, table, columns, key, rows=len(chunk)), tuple(chain.from_iterable(chunk))


@cache
def _json_columns(table: Table) -> frozenset[str]:
    return frozenset(column.name for column in table.columns if isinstance(column.type, JSON))


def _chunks(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Of lengths that come again, for each is a statement to prepare: powers of two, and what is left when that is little."""
    first = 0
    while (left := len(rows) - first) > 0:
        size = left if left < _LITTLE else min(1 << (left.bit_length() - 1), _CHUNK)
        yield rows[first : first + size]
        first += size


@cache
def _select(dialect: Dialect, table: Table, key: str) -> str:
    quote = dialect.identifier_preparer.quote
    names = ", ".join(quote(name) for name in table.columns.keys())  # noqa: SIM118 - not a dict
    wanted, lock = (
        ("= ANY ($1::text[])", "FOR UPDATE")
        if dialect.name == "postgresql"
        else ("IN (SELECT value FROM json_each(?))", "")  # the transaction has the only lock there is
    )
    return f"SELECT {names} FROM {quote(table.name)} WHERE {quote(key)} {wanted} ORDER BY {quote(key)} {lock}"  # noqa: S608 - only names of the schema


@cache
def _insert(dialect: Dialect, table: Table, columns: tuple[str, ...], key: str | None, *, rows: int) -> str:
    quote = dialect.identifier_preparer.quote
    names = ", ".join(quote(name) for name in columns)
    if dialect.name == "postgresql":
        types = (table.c[name].type.compile(dialect=dialect) for name in columns)
        arrays = ", ".join(f"${number}::{type_}[]" for number, type_ in enumerate(types, start=1))
        source = f"SELECT {names} FROM unnest({arrays}) WITH ORDINALITY AS v ({names}, n) ORDER BY n"  # noqa: S608
    else:
        row = f"({', '.join('?' for _ in columns)})"
        source = f"VALUES {', '.join([row] * rows)}"
    sql = f"INSERT INTO {quote(table.name)} ({names}) {source}"
    if key is not None:
        changes = ", ".join(f"{quote(name)} = excluded.{quote(name)}" for name in columns if name != key)
        sql += f" ON CONFLICT ({quote(key)}) DO UPDATE SET {changes}"
    return sql


@cache
def _as_one(parts: tuple[tuple[str, int], ...]) -> str:
    """`parts` are statements and how many values each has; their places are numbered through."""
    numbered, before = [], 0
    for sql, values in parts:
        numbered.append(_PLACE.sub(partial(_moved, by=before), sql))
        before += values
    *others, last = numbered
    named = ", ".join(f"part{number} AS ({sql})" for number, sql in enumerate(others))
    return f"WITH {named} {last}" if named else last


def _moved(place: re.Match[str], *, by: int) -> str:
    return f"${int(place[1]) + by}"


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
