"""The database of an instance, SQLite or PostgreSQL. Nothing above this module knows which it is.

Work is a plain function of a connection. It runs as a whole: on PostgreSQL while the event loop waits for the server, on
SQLite in a thread, one trip there and back however many statements it has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import msgspec
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, QueuePool

T = TypeVar("T")

BUSY_TIMEOUT_S = 5
COMMAND_TIMEOUT_S = 10
READERS = 4
# For the relay and for GET routes, whose every statement is a snapshot of its own; nobody waits for anybody.
_READING: dict[str, Any] = {
    "pool_size": READERS,
    "isolation_level": "AUTOCOMMIT",
    "skip_autocommit_rollback": True,
}


class Database(Protocol):
    """Both methods raise what `work` raises and SQLAlchemy's errors."""

    async def transact(self, work: Callable[[Connection], T]) -> T:
        """One transaction, durable when this returns; one at a time. Cancelled, it may still commit."""

    async def read(self, work: Callable[[Connection], T]) -> T:
        """No transaction: every statement sees what is committed then."""

    async def close(self) -> None:
        """Wait for what is under way, then disconnect."""


def open_database(url: str) -> Database:
    """A database by SQLAlchemy's URL (`sqlite…` or `postgresql+asyncpg`); connects when it is first used."""
    return (
        SqliteDatabase.of(url) if make_url(url).get_backend_name() == "sqlite" else PostgresDatabase.of(url)
    )


@dataclass(frozen=True, slots=True)
class PostgresDatabase:
    """Waits in the event loop."""

    writing: AsyncEngine
    reading: AsyncEngine

    @classmethod
    def of(cls, url: str) -> PostgresDatabase:
        def engine(**options: Any) -> AsyncEngine:
            connect = {"timeout": BUSY_TIMEOUT_S, "command_timeout": COMMAND_TIMEOUT_S}
            pool = AsyncAdaptedQueuePool
            return create_async_engine(url, poolclass=pool, connect_args=connect, **_COMMON, **options)

        return cls(writing=engine(pool_size=1), reading=engine(**_READING))

    async def transact(self, work: Callable[[Connection], T]) -> T:
        async with self.writing.begin() as connection:
            return await connection.run_sync(work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        async with self.reading.connect() as connection:
            return await connection.run_sync(work)

    async def close(self) -> None:
        await self.writing.dispose()
        await self.reading.dispose()


@dataclass(frozen=True, slots=True)
class SqliteDatabase:
    """Works in threads: one writes, the others read, and WAL keeps them out of each other's way."""

    writing: Engine
    reading: Engine
    writer: ThreadPoolExecutor
    readers: ThreadPoolExecutor

    @classmethod
    def of(cls, url: str) -> SqliteDatabase:
        file = make_url(url).set(drivername="sqlite")

        def engine(**options: Any) -> Engine:
            connect = {"timeout": BUSY_TIMEOUT_S, "check_same_thread": False}
            made = create_engine(file, poolclass=QueuePool, connect_args=connect, **_COMMON, **options)
            event.listen(made, "connect", _tune)
            return made

        writing = engine(pool_size=1)
        event.listen(writing, "begin", _take_write_lock)
        return cls(
            writing=writing,
            reading=engine(**_READING),
            writer=ThreadPoolExecutor(1, "sqlite-writer"),
            readers=ThreadPoolExecutor(READERS, "sqlite-reader"),
        )

    async def transact(self, work: Callable[[Connection], T]) -> T:
        def run() -> T:
            with self.writing.begin() as connection:
                return work(connection)

        return await asyncio.get_running_loop().run_in_executor(self.writer, run)

    async def read(self, work: Callable[[Connection], T]) -> T:
        def run() -> T:
            with self.reading.connect() as connection:
                return work(connection)

        return await asyncio.get_running_loop().run_in_executor(self.readers, run)

    async def close(self) -> None:
        for executor, engine in ((self.writer, self.writing), (self.readers, self.reading)):
            await asyncio.to_thread(executor.shutdown)
            engine.dispose()


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


_COMMON: dict[str, Any] = {
    "max_overflow": 0,
    "pool_timeout": COMMAND_TIMEOUT_S,
    "json_serializer": _json,
    "json_deserializer": msgspec.json.decode,
}


def _tune(connection: Any, _record: object) -> None:
    """WAL, and FULL: what is committed is on the disk. Transactions are begun by us, not by the driver."""
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-32768"):
        connection.execute(f"PRAGMA {pragma}").close()


def _take_write_lock(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")  # the driver's own BEGIN would come too late
