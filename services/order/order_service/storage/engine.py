"""Engines: how this service talks to SQLite and to PostgreSQL. Nothing above this module knows which it is."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

BUSY_TIMEOUT_S = 5
COMMAND_TIMEOUT_S = 10


def writing_engine(url: str) -> AsyncEngine:
    """One connection, held by the group commit. On SQLite its transactions take the write lock at once."""
    engine = _engine(url, pool_size=1)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine.sync_engine, "begin")
        def _begun(connection: Any) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # the driver's own BEGIN would come too late

    return engine


def reading_engine(url: str) -> AsyncEngine:
    """For the relay and for GET routes, whose every statement is a snapshot of its own; nobody waits for anybody."""
    return _engine(url, pool_size=4, isolation_level="AUTOCOMMIT", skip_autocommit_rollback=True)


def _engine(url: str, *, pool_size: int, **options: Any) -> AsyncEngine:
    connect: dict[str, Any] = {"timeout": BUSY_TIMEOUT_S}
    sqlite = make_url(url).get_backend_name() == "sqlite"
    if not sqlite:
        connect["command_timeout"] = COMMAND_TIMEOUT_S
    engine = create_async_engine(
        url,
        poolclass=AsyncAdaptedQueuePool,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=COMMAND_TIMEOUT_S,
        connect_args=connect,
        json_serializer=_json,
        json_deserializer=msgspec.json.decode,
        **options,
    )
    if sqlite:
        event.listen(engine.sync_engine, "connect", _tune_sqlite)
    return engine


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _tune_sqlite(connection: Any, _record: object) -> None:
    """WAL, and FULL: what is committed is on the disk. Transactions are begun by us, not by the driver."""
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-32768"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
