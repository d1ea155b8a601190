"""The read database: bounded in time, read only, and open again by itself after an outage."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Self, TypeAlias, TypeVar

import asyncpg
import msgspec
import structlog

log = structlog.get_logger(__name__)

T = TypeVar("T")
Record = asyncpg.Record
Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[Record]"

PLANNER = {
    # The statements hold their optional filters as `$1 IS NULL OR column = $1`: only a plan made for the values at
    # hand can drop the filters that are not asked for.
    "plan_cache_mode": "force_custom_plan",
    "jit": "off",
    # The default of 4 is a disk's that has to seek; in memory or on an SSD a page anywhere costs about the same.
    "random_page_cost": "1.1",
}
"""How PostgreSQL is to plan the queries."""

_ACQUIRE_S = 2.0
_CONNECT_S = 2.0
_FULL_PAUSE_S = 0.05

# SQLSTATE classes 08 (connection), 53 (resources), 57P (shut down, starting up): the server, not the statement.
_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what asyncpg says when the server ends a connection amid a request on it
)


class DatabaseAwayError(Exception):
    """The read database did not answer in time; the same question may be asked again later."""


class Database:
    """Queries of the read database. Every statement is one snapshot; `snapshot()` makes several see the same one."""

    def __init__(self, dsn: str, *, pool_size: int, statement_timeout_s: float) -> None:
        """Connects to nothing yet; `statement_timeout_s` seconds are the most that one statement may take."""
        self._dsn = dsn
        self._statement_timeout_s = statement_timeout_s
        self._pool: asyncpg.Pool[Record] = asyncpg.create_pool(
            dsn,
            min_size=0,  # connects at the first query, so a service may start before its database
            max_size=pool_size,
            timeout=_CONNECT_S,
            command_timeout=statement_timeout_s + 1,
            init=_decode_json,
            reset=_keep_session,
            server_settings={
                "application_name": "catalog",
                "default_transaction_read_only": "on",
                "statement_timeout": str(int(statement_timeout_s * 1000)),
                **PLANNER,
            },
        )

    async def __aenter__(self) -> Self:
        """Make the pool; it connects at the first query."""
        await self._pool
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close all connections."""
        try:
            await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    async def fetch(self, statement: str, *values: object) -> Sequence[Record]:
        """All rows of `statement`.

        Raises:
            DatabaseAwayError: the server is away, starting, or too slow.
        """
        return await self._ask(lambda connection: connection.fetch(statement, *values))

    async def fetch_row(self, statement: str, *values: object) -> Record | None:
        """The first row of `statement`, if there is one. Raises as `fetch`."""
        return await self._ask(lambda connection: connection.fetchrow(statement, *values))

    async def _ask(self, question: Callable[[Connection], Awaitable[T]]) -> T:
        """Ask twice at most: a connection that died in the pool is no reason to fail when the server is there."""
        try:
            async with self._connection() as connection:
                return await question(connection)
        except DatabaseAwayError as away:
            if isinstance(away.__cause__, TimeoutError | asyncpg.QueryCanceledError):
                raise
        async with self._connection() as connection:
            return await question(connection)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Connection]:
        """A connection whose statements all see one moment of the database. Raises as `fetch`."""
        async with (
            self._connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield connection

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        try:
            connection = await self._acquired()
            try:
                yield connection
            finally:
                await self._pool.release(connection)
        except asyncpg.QueryCanceledError as slow:
            log.warning("query.timed_out", detail=str(slow))
            raise DatabaseAwayError("the read database took too long over this query") from slow
        except asyncpg.TooManyConnectionsError as full:
            raise DatabaseAwayError("the read database takes no more connections") from full
        except _AWAY as error:
            # After a failover the other pooled connections may lead to the old server: none is used again.
            await self._pool.expire_connections()
            log.warning("database.disconnected", error=type(error).__name__, detail=str(error))
            raise DatabaseAwayError("the read database does not answer") from error

    async def _acquired(self) -> Connection:
        """A connection of the pool; where the server allows fewer than the pool may have, one that is given back."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + _ACQUIRE_S
        while True:
            try:
                return await self._pool.acquire(timeout=max(0.0, deadline - clock()))
            except asyncpg.TooManyConnectionsError:
                if clock() + _FULL_PAUSE_S >= deadline:
                    raise
            await asyncio.sleep(_FULL_PAUSE_S)

    async def listen(self, channel: str, heard: Callable[[str], None]) -> None:
        """Hand every notification of `channel` to `heard` until the connection ends.

        Calls `heard("")` once when listening has begun: what was committed before that moment has to be looked up.

        Raises:
            DatabaseAwayError: the connection could not be made or has ended.
        """
        try:
            connection = await asyncpg.connect(
                self._dsn,
                timeout=_CONNECT_S,
                command_timeout=self._statement_timeout_s,
                server_settings={"application_name": "catalog-listen", "tcp_keepalives_idle": "5"},
            )
        except _AWAY as error:
            raise DatabaseAwayError(f"cannot listen: {type(error).__name__}") from error
        ended = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _: ended.set())
            await connection.add_listener(channel, lambda *message: heard(str(message[-1])))
            heard("")
            while not ended.is_set():
                try:
                    async with asyncio.timeout(self._statement_timeout_s):
                        await ended.wait()
                except TimeoutError:
                    await connection.fetchval("SELECT 1")  # finds a half-open connection
        except _AWAY as error:
            raise DatabaseAwayError(f"stopped listening: {type(error).__name__}") from error
        finally:
            connection.terminate()
        raise DatabaseAwayError("stopped listening: the connection has ended")


async def _keep_session(_connection: "asyncpg.Connection[Record]") -> None:
    """Nothing here sets, locks or leaves anything in a session: undoing it would be a second round trip of every query."""


async def _decode_json(connection: "asyncpg.Connection[Record]") -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_encode, decoder=msgspec.json.decode, format="text"
    )


def _encode(value: object) -> str:
    return msgspec.json.encode(value).decode()
