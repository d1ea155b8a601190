"""A task's connection to the target database."""

import asyncio
import os
from dataclasses import dataclass
from typing import Any, cast

import asyncpg

from sink_connector.config.connection import Connection as Address
from sink_connector.data import sql_files
from sink_connector.errors import FatalError
from sink_connector.sink.encoders.encoding import set_codecs
from sink_connector.sink.pooled import Lease, PooledConnection

SQL = sql_files.load("schema.sql", package=__package__)
SETUP = (
    "create_schema",
    "create_offsets",
    "create_dead_letters",
    "create_dead_letters_by_key",
    "create_persisted",
    "create_views",
    "create_functions",
)

COMMAND_TIMEOUT_S = 60.0  # a half-open connection is noticed; a slow batch is rolled back and tried again
CANNOT_LOG_IN = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidPasswordError,
    asyncpg.InvalidCatalogNameError,
)

# Of every session. A worker that is paused within a transaction holds its locks no longer than the last one says.
SETTINGS = {
    "jit": "off",
    "default_transaction_isolation": "read committed",  # what a table is by now is seen after waiting for its lock
    "standard_conforming_strings": "on",
    "extra_float_digits": "1",  # all the digits of a floating-point number that becomes a text
    "idle_in_transaction_session_timeout": "30s",
}
UNPOOLED = {
    "temp_buffers": "64MB"
}  # the staged rows of a batch stay in memory; fixed once a session has a temporary table

# Letters of a statement that stays prepared: one with the places of many rows is longer than the driver's own limit.
LONGEST_KEPT = 64 * 1024


async def connect(
    address: Address, *, name: str, timezone: str = "UTC", command_timeout_s: float = COMMAND_TIMEOUT_S
) -> asyncpg.Connection:
    """Open a connection to a target.

    Args:
        address: Where it is, and how to talk to it.
        name: What the server calls it, unless the address says.
        timezone: Of the session.
        command_timeout_s: Longest time for one command, unless the address says less.

    Raises:
        FatalError: The log-in is refused, or a certificate cannot be read.
        OSError: And whatever else the driver raises when there is no connection.
    """
    _check_files(address)
    local = {"application_name": name, **SETTINGS, "timezone": timezone, **address.settings}
    if address.search_path:
        local["search_path"] = address.search_path
    named = {"application_name": local.pop("application_name")}
    pooled: dict[str, Any] = {
        "server_settings": named,
        "statement_cache_size": 0,
        "connection_class": PooledConnection,
    }
    alone: dict[str, Any] = {
        "server_settings": {**UNPOOLED, **local, **named},
        "max_cacheable_statement_size": LONGEST_KEPT,
    }
    command_timeout = min(command_timeout_s, address.command_timeout_s or command_timeout_s)
    try:
        async with asyncio.timeout(address.connect_timeout_s):
            connection: asyncpg.Connection = await asyncpg.connect(
                address.dsn, command_timeout=command_timeout, **(pooled if address.is_pooled else alone)
            )
    except CANNOT_LOG_IN as error:
        raise FatalError(f"the database refuses the connection: {error}") from error
    except (ValueError, asyncpg.ClientConfigurationError) as error:
        raise FatalError(f"the connection cannot be made as connection.url says: {error}") from error
    if address.is_pooled:
        cast("PooledConnection", connection).local_settings = local
    return connection


def _check_files(address: Address) -> None:
    """Of what cannot be read, the driver says the same as of an outage."""
    for path in address.files:
        if not os.access(path, os.R_OK):
            raise FatalError(f"the connection cannot be made as connection.url says: {path} cannot be read")


@dataclass(slots=True)
class Session:
    """One connection, opened when it is first needed and again after it was lost. Used by one task at a time."""

    address: Address
    name: str
    timezone: str = "UTC"
    command_timeout_s: float = COMMAND_TIMEOUT_S
    _connection: asyncpg.Connection | None = None

    @property
    def is_lost(self) -> bool:
        """Whether there was a connection, and the server or the network has ended it."""
        return self._connection is not None and self._connection.is_closed()

    async def connection(self) -> asyncpg.Connection:
        """An open connection.

        It is the same object as before only while everything of its session is as before: behind a pooler it never is.

        Raises:
            FatalError: The log-in is refused.
            OSError: And what else the driver raises when there is no connection.
        """
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._open()
        if self.address.is_pooled:
            return cast("asyncpg.Connection", Lease(self._connection))
        return self._connection

    async def drop(self) -> None:
        """Forget the connection, whatever state it is in; its transaction is rolled back by the server."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()

    async def close(self) -> None:
        """Say good-bye to the server, if it listens."""
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                await connection.close(timeout=2)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                connection.terminate()

    async def _open(self) -> asyncpg.Connection:
        connection = await connect(
            self.address,
            name=self.name,
            timezone=self.timezone,
            command_timeout_s=self.command_timeout_s,
        )
        try:
            await set_codecs(connection)
        except BaseException:  # cancelled too: nobody would close it
            connection.terminate()
            raise
        return connection


async def prepare_database(connection: asyncpg.Connection) -> None:
    """Create the schema `sink`, or what an earlier version of it lacks, as `sink-connector init` does.

    Raises `FatalError` that names this command when something is missing and the role may not create it.
    """
    if await connection.fetchval(SQL["is_ready"]):
        return
    try:
        async with connection.transaction():
            await connection.execute(SQL["lock_setup"])  # two tasks that make the same at once would fail
            for name in SETUP:
                await connection.execute(SQL[name])
    except asyncpg.InsufficientPrivilegeError as error:
        raise FatalError(
            "the schema sink is missing or of an earlier version, and this role may not create it; "
            "run `sink-connector init --url DSN` once, as a role that may"
        ) from error
