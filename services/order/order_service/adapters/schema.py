"""The schema's revision: bring the database to the newest, or tell which it is at."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from order_service.adapters.database import open_database


def head() -> str:
    """The revision that this version of the service works with."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    if revision is None:
        raise RuntimeError("the package holds no migration")
    return revision


async def migrate(url: str) -> None:
    """Upgrade to `head`, in one transaction."""
    database = open_database(url)
    try:
        await database.transact(_upgrade)
    finally:
        await database.close()


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "order_service.adapters:migrations")
    return config
