"""A read model nobody planned for joins and reads the same topic from its beginning."""

import asyncio
import importlib.util
import json
from contextlib import aclosing
from pathlib import Path
from types import ModuleType

from aiokafka import AIOKafkaProducer

from tests.conftest import MakeTopic


def example() -> ModuleType:
    path = Path(__file__).parents[3] / "infra" / "examples" / "top_sellers.py"
    spec = importlib.util.spec_from_file_location("top_sellers", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def an_event(*, product: str, quantity: int, at: int, version: int = 1) -> bytes:
    lines = [{"product_id": product, "quantity": quantity, "unit_price_cents": 1}]
    return json.dumps({"payload": {"version": version, "placed_at": at, "lines": lines}}).encode()


async def test_the_feed_tells_the_best_sellers_from_the_beginning_on(
    kafka_bootstrap: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    events = [
        an_event(product="tea", quantity=2, at=1_000),
        an_event(product="mug", quantity=5, at=2_000),
        an_event(product="mug", quantity=5, at=2_500, version=2),  # confirmed: sold already
        an_event(product="tea", quantity=4, at=61_500),  # by now the first tea is more than a minute ago
    ]
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, acks="all") as producer:
        for event in events:
            await producer.send_and_wait(topic, event)
    told = []
    async with asyncio.timeout(60), aclosing(example().top_sellers(kafka_bootstrap, topic)) as feed:
        async for best in feed:
            told.append(best)
            if len(told) == len(events):
                break
    assert told == [
        [("tea", 2)],
        [("mug", 5), ("tea", 2)],
        [("mug", 5), ("tea", 2)],
        [("mug", 5), ("tea", 4)],
    ]
