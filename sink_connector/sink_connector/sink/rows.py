"""The rows of a group, made while they are copied."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from asyncpg import Connection

from sink_connector.sink.reduction import Group
from sink_connector.sink.write_plan import WritePlan

PART = 1_000  # rows that are made at once: the server takes the first part in while the second is made


class Rows:
    """The rows of a group by its plan, in their order; may be gone through more than once.

    COPY is not broken off by what the making of a row raises: it would be cancelled through a connection of its own then. The
    rows end before that part, and `check` raises it.
    """

    def __init__(self, plan: WritePlan, group: Group) -> None:
        """Takes what it works with."""
        self._plan = plan
        self._group = group
        self._error: Exception | None = None

    def __len__(self) -> int:
        """How many they are."""
        return len(self._group.entries)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """From the first one on."""
        self._error = None
        return chain.from_iterable(self._parts())

    def _parts(self) -> Iterator[Sequence[tuple[Any, ...]]]:
        entries, layout = self._group.entries, self._group.layout
        for start in range(0, len(entries), PART):
            try:
                part = self._plan.rows(layout.columns(entries[start : start + PART]))
            except Exception as error:  # noqa: BLE001 - raised by `check`
                self._error = error
                return
            yield part

    def check(self) -> None:
        """Raise why the rows ended early, if they did: `BadRecordError` for a value that cannot be brought into its form."""
        if self._error is not None:
            raise self._error


async def copy(
    connection: Connection,
    table: str,
    rows: Rows | Sequence[Any],
    *,
    schema: str | None,
    columns: Sequence[str],
) -> None:
    """Copy rows into a table. Raises what the database says of them, and what `Rows.check` does."""
    await connection.copy_records_to_table(table, schema_name=schema, columns=columns, records=rows)
    if isinstance(rows, Rows):
        rows.check()
