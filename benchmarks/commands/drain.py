"""How fast the relay empties an outbox that has grown while Kafka was away."""

import asyncio
import time
from functools import partial

from order_service.adapters import schema
from order_service.adapters.serialization import RecordMaker
from order_service.adapters.storage import open_database
from order_service.bootstrap import build
from order_service.domain.order import Order, OrderLine
from order_service.service_layer.unit_of_work import Changes, Needs, Publication
from order_service.settings import Settings

CHUNK = 5_000
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


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
    line = OrderLine(product_id="tea-green", quantity=2, unit_price_cents=450)
    database = open_database(url, RecordMaker(instance="order-1", prefix=prefix))
    for first in range(0, events, CHUNK):
        placed = [
            Order.place(
                order_id=f"order-1-01JD9Z6Q4W8C3N5T{number:010}",
                user_id="ada",
                lines=[line],
                homes=["order-1"],
                instance="order-1",
                at=1_763_800_000_123,
            )
            for number in range(first, min(first + CHUNK, events))
        ]
        publications = [Publication(order, "order.placed", order.placed_at, TRACE) for order in placed]
        await database.transact(Needs(), partial(_publishing, publications))
    await database.close()


def _publishing(publications: list[Publication], _loaded: object) -> tuple[None, Changes]:
    return None, Changes(publications=publications)
