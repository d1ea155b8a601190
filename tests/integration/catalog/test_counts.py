"""Which orders count in sums: one column of the read model says it, for rows of before and after its migration."""

import asyncpg
import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy.ext.asyncio import create_async_engine

from catalog_service.read_model.migrate import _config, upgrade
from tests.support.read_side import ReadModel, an_order

COUNTS = {"PENDING": True, "CONFIRMED": True, "SHIPPED": True, "REJECTED": False, "CANCELLED": False}


async def counting(database: asyncpg.Connection) -> dict[str, bool]:
    return {row["status"]: row["counts"] for row in await database.fetch("SELECT status, counts FROM orders")}


async def written(read_model: ReadModel) -> None:
    await read_model.write(
        "orders", *(an_order(number, status=status) for number, status in enumerate(COUNTS))
    )


async def test_an_order_counts_unless_it_was_rejected_or_cancelled(read_model: ReadModel) -> None:
    await written(read_model)
    assert await counting(read_model.database) == COUNTS
    order_id = await read_model.database.fetchval("SELECT order_id FROM orders WHERE status = 'PENDING'")
    await read_model.write("orders", an_order(0, order_id=order_id, status="CANCELLED", version=2))
    counts = "SELECT counts FROM orders WHERE order_id = $1"
    assert await read_model.database.fetchval(counts, order_id) is False


async def test_a_read_model_of_the_revision_before_keeps_its_orders_and_learns_it(
    read_model: ReadModel, read_dsn: str
) -> None:
    def back(connection: sa.Connection) -> None:
        config = _config()
        config.attributes["connection"] = connection
        command.downgrade(config, "0002")

    engine = create_async_engine(sa.make_url(read_dsn).set(drivername="postgresql+asyncpg"))
    async with engine.begin() as connection:
        await connection.run_sync(back)
    await engine.dispose()
    with pytest.raises(asyncpg.UndefinedColumnError):
        await counting(read_model.database)
    await written(read_model)
    await upgrade(read_dsn)
    assert await counting(read_model.database) == COUNTS
