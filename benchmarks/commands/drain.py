"""How fast the relay empties an outbox that has grown while Kafka was away."""

import asyncio
import time
from functools import partial

from sqlalchemy import Connection, insert

from order_service.adapters import schema
from order_service.adapters.database import open_database
from order_service.adapters.serialization import RecordMaker
from order_service.adapters.tables import outbox
from order_service.bootstrap import build
from order_service.domain.order import Order, OrderLine
from order_service.settings import Settings

CHUNK = 5_000


async def migrate(url: str) -> None:
    """Bring the database to the newest schema."""
    await schema.migrate(url)


async def measure(url: str, kafka: str, prefix: str, *, events: int) -> float:
    """Events a second, from the relay's start (connected) to the last acknowledgement by all in-sync replicas."""
    await _fill(url, prefix, events)
    settings = Settings(
        instance="order-1", database_url=url, kafka_bootstrap=kafka, topic_prefix=prefix, outbox_limit=10**9
    )
    async with build(settings) as service:
        relay = asyncio.create_task(service.relay.serve())
        while not service.relay.connected:  # noqa: ASYNC110 - a measurement looks on, nothing tells it
            await asyncio.sleep(0.001)
        begun = time.perf_counter()
        while service.relay.backlog.pending:  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        seconds = time.perf_counter() - begun
        relay.cancel()
        await asyncio.gather(relay, return_exceptions=True)
    return events / seconds


async def _fill(url: str, prefix: str, events: int) -> None:
    maker = RecordMaker(instance="order-1", prefix=prefix)
    line = OrderLine(product_id="green-tea", quantity=2, unit_price_cents=450)
    database = open_database(url)
    for first in range(0, events, CHUNK):
        rows: list[dict[str, object]] = []
        for number in range(first, min(first + CHUNK, events)):
            order = Order.place(
                order_id=f"order-1-01JD9Z6Q4W8C3N5T{number:010}",
                user_id="ada",
                lines=[line],
                homes=["order-1"],
                instance="order-1",
                at=1_763_800_000_123,
            )
            record = maker.order(
                order,
                "order.placed",
                at=order.placed_at,
                trace="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            )
            rows.append(
                {
                    "topic": record.topic,
                    "key": record.key,
                    "value": record.value,
                    "headers": record.headers_json(),
                }
            )
        await database.transact(partial(_insert, rows))
    await database.close()


def _insert(rows: list[dict[str, object]], connection: Connection) -> None:
    connection.execute(insert(outbox), rows)
