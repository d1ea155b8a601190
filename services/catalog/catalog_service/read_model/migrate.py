"""Brings the read schema to the newest revision."""

import asyncpg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import create_async_engine

_LOCK = 0x6361_7461_6C6F_67  # "catalog": two migrations started together take turns


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "catalog_service:read_model/migrations")
    config.set_main_option("path_separator", "os")
    return config


async def upgrade(dsn: str, *, schema: str = "public") -> None:
    """Upgrade `schema` of the database at `dsn` to the newest revision, all or nothing.

    A schema other than `public` is created if it is missing: the rebuild fills a second copy of the tables there.
    """
    # The driver reads the address itself: SQLAlchemy would not know what `sslmode` is.
    engine = create_async_engine("postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(dsn))
    try:
        async with engine.begin() as connection:
            await connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
            if schema != "public":
                await connection.execute(sa.schema.CreateSchema(schema, if_not_exists=True))
            await connection.execute(
                sa.text("SELECT set_config('search_path', :schema, true)"), {"schema": schema}
            )
            await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


def _upgrade(connection: sa.Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
