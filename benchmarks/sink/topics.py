"""Topics filled before the clock starts, and what must be in the table once they are drained."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from benchmarks.sink.orders import Envelope, Order, key_of, line_count

PARTITIONS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over the table as `sql/totals.sql` forms them."""

    rows: int
    versions: int
    cents: int
    lines: int
    placed_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FilledTopic:
    """A topic, how many bytes its values have on average, and the state it leads to."""

    name: str
    records: int
    value_bytes: float
    totals: Totals
    last: tuple[Order, ...]
    """The last record of each partition."""


async def create_topic(bootstrap: str, name: str) -> None:
    """Make it as the project does: six partitions, three copies."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, num_partitions=PARTITIONS, replication_factor=3)])
    finally:
        await admin.close()


async def delete_topics(bootstrap: str, names: list[str]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_topics(names)
    finally:
        await admin.close()


class Values(Protocol):
    """How a producer writes its values."""

    def value_of(self, order: Order) -> bytes:
        """Give the bytes of a record's value."""


async def fill_topic(
    bootstrap: str, name: str, orders: Iterable[Order], values: Values | None = None
) -> FilledTopic:
    """Send `orders` to the new topic `name` (lz4), in Connect's envelope by default.

    All of them are acknowledged by every copy on return.
    """
    await create_topic(bootstrap, name)
    values = values or Envelope()
    final: dict[str, Order] = {}
    last: dict[int, Order] = {}
    records = value_bytes = 0
    # Large batches are what a busy topic holds; they make no system's fetches different from another's.
    async with AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        compression_type="lz4",
        acks="all",
        linger_ms=20,
        max_batch_size=128 * 1024,
    ) as producer:
        for order in orders:
            value = values.value_of(order)
            partition = partition_of(order)
            await producer.send(name, value, key=key_of(order), partition=partition)
            final[order.order_id] = last[partition] = order
            records += 1
            value_bytes += len(value)
        await producer.flush()
    return FilledTopic(
        name=name,
        records=records,
        value_bytes=value_bytes / records,
        totals=totals_of(final.values()),
        last=tuple(last.values()),
    )


def partition_of(order: Order) -> int:
    """Spread the keys evenly; all states of one order meet in one partition."""
    return zlib.crc32(order.order_id.encode()) % PARTITIONS


def totals_of(final: Iterable[Order]) -> Totals:
    """Sum up the last state of every order."""
    states = list(final)
    return Totals(
        rows=len(states),
        versions=sum(order.version for order in states),
        cents=sum(order.total_cents for order in states),
        lines=sum(line_count(order) for order in states),
        placed_ms=sum(order.placed_at for order in states),
    )
