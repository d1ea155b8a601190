"""Reading a database as it stood at one moment, block by block, changing nothing."""

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import asyncpg

_ROWS_PER_BLOCK = 2_000
_CONNECT_TIMEOUT_S = 10

Block = Sequence[Sequence[Any]]


class Snapshot(Protocol):
    """A database at one moment."""

    def rows(self, sql: str) -> AsyncIterator[Block]:
        """Give the rows of a SELECT, in blocks."""

    async def has(self, table: str) -> bool:
        """Whether there is a table of that name."""


@asynccontextmanager
async def snapshot(url: str) -> AsyncIterator[Snapshot]:
    """Open `sqlite:////absolute/path` or `postgresql://…` read-only; a driver's name (`+aiosqlite`) is ignored.

    Raises FileNotFoundError and the drivers' own errors.
    """
    scheme, _, rest = url.partition("://")
    kind = scheme.partition("+")[0]
    opened = _sqlite(rest) if kind == "sqlite" else _postgres(f"{kind}://{rest}")
    async with opened as database:
        yield database


class _SqliteSnapshot:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def rows(self, sql: str) -> AsyncIterator[Block]:
        self._connection.text_factory = _text  # what is stored may be no UTF-8
        cursor = self._connection.execute(sql)
        while block := cursor.fetchmany(_ROWS_PER_BLOCK):
            yield block

    async def has(self, table: str) -> bool:
        found = self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,))
        return found.fetchone() is not None


class _PostgresSnapshot:
    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection

    async def rows(self, sql: str) -> AsyncIterator[Block]:
        cursor = await self._connection.cursor(sql)
        while block := await cursor.fetch(_ROWS_PER_BLOCK):
            yield [tuple(row) for row in block]

    async def has(self, table: str) -> bool:
        return bool(await self._connection.fetchval("SELECT to_regclass($1) IS NOT NULL", table))


def _text(stored: bytes) -> str:
    return stored.decode(errors="replace")


@asynccontextmanager
async def _sqlite(path: str) -> AsyncIterator[Snapshot]:
    file = Path("/", path.lstrip("/"))
    if not file.exists():  # noqa: ASYNC240  SQLite's own message names no file
        raise FileNotFoundError(f"no database at {file}")
    uri = f"file:{quote(str(file))}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        yield _SqliteSnapshot(connection)


@asynccontextmanager
async def _postgres(dsn: str) -> AsyncIterator[Snapshot]:
    connection = await asyncpg.connect(dsn, timeout=_CONNECT_TIMEOUT_S)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield _PostgresSnapshot(connection)
    finally:
        await connection.close()
