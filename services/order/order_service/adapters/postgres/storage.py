"""An instance's database on PostgreSQL, waited for in the event loop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from typing import Any, TypeAlias, TypeVar, cast

import asyncpg

from order_service.adapters import sql_files
from order_service.adapters.mappers import MAPPERS, Row
from order_service.adapters.postgres.errors import refusing, translated
from order_service.adapters.row_sets import loaded, row_sets, selections
from order_service.adapters.serialization import RecordMaker
from order_service.service_layer.unit_of_work import Changes, IdentityMap, Needs

T = TypeVar("T")

CONNECT_TIMEOUT_S = 5.0
COMMAND_TIMEOUT_S = 10.0
READERS = 4
# A transaction of ours that hangs would hold back the relays of every instance on the server.
SETTINGS = {"idle_in_transaction_session_timeout": "30000", "application_name": "order-service"}

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
STATEMENTS = sql_files.load("expiry.sql", "outbox.sql", "queries.sql", "rows.sql", package=__package__)


@dataclass(slots=True)
class Connections:
    """At most `limit` of them, each opened when it is first needed; one that failed is thrown away."""

    dsn: str
    limit: int
    _idle: list[Connection] = field(default_factory=list)
    _free: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        """Make as many places as there may be connections."""
        self._free = asyncio.Semaphore(self.limit)

    @contextlib.asynccontextmanager
    async def one(self) -> AsyncIterator[Connection]:
        """A connection nobody else uses. Raises `StorageUnavailableError` when none is free in time."""
        with translated():
            async with asyncio.timeout(COMMAND_TIMEOUT_S):
                await self._free.acquire()
            try:
                connection = await self._connection()
                try:
                    yield connection
                except BaseException as error:
                    # Cancelled in the middle of BEGIN, it would take the next transaction for a part of this one.
                    if not isinstance(error, asyncpg.PostgresError) or connection.is_in_transaction():
                        connection.terminate()
                    raise
                finally:
                    if not connection.is_closed():
                        self._idle.append(connection)
            finally:
                self._free.release()

    async def close(self) -> None:
        """Disconnect what is not in use."""
        while self._idle:
            self._idle.pop().terminate()

    async def _connection(self) -> Connection:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return await asyncpg.connect(
            self.dsn,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=COMMAND_TIMEOUT_S,
            server_settings=SETTINGS,
        )


class PostgresStorage:
    """Implements `Database`. Commits, the relay, maintenance and all others have connections of their own."""

    def __init__(self, dsn: str, records: RecordMaker) -> None:
        """`dsn` as libpq writes it; `records` makes the outbox rows of what is published."""
        self._records = records
        self._writing = Connections(dsn, 1)
        self._relaying = Connections(dsn, 1)
        self._maintaining = Connections(dsn, 1)
        self._reading = Connections(dsn, READERS)

    async def transact(self, needs: Needs, decide: Callable[[IdentityMap], tuple[T, Changes]]) -> T:
        """As `Storage.transact`: a trip for BEGIN, each kind of value that is needed, all that is written, and COMMIT."""
        async with self._writing.one() as connection, connection.transaction():
            wanted = selections(needs)
            found: list[Any] = [
                await connection.fetch(STATEMENTS[f"select_{MAPPERS[kind].table}"], keys)
                for kind, keys in wanted
            ]
            result, changes = decide(loaded((kind for kind, _ in wanted), found))
            with refusing():
                sets = row_sets(changes, self._records)
                if sets:
                    columns = [list(column) for _, rows in sets for column in zip(*rows, strict=True)]
                    await connection.fetch(_as_one(tuple(name for name, _ in sets)), *columns)
        return result

    async def rows(self, name: str, *parameters: Any) -> Sequence[Row]:
        """The rows of a named query, on a snapshot of its own."""
        return await self._fetch(self._reading, name, parameters)

    async def log_rows(self, name: str, *parameters: Any) -> Sequence[Row]:
        """As `rows`, on a connection that is the relay's alone."""
        return await self._fetch(self._relaying, name, parameters)

    async def execute(self, name: str, *parameters: Any) -> int:
        """A named statement in a transaction of its own, beside the commits; the number of rows it changed."""
        async with self._maintaining.one() as connection:
            status = await connection.execute(STATEMENTS[name], *parameters)
        return int(status.rpartition(" ")[2])

    async def close(self) -> None:
        """Disconnect."""
        for connections in (self._writing, self._relaying, self._maintaining, self._reading):
            await connections.close()

    async def _fetch(self, connections: Connections, name: str, parameters: Sequence[Any]) -> Sequence[Row]:
        async with connections.one() as connection:
            return cast("Sequence[Row]", await connection.fetch(STATEMENTS[name], *parameters))


@cache
def _as_one(names: tuple[str, ...]) -> str:
    """Statements about different rows, which PostgreSQL executes in one trip; parameters are numbered through."""
    *others, last = (STATEMENTS[name] for name in names)
    parts = ", ".join(f"part{number} AS ({sql})" for number, sql in enumerate(others))
    sql = f"WITH {parts} {last}" if parts else last
    numbers = count(1)
    return sql.format(*(f"${next(numbers)}" for _ in range(sql.count("{}"))))
