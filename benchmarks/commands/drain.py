"""How fast a starting instance publishes an outbox that has grown while Kafka was away."""

import asyncio
import contextlib
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.commands.instances import WHOLE, Place, instance

SAMPLE = Path(__file__).resolve().parents[2] / "contracts" / "samples" / "order.placed.v1.json"
LOOK_EVERY_S = 0.005
TIMEOUT_S = 300.0

Row = tuple[str, bytes, bytes, str]
"""Topic, key, value and headers of a record, as the table `outbox` has them."""


async def measure(where: Place, *, kafka: str, events: int) -> float:
    """Events a second, from the first to the last that all in-sync replicas of the topic `orders` have."""
    await _fill(where, list(_rows(where.prefix, events)))
    async with instance(WHOLE, where, kafka=kafka, registers_product=False):
        return await _watch(f"{where.prefix}orders", kafka=kafka, events=events)


async def _watch(topic: str, *, kafka: str, events: int) -> float:
    async with asyncio.timeout(TIMEOUT_S), _consumer(kafka) as consumer:
        partitions = [TopicPartition(topic, number) for number in range(6)]
        published = partial(_published, consumer, partitions)
        while not (already := await published()):  # noqa: ASYNC110 - a measurement looks on, nothing tells it
            await asyncio.sleep(LOOK_EVERY_S)
        begun = time.perf_counter()
        while (now := await published()) < events:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_EVERY_S)
        if now != events:
            raise RuntimeError(f"{events} events waited, {now} records are in the topic")
        if already == events:
            raise RuntimeError(f"{events} events were published between two looks: too few to time")
        return (events - already) / (time.perf_counter() - begun)


@contextlib.asynccontextmanager
async def _consumer(kafka: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka)
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


async def _published(consumer: AIOKafkaConsumer, partitions: list[TopicPartition]) -> int:
    """Records that consumers may read."""
    return sum((await consumer.end_offsets(partitions)).values())


def _rows(prefix: str, events: int) -> Iterator[Row]:
    """The contract's sample again and again, each for an order of its own."""
    sample = json.loads(SAMPLE.read_text())
    order_id = sample["headers"]["ce_subject"]
    headers = {name: value for name, value in sample["headers"].items() if name != "ce_id"}
    for number in range(events):
        mine = f"order-1-01JD9Z6Q4W8C3N5T{number:010}"
        key, value, said = (
            text.replace(order_id, mine).replace("order-2", "order-1")
            for text in (sample["key"], sample["value"], json.dumps(headers))
        )
        yield f"{prefix}{sample['topic']}", key.encode(), value.encode(), said


async def _fill(where: Place, rows: list[Row]) -> None:
    if where.file is not None:
        with contextlib.closing(sqlite3.connect(where.file)) as file, file:
            file.executemany("INSERT INTO outbox (topic, key, value, headers) VALUES (?, ?, ?, ?)", rows)
        return
    connection = await asyncpg.connect(where.dsn)
    try:
        await connection.executemany(
            "INSERT INTO outbox (topic, key, value, headers) VALUES ($1, $2, $3, $4)", rows
        )
    finally:
        await connection.close()
