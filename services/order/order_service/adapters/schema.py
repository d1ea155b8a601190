"""Brings the database to the newest revision of the schema."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from order_service.adapters.postgres.dsn import postgres_dsn


async def migrate(url: str) -> None:
    """Upgrade to `migrations.head()`, in one transaction."""
    if url.startswith("sqlite"):
        await asyncio.to_thread(_upgrade_file, url)
        return
    async with _postgres(url) as connection:
        await connection.run_sync(_upgrade)


@asynccontextmanager
async def _postgres(url: str) -> AsyncIterator[AsyncConnection]:
    import asyncpg  # noqa: PLC0415 - SQLite does without

    dsn = postgres_dsn(url)
    engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(dsn))
    try:
        async with engine.begin() as connection:
            yield connection
    finally:
        await engine.dispose()


def _upgrade_file(url: str) -> None:
    address = url.partition(":")[2]
    engine = create_engine(f"sqlite:{address}", connect_args={"isolation_level": None})
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # the driver's own BEGIN would come too late
            _upgrade(connection)
    finally:
        engine.dispose()


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "order_service.adapters:migrations")
    return config
