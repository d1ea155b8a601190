"""The data of this benchmark: the same orders in one read database, and split over three write databases."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import asyncpg

from catalog_service.read_model import sql_files
from catalog_service.read_model.migrate import upgrade

INSTANCES = ("order-1", "order-2", "order-3")
BIN = Path(sys.executable).parent
_COLUMNS = "order_id, user_id, status, lines, total_cents, version, instance, reason, placed_at, updated_at"


async def fill_read_database(dsn: str, orders: int) -> None:
    """`orders` rows under the real schema, analysed as autovacuum would have. Its indexes are made last: that is quicker."""
    await upgrade(dsn)
    seed_data = sql_files.load("seed_data.sql", package=__package__)
    connection = await asyncpg.connect(dsn, server_settings={"maintenance_work_mem": "256MB"})
    try:
        indexes = await connection.fetch(seed_data["indexes"])
        for index in indexes:
            await connection.execute(f"DROP INDEX {index['name']}")
        await connection.execute(seed_data["orders"].replace("$1", str(orders)))
        for index in indexes:
            await connection.execute(index["definition"])
        await connection.execute("VACUUM (ANALYZE) orders")
    finally:
        await connection.close()


def write_environment(directory: Path, instance: str, **more: str) -> dict[str, str]:
    """An order instance on SQLite."""
    own = {
        "ORDER_INSTANCE": instance,
        "ORDER_DATABASE_URL": f"sqlite+aiosqlite:///{directory}/{instance}.db",
        "ORDER_LOG_LEVEL": "ERROR",
    }
    return os.environ | own | more


async def fill_write_databases(read_dsn: str, directory: Path) -> None:
    """Each instance's share of the rows of the read database, under the order service's real schema."""
    for instance in INSTANCES:
        env = write_environment(directory, instance, ORDER_KAFKA_BOOTSTRAP="127.0.0.1:9")
        migrating = await asyncio.create_subprocess_exec(
            BIN / "order-service", "migrate", env=env, stdout=subprocess.DEVNULL
        )
        if await migrating.wait():
            raise RuntimeError(f"the database of {instance} could not be made")
        await _copy(read_dsn, directory / f"{instance}.db", instance)


async def _copy(read_dsn: str, file: Path, instance: str) -> None:
    connection = await asyncpg.connect(read_dsn)
    target = sqlite3.connect(file)
    try:
        times = (
            "(extract(epoch FROM placed_at) * 1000)::bigint, (extract(epoch FROM updated_at) * 1000)::bigint"
        )
        columns = _COLUMNS.replace("placed_at, updated_at", times)
        async with connection.transaction():
            batch = []
            query = f"SELECT {columns} FROM orders WHERE instance = $1"  # noqa: S608 - names of this module
            async for row in connection.cursor(query, instance, prefetch=5_000):
                batch.append((*row, "[]", 0, None))
                if len(batch) == 5_000:
                    _insert(target, batch)
                    batch = []
            _insert(target, batch)
        target.execute("ANALYZE")
        target.commit()
    finally:
        target.close()
        await connection.close()


def _insert(target: sqlite3.Connection, rows: list[tuple[object, ...]]) -> None:
    values = ", ".join("?" * 13)
    target.executemany(
        f"INSERT INTO orders ({_COLUMNS}, holds, asks, ask_again_at) VALUES ({values})",  # noqa: S608 - as above
        rows,
    )
    target.commit()
