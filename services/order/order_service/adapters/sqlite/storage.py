"""An instance's database in a SQLite file. Work runs in threads: one writes, others read, and WAL keeps them apart.

A transaction is one trip to the writing thread to read, and one to write, however many statements it has: the driver
gives the interpreter lock up for every statement and has to win it back from the event loop. What is decided in between
is decided in the event loop.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import chain
from typing import Any, TypeVar

import msgspec
from prometheus_client import Counter

from order_service.adapters import sql_files
from order_service.adapters.mappers import MAPPERS, Row
from order_service.adapters.row_sets import loaded, row_sets, selections
from order_service.adapters.serialization import RecordMaker
from order_service.adapters.sqlite.errors import refusing, translated
from order_service.service_layer.unit_of_work import Changes, IdentityMap, Needs

T = TypeVar("T")
Statement = tuple[str, Sequence[Any]]

RUN = Counter("order_sqlite_statements_total", "Statements run, BEGIN and COMMIT included")

BUSY_TIMEOUT_S = 5.0
READ_TIMEOUT_S = 10.0
READERS = 4
STATEMENTS = sql_files.load("expiry.sql", "outbox.sql", "queries.sql", "rows.sql", package=__package__)
_CHUNK, _LITTLE = 256, 16


class Connected:
    """Threads, each with a connection of its own that it opens when it is first used."""

    def __init__(self, file: str, name: str, threads: int) -> None:
        """`name` is that of the threads."""
        self._file = file
        self._executor = ThreadPoolExecutor(threads, name)
        self._local = threading.local()
        self._opened: list[sqlite3.Connection] = []

    async def run(self, work: Callable[..., T], *arguments: Any) -> T:
        """`work(connection, *arguments)`, in one of the threads; cancelled, it still runs to its end."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._call, work, arguments)

    def submit(self, work: Callable[[sqlite3.Connection], object]) -> None:
        """`work`, behind what is already to be done; nobody waits for it."""
        self._executor.submit(self._call, work, ())

    def close(self) -> None:
        """Wait for all work, then close the connections."""
        self._executor.shutdown()
        for connection in self._opened:
            connection.close()

    def _call(self, work: Callable[..., T], arguments: Sequence[Any]) -> T:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = _connect(self._file)
            self._opened.append(connection)
        return work(connection, *arguments)


class SqliteStorage:
    """Implements `Database` on `file`."""

    def __init__(self, file: str, records: RecordMaker) -> None:
        """`file` is a path; `records` makes the outbox rows of what is published."""
        self._records = records
        self._writer = Connected(file, "sqlite-writer", 1)
        self._relay = Connected(file, "sqlite-relay", 1)
        self._readers = Connected(file, "sqlite-reader", READERS)
        self._one_writes = asyncio.Lock()

    async def transact(self, needs: Needs, decide: Callable[[IdentityMap], tuple[T, Changes]]) -> T:
        """As `Storage.transact`."""
        wanted = selections(needs)
        reads = [(STATEMENTS[f"select_{MAPPERS[kind].table}"], (_json(keys),)) for kind, keys in wanted]
        async with self._one_writes:
            try:
                with translated():
                    found = await self._writer.run(_begin, reads)
                    result, changes = decide(loaded((kind for kind, _ in wanted), found))
                    with refusing():
                        statements = list(_statements(row_sets(changes, self._records)))
                        await self._writer.run(_commit, statements)
            except BaseException:
                self._writer.submit(_roll_back)  # behind what still runs there
                raise
        return result

    async def rows(self, name: str, *parameters: Any) -> Sequence[Row]:
        """The rows of a named query, on a snapshot of its own."""
        return await self._read(self._readers, name, parameters)

    async def log_rows(self, name: str, *parameters: Any) -> Sequence[Row]:
        """As `rows`, in a thread that is the relay's alone."""
        return await self._read(self._relay, name, parameters)

    async def execute(self, name: str, *parameters: Any) -> int:
        """A named statement in a transaction of its own, between two commits; the number of rows it changed."""

        def run(connection: sqlite3.Connection) -> int:
            _begin(connection, [])
            changed = connection.execute(STATEMENTS[name], _bound(parameters)).rowcount
            connection.execute("COMMIT")
            RUN.inc(2)
            return changed

        async with self._one_writes:
            try:
                with translated():
                    return await self._writer.run(run)
            except BaseException:
                self._writer.submit(_roll_back)
                raise

    async def close(self) -> None:
        """Wait for what is in progress, then disconnect."""
        for connected in (self._writer, self._relay, self._readers):
            await asyncio.to_thread(connected.close)

    async def _read(self, where: Connected, name: str, parameters: Sequence[Any]) -> Sequence[Row]:
        def run(connection: sqlite3.Connection) -> list[Row]:
            RUN.inc()
            return _fetched(connection, STATEMENTS[name], _bound(parameters))

        with translated():
            async with asyncio.timeout(READ_TIMEOUT_S):
                return await where.run(run)


def _connect(file: str) -> sqlite3.Connection:
    """WAL, and FULL: what is committed is on the disk. Transactions are begun by us, not by the driver."""
    connection = sqlite3.connect(
        file, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False, cached_statements=256
    )
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-32768"):
        connection.execute(f"PRAGMA {pragma}").close()
    return connection


def _begin(connection: sqlite3.Connection, reads: Sequence[Statement]) -> list[list[Row]]:
    connection.execute(
        "BEGIN IMMEDIATE"
    )  # the write lock now: what is read must not change before it is written
    RUN.inc(1 + len(reads))
    return [_fetched(connection, *statement) for statement in reads]


def _fetched(connection: sqlite3.Connection, sql: str, parameters: Sequence[Any]) -> list[Row]:
    """The rows. Text that is no UTF-8, which only a hand has written, comes as bytes: the driver would give no row at all."""
    try:
        return connection.execute(sql, parameters).fetchall()
    except sqlite3.OperationalError as error:
        if "decode to UTF-8" not in str(error):
            raise
    connection.text_factory = _text_or_bytes
    try:
        return connection.execute(sql, parameters).fetchall()
    finally:
        connection.text_factory = str


def _text_or_bytes(stored: bytes) -> str | bytes:
    try:
        return stored.decode()
    except UnicodeDecodeError:
        return stored


def _commit(connection: sqlite3.Connection, statements: Sequence[Statement]) -> None:
    for statement in statements:
        connection.execute(*statement)
    connection.execute("COMMIT")
    RUN.inc(len(statements) + 1)


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _statements(sets: Sequence[tuple[str, Sequence[tuple[Any, ...]]]]) -> Iterator[Statement]:
    for name, rows in sets:
        for chunk in _chunks(rows):
            yield _insert(name, len(chunk), len(chunk[0])), list(chain.from_iterable(chunk))


@cache
def _insert(name: str, rows: int, columns: int) -> str:
    row = f"({', '.join('?' * columns)})"
    return STATEMENTS[name].format(rows=", ".join([row] * rows))


def _chunks(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """Of lengths that come again, for each is a statement to prepare: powers of two, and what is left when that is little."""
    first = 0
    while (left := len(rows) - first) > 0:
        size = left if left < _LITTLE else min(1 << (left.bit_length() - 1), _CHUNK)
        yield rows[first : first + size]
        first += size


def _bound(parameters: Sequence[Any]) -> tuple[Any, ...]:
    """A list is passed as JSON, for `json_each`."""
    return tuple(_json(value) if isinstance(value, (list, tuple)) else value for value in parameters)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
