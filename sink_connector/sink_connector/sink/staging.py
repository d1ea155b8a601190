"""The temporary tables of one connection, through which many rows travel at once."""

from collections.abc import Iterable, Sequence
from typing import Any

from asyncpg import Connection

from sink_connector.sink.rows import Rows, copy
from sink_connector.sink.staging_table import StagingTable


class Staging:
    """Knows which temporary tables and functions there are, and which tables hold rows.

    A commit empties them all. What the running transaction has put into one has to be cleared before it is used again, which
    costs new files and catalog rows, and is therefore not done in advance.
    """

    def __init__(self) -> None:
        self._filled: set[str] = set()  # by the running transaction
        self._standing: set[str] = set()  # left empty by a committed transaction of this connection
        self._possible: set[str] = set()  # made by a transaction of this connection, committed or not

    def begun(self) -> None:
        """A transaction begins."""
        self._filled.clear()

    def committed(self) -> None:
        """The transaction is committed as a whole: its tables stay."""
        self._standing |= self._filled

    def dropped(self) -> None:
        """The connection is a new one, or its temporary tables were dropped."""
        self._standing.clear()
        self._filled.clear()
        self._possible.clear()

    async def empty(self, connection: Connection, relation: str, create: str, clear: str) -> None:
        """Make sure that there is such a relation, without rows."""
        if relation in self._filled:
            await connection.execute(f"{create};{clear}")
        elif relation not in self._standing:
            await connection.execute(create)
        self._filled.add(relation)
        self._possible.add(relation)

    def stands(self, name: str) -> bool:
        """Whether it was made by this connection, outside of any transaction or in one that is committed."""
        return name in self._standing

    async def stand(self, connection: Connection, names: Iterable[str], create: str) -> None:
        """Make what has these names; to be called outside of a transaction."""
        await connection.execute(create)
        self._standing.update(names)

    async def remove(self, connection: Connection, relation: str, drop: str) -> None:
        """Make sure that there is no such relation; to be called outside of a transaction."""
        if relation in self._possible:
            await connection.execute(drop)
            self._standing.discard(relation)
            self._possible.discard(relation)

    async def fill(self, connection: Connection, stage: StagingTable, rows: Sequence[Any] | Rows) -> None:
        """Have a table hold these rows and no others."""
        await self.empty(connection, stage.name, stage.create, stage.clear)
        await copy(connection, stage.name, rows, schema="pg_temp", columns=stage.columns)
