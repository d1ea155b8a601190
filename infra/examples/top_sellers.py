"""A second read model: the best sellers of the last minute, live on a terminal.

It needs nobody's leave: one more consumer group on the topic `orders`, beside the sink and unknown to everybody.
Run it: python infra/examples/top_sellers.py 127.0.0.1:9092
"""

import asyncio
import json
import sys
from collections import Counter, deque
from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer


class TopSellers:
    """Counts over a sliding window of event time, so a replay gives the same answer as the day itself."""

    def __init__(self, *, window_ms: int = 60_000) -> None:
        """Count what was sold in the last `window_ms` milliseconds, by the time of the events."""
        self._window_ms = window_ms
        self._sales: deque[tuple[int, str, int]] = deque()  # when (milliseconds), which product, how many
        self._sold: Counter[str] = Counter()

    def count(self, value: bytes) -> list[tuple[str, int]]:
        """Take one event in; the best five after it. An order sells when it is placed: its later versions do not."""
        order = json.loads(value)["payload"]
        for line in order["lines"] if order["version"] == 1 else ():
            self._sales.append((order["placed_at"], line["product_id"], line["quantity"]))
            self._sold[line["product_id"]] += line["quantity"]
        while self._sales and self._sales[0][0] < self._sales[-1][0] - self._window_ms:
            _, product, quantity = self._sales.popleft()
            self._sold[product] -= quantity
        return [(product, sold) for product, sold in self._sold.most_common(5) if sold > 0]


async def top_sellers(bootstrap: str, topic: str = "orders") -> AsyncIterator[list[tuple[str, int]]]:
    """The best five after every event, from the beginning of the topic on, then live."""
    top = TopSellers()
    async with AIOKafkaConsumer(
        topic, bootstrap_servers=bootstrap, group_id=f"top-{topic}", auto_offset_reset="earliest"
    ) as consumer:
        async for record in consumer:
            yield top.count(record.value)


async def main(bootstrap: str) -> None:
    """Print the best sellers as they change, until Ctrl-C."""
    async for best in top_sellers(bootstrap):
        print("  ".join(f"{product} {sold}" for product, sold in best))  # noqa: T201 - a feed for a terminal


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
