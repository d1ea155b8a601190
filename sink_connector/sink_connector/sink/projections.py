"""Projections: statements over the rows a batch has changed, run in the batch's own transaction.

A projection reads two relations named after the connector's table: `old_<table>` has the changed rows as they were,
`new_<table>` as they are. A row that a batch inserts is only in the new ones, one that it deletes only in the old. They are
temporary tables, or variables of a function where it can be seen from a projection that it makes no difference.
"""

# ruff: noqa: S608 - every name went through `identifiers.quote`, and a projection is its owner's

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sink_connector.sink.identifiers import literal, quote
from sink_connector.sink.table_metadata import TableName

_BLOCK = "sink_changes"
_OLD, _NEW = f"{_BLOCK}.before", f"{_BLOCK}.after"
_NO_STEP = re.compile(
    r";|\$\d|\bpg_temp\b|\b(?:RETURNING|found|sqlstate|sqlerrm|sink_changes)\b", re.IGNORECASE
)
"""More than one statement, one that gives rows, or a name that means something else within a function; in a text perhaps."""
_BEGINNING = re.compile(
    r"((?:\s|--[^\n]*(?:\n|\Z)|/\*(?:[^*]|\*(?!/))*\*/)*)(?:(WITH(?:\s+RECURSIVE\b)?)\b|(?=(?:INSERT|UPDATE|DELETE|MERGE)\b))",
    re.IGNORECASE,
)
"""Comments, and then what a statement begins with that may have relations of its own."""


class Changes(Protocol):
    """How the rows that change are kept until the projections have read them. `t` is the table that they are of."""

    def capture(self, locking: str) -> str:
        """What keeps the rows `FROM … t … FOR UPDATE` as they are before they change."""
        ...

    def collected(self, statements: Sequence[str]) -> str:
        """The statements, which write to `t`, as one that keeps what they wrote."""
        ...

    def prune(self, key: Sequence[str]) -> str:
        """What drops captured rows that did not change after all: none was written with the same key."""
        ...


@dataclass(frozen=True, slots=True)
class Tracked:
    """The temporary tables that collect a table's changes and the projections that read them."""

    table: TableName
    old: str
    new: str
    statements: tuple[str, ...]

    @property
    def create(self) -> str:
        """Make both, unless they are there; a commit empties them."""
        return ";".join(
            f"CREATE TEMPORARY TABLE IF NOT EXISTS {name} (LIKE {self.table.sql}) ON COMMIT DELETE ROWS"
            for name in (self.old, self.new)
        )

    @property
    def clear(self) -> str:
        """Empty both relations within their transaction."""
        return f"TRUNCATE {self.old}, {self.new}"

    @property
    def drop(self) -> str:
        """Remove both, if they are there."""
        return f"DROP TABLE IF EXISTS {self.old}, {self.new}"

    def capture(self, locking: str) -> str:
        """As of `Changes`."""
        return f"INSERT INTO {self.old} SELECT t.* {locking}"

    def collected(self, statements: Sequence[str]) -> str:
        """As of `Changes`."""
        parts, found = _written(statements, "t.*")
        return f"WITH {parts} INSERT INTO {self.new} {found}"

    def prune(self, key: Sequence[str]) -> str:
        """As of `Changes`."""
        return (
            f"DELETE FROM {self.old} AS o WHERE NOT EXISTS (SELECT FROM {self.new} AS n WHERE {_same(key)})"
        )


@dataclass(frozen=True, slots=True)
class InVariables:
    """The changes of a table in two variables of a function, and the projections as steps of it."""

    tracking: Tracked
    steps: tuple[str, ...]

    @property
    def declared(self) -> str:
        """The variables, and what the block with them is called: no column has the name of either then."""
        return f"<<{_BLOCK}>>\nDECLARE before {self.tracking.table.sql}[]; after {self.tracking.table.sql}[];"

    @property
    def check(self) -> str:
        """Fails where a projection does not read the temporary tables, which it has to do by the long way.

        Neither of them may be there before, nor is afterwards.
        """
        prepared = (
            f"PREPARE sink_projection AS {sql.strip().removesuffix(';')}\n; DEALLOCATE sink_projection"
            for sql in self.tracking.statements
        )
        return "; ".join((self.tracking.create, *prepared, self.tracking.drop))

    @property
    def alone(self) -> str:
        """Fails where a function that a projection calls could find another relation of one of these names."""
        names = ", ".join(f"{literal(name)}::name" for name in names_of(self.tracking.table))
        taken = f"SELECT FROM pg_catalog.pg_class WHERE relname IN ({names}) AND relpersistence <> 't'"
        return f"IF EXISTS ({taken}) THEN RAISE 'sink: the names of changes are taken'; END IF"

    def capture(self, locking: str) -> str:
        """As of `Changes`."""
        return f"SELECT array_agg(c.changed) INTO {_OLD} FROM (SELECT {self._row('t')} AS changed {locking}) AS c"

    def collected(self, statements: Sequence[str]) -> str:
        """As of `Changes`."""
        parts, found = _written(statements, f"{self._row('t')} AS changed")
        return f"WITH {parts} SELECT array_agg(c.changed) INTO {_NEW} FROM ({found}) AS c"

    def prune(self, key: Sequence[str]) -> str:
        """As of `Changes`."""
        written = f"SELECT FROM unnest({_NEW}) AS n WHERE {_same(key)}"
        return f"{_OLD} := ARRAY(SELECT {self._row('o')} FROM unnest({_OLD}) AS o WHERE EXISTS ({written}))"

    def _row(self, alias: str) -> str:
        """A whole row, also where a column is called like the table's alias."""
        return f"({alias}.*)::{self.tracking.table.sql}"


def names_of(table: TableName) -> tuple[str, str]:
    """What the relations with a table's rows as they were and as they are are called."""
    return f"old_{table.name}", f"new_{table.name}"


def tracked(table: TableName, projections: Mapping[str, str]) -> Tracked | None:
    """How to track a table, given with its schema, or None when no projection reads its changes."""
    names = names_of(table)
    mention = re.compile("|".join(rf"(?<![\w]){re.escape(name)}(?![\w])" for name in names))
    statements = tuple(sql for sql in projections.values() if mention.search(sql))
    if not statements:
        return None
    old, new = (quote("pg_temp", name) for name in names)
    return Tracked(table, old, new, statements)


def in_variables(tracking: Tracked) -> InVariables | None:
    """The same changes within a function; None where a projection may be no step of one."""
    names = zip(names_of(tracking.table), (_OLD, _NEW), strict=True)
    # PostgreSQL looks into an array whose rows are to come, and makes a plan for each length; not into what a question answers.
    relations = ", ".join(f"{quote(name)} AS (SELECT * FROM unnest((SELECT {rows})))" for name, rows in names)
    # Whole rows of a relation whose columns are renamed have the new names, those of a table have its own.
    any_name = "|".join(map(re.escape, names_of(tracking.table)))
    renamed = re.compile(
        rf'(?:{any_name})"?\s+(?:AS\s+)?(?!(?:WHERE|ON|USING|SELECT|VALUES|IN|AND|OR)\b)(?:"[^"]*"|\w+)\s*\(',
        re.IGNORECASE,
    )
    steps = [_step(sql.strip().removesuffix(";"), relations, renamed) for sql in tracking.statements]
    return None if None in steps else InVariables(tracking, tuple(filter(None, steps)))


def _step(sql: str, relations: str, renamed: re.Pattern[str]) -> str | None:
    begin = _BEGINNING.match(sql)
    if begin is None or _NO_STEP.search(sql) or renamed.search(sql):
        return None
    comments, joined = begin[1], begin[2]
    return f"{comments}{joined or 'WITH'} {relations}{',' if joined else ''} {sql[begin.end() :]}"


def _written(statements: Sequence[str], row: str) -> tuple[str, str]:
    parts = ", ".join(f"changed{place} AS ({each} RETURNING {row})" for place, each in enumerate(statements))
    return parts, " UNION ALL ".join(f"SELECT * FROM changed{place}" for place in range(len(statements)))


def _same(key: Sequence[str]) -> str:
    return " AND ".join(f"n.{name} = o.{name}" for name in key)
