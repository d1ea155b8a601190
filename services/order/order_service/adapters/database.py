"""The database of an instance, SQLite or PostgreSQL. Nothing above this module knows which it is.

Work is a plain function of a connection. It runs as a whole: on PostgreSQL while the event loop waits for the server, on
SQLite in a thread, one trip there and back however many statements it has. What is decided between reading and writing is
decided in the event loop, since two threads of Python only take the interpreter lock from each other (ADR 14).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import asyncpg
import msgspec
from sqlalchemy import Connection, Dialect, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, QueuePool

from order_service.adapters.bulk import Rows, Statement, as_one

T = TypeVar("T")
Choose = Callable[[list[Rows]], tuple[T, Sequence[Statement]]]

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
    """The methods raise what they are given raises, and SQLAlchemy's errors."""

    async def transact(self, work: Callable[[Connection], T]) -> T:
        """One transaction, durable when this returns; one at a time. Cancelled, it may still commit."""

    @property
    def dialect(self) -> Dialect: ...

    async def decide(self, reads: Sequence[Statement], choose: Choose[T]) -> T:
        """As `transact`: `reads` find and lock rows; `choose`, in the event loop, says what to answer and to execute."""

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

    @property
    def dialect(self) -> Dialect:
        return self.writing.dialect

    async def decide(self, reads: Sequence[Statement], choose: Choose[T]) -> T:
        async with self._driver() as driver:
            found: list[Rows] = [await driver.fetch(sql, *values) for sql, values in reads]
            result, statements = choose(found)
            if statements:
                sql, values = as_one(statements)
                await driver.fetch(sql, *values)
        return result

    @contextlib.asynccontextmanager
    async def _driver(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        """asyncpg itself, in a transaction: what SQLAlchemy does for a statement costs as much as ten orders."""
        async with self.writing.connect() as connection:
            try:
                driver = (await connection.get_raw_connection()).driver_connection
                assert driver is not None  # noqa: S101 - for the type; a connection has one
                async with driver.transaction():
                    yield driver
            except BaseException as error:
                # Cancelled in the middle of BEGIN, it would take the next transaction for a part of this one.
                await connection.invalidate()
                if isinstance(error, asyncpg.IntegrityConstraintViolationError):
                    raise IntegrityError(None, None, error) from error
                if isinstance(error, (asyncpg.PostgresError, asyncpg.InterfaceError)):
                    raise DBAPIError(None, None, error) from error
                raise

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

    @property
    def dialect(self) -> Dialect:
        return self.writing.dialect

    async def decide(self, reads: Sequence[Statement], choose: Choose[T]) -> T:
        loop = asyncio.get_running_loop()
        held = contextlib.ExitStack()

        def begin() -> tuple[Connection, list[Rows]]:
            connection = held.enter_context(self.writing.connect())
            connection.begin()
            return connection, [connection.exec_driver_sql(*statement).all() for statement in reads]

        def commit(connection: Connection, statements: Sequence[Statement]) -> None:
            with held:
                for statement in statements:
                    connection.exec_driver_sql(*statement)
                connection.commit()

        try:
            connection, found = await loop.run_in_executor(self.writer, begin)
            result, statements = choose(found)
            await loop.run_in_executor(self.writer, commit, connection, statements)
        except BaseException:
            self.writer.submit(held.close)  # behind what still runs there; rolls back what is not committed
            raise
        return result

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
