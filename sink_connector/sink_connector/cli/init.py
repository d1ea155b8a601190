"""`sink-connector init --url DSN`: the schema `sink` in a target database."""

import argparse
import asyncio

import asyncpg

from sink_connector.config.connection import Connection, parse_connection
from sink_connector.errors import ConfigError, SinkError
from sink_connector.sink.session import connect, prepare_database


def run(options: argparse.Namespace) -> int:
    """0 once the schema is there. Raises `ConfigError` for a URL that is none, `SinkError` when it cannot be done."""
    if not options.url:
        raise ConfigError({"--url": ["is missing, and SINK_INIT_URL too"]})
    try:
        address = parse_connection(options.url)
    except ValueError as error:
        raise ConfigError({"--url": [str(error)]}) from None
    asyncio.run(_create(address))
    return 0


async def _create(address: Connection) -> None:
    try:
        connection = await connect(address, name="sink-connector init")
        try:
            await prepare_database(connection)
        finally:
            await connection.close()
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise SinkError(f"the database cannot be used: {str(error) or type(error).__name__}") from error
