"""Projections: statements over the rows a batch has changed, run in the batch's own transaction.

A projection reads two temporary relations named after the connector's table: `old_<table>` has the changed rows as they
were, `new_<table>` as they are. A row that a batch inserts is only in the new ones, one that it deletes only in the old.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sink_connector.sink.identifiers import quote
from sink_connector.sink.table_metadata import TableName


@dataclass(frozen=True, slots=True)
class Tracked:
    """The relations that collect a table's changes and the projections that read them."""

    old: str
    new: str
    statements: tuple[str, ...]
    create: str

    @property
    def clear(self) -> str:
        """Empty both relations within their transaction."""
        return f"TRUNCATE {self.old}, {self.new}"


def tracked(table: TableName, projections: Mapping[str, str]) -> Tracked | None:
    """How to track a table, given with its schema, or None when no projection reads its changes."""
    names = f"old_{table.name}", f"new_{table.name}"
    mention = re.compile("|".join(rf"(?<![\w]){re.escape(name)}(?![\w])" for name in names))
    statements = tuple(sql for sql in projections.values() if mention.search(sql))
    if not statements:
        return None
    old, new = (quote("pg_temp", name) for name in names)
    create = ";".join(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {quote('pg_temp', name)} (LIKE {table.sql}) ON COMMIT DELETE ROWS"
        for name in names
    )
    return Tracked(old, new, statements, create)
