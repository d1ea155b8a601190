"""A task's connection to the target database."""

import asyncio
from dataclasses import dataclass

import asyncpg

from sink_connector.config.connection import Connection as Address
from sink_connector.errors import FatalError
from sink_connector.sink import queries
from sink_connector.sink.encoders.encoding import set_codecs

SQL = queries.load("schema.sql")
SETUP = ("create_schema", "create_offsets", "create_dead_letters", "create_dead_letters_by_key")

CONNECT_TIMEOUT_S = 10.0
COMMAND_TIMEOUT_S = 60.0  # a half-open connection is noticed; a slow batch is rolled back and tried again
CANNOT_LOG_IN = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidPasswordError,
    asyncpg.InvalidCatalogNameError,
)


@dataclass(slots=True)
class Session:
    """One connection, opened when it is first needed and again after it was lost. Used by one task at a time."""

    address: Address
    name: str
    timezone: str = "UTC"
    command_timeout_s: float = COMMAND_TIMEOUT_S
    _connection: asyncpg.Connection | None = None

    async def connection(self) -> asyncpg.Connection:
        """An open connection. Raises what the driver raises when there is none, `FatalError` when the log-in is refused."""
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._open()
        return self._connection

    async def drop(self) -> None:
        """Forget the connection, whatever state it is in; its transaction is rolled back by the server."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await connection.close(timeout=2)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                connection.terminate()

    async def _open(self) -> asyncpg.Connection:
        settings = {
            "application_name": self.name,
            "timezone": self.timezone,
            "temp_buffers": "64MB",  # the staged rows of a batch stay in memory
            "jit": "off",
            "standard_conforming_strings": "on",
            "idle_in_transaction_session_timeout": "30s",  # a worker paused within a transaction holds its locks no longer
        }
        if self.address.search_path:
            settings["search_path"] = self.address.search_path
        try:
            connection = await asyncio.wait_for(
                asyncpg.connect(
                    self.address.dsn, command_timeout=self.command_timeout_s, server_settings=settings
                ),
                CONNECT_TIMEOUT_S,
            )
        except CANNOT_LOG_IN as error:
            raise FatalError(f"the database refuses the connection: {error}") from error
        await set_codecs(connection)
        return connection


async def prepare_database(connection: asyncpg.Connection) -> None:
    """Create the schema `sink` if it is not there, as `sink-connector init` does.

    Raises `FatalError` that names this command when it is missing and the role may not create it.
    """
    if await connection.fetchval(SQL["is_ready"]):
        return
    try:
        async with connection.transaction():
            for name in SETUP:
                await connection.execute(SQL[name])
    except asyncpg.InsufficientPrivilegeError as error:
        raise FatalError(
            "the schema sink is missing and this role may not create it; "
            "run `sink-connector init --url DSN` once, as a role that may"
        ) from error
    except (asyncpg.UniqueViolationError, asyncpg.DuplicateTableError, asyncpg.DuplicateSchemaError):
        await prepare_database(connection)  # another task was faster
