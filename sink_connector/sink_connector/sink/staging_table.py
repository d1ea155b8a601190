"""Temporary tables through which rows travel."""

from collections.abc import Sequence
from dataclasses import dataclass

from sink_connector.sink.identifiers import quote

# A column of a temporary table that numbers its rows as they came: a table may return them in another order than it took them,
# and of two rows that are in conflict the first is to win.
PLACE = "place bigint GENERATED ALWAYS AS IDENTITY"


@dataclass(frozen=True, slots=True, kw_only=True)
class StagingTable:
    """A temporary table for rows of `columns`, and how it is `declared`; its rows live as long as their transaction."""

    name: str
    columns: Sequence[str]
    declared: str

    @property
    def sql(self) -> str:
        """As it stands in statements."""
        return quote("pg_temp", self.name)

    @property
    def create(self) -> str:
        """Make it, unless it is there."""
        return f"CREATE TEMPORARY TABLE IF NOT EXISTS {self.sql} ({self.declared}) ON COMMIT DELETE ROWS"

    @property
    def clear(self) -> str:
        """Empty it within its transaction."""
        return f"TRUNCATE {self.sql}"
