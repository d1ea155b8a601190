"""`sink-connector init --url DSN`: the schema `sink` in a target database."""

import argparse
import asyncio

import asyncpg

from sink_connector.errors import ConfigError
from sink_connector.sink.session import prepare_database


def run(options: argparse.Namespace) -> int:
    if not options.url:
        raise ConfigError({"--url": ["is missing, and SINK_INIT_URL too"]})
    asyncio.run(_create(options.url))
    return 0


async def _create(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await prepare_database(connection)
    finally:
        await connection.close()
