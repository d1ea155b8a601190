"""Records into Kafka, in order, with a bound on every wait."""

from __future__ import annotations

import asyncio
import contextlib
import time
import zlib
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from aiokafka import AIOKafkaProducer

from order_service.adapters.outbox_reader import LoggedRecord

REQUEST_TIMEOUT_MS = 8_000
SEND_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 2.0


class Publisher(Protocol):
    """Where the relay publishes. After any exception the publisher is to be replaced: its order is no longer sure."""

    async def publish(self, records: Sequence[LoggedRecord]) -> None:
        """Returns when all of them are acknowledged by all in-sync replicas."""


@dataclass(frozen=True, slots=True)
class KafkaPublisher:
    """An idempotent producer: its own retries neither double nor reorder.

    Records are packed into batches here: a future per record costs more than everything else on their way.
    """

    producer: AIOKafkaProducer

    async def publish(self, records: Sequence[LoggedRecord]) -> None:
        """Raises `KafkaError` or `TimeoutError` within `SEND_TIMEOUT_S`; any of the records may be in Kafka then."""
        async with asyncio.timeout(SEND_TIMEOUT_S):
            partitions = {topic: await self._partitions(topic) for topic in {each.topic for each in records}}
            by_partition: dict[tuple[str, int], list[LoggedRecord]] = defaultdict(list)
            for record in records:
                partition = partition_of(record.key, partitions[record.topic])
                by_partition[record.topic, partition].append(record)
            # The first error as it is; a group of them nobody would recognize.
            await asyncio.gather(
                *(self._send(topic, partition, share) for (topic, partition), share in by_partition.items())
            )

    async def _partitions(self, topic: str) -> int:
        known = self.producer.client.cluster.partitions_for_topic(topic)
        return len(known or await self.producer.partitions_for(topic))

    async def _send(self, topic: str, partition: int, records: Sequence[LoggedRecord]) -> None:
        """One batch after the other: within a partition the order is the outbox's."""
        acknowledgements = []
        batch, now_ms = self.producer.create_batch(), time.time_ns() // 1_000_000
        for record in records:
            fits = batch.append(key=record.key, value=record.value, timestamp=now_ms, headers=record.headers)
            if fits is None:
                acknowledgements.append(await self.producer.send_batch(batch, topic, partition=partition))
                batch = self.producer.create_batch()
                batch.append(key=record.key, value=record.value, timestamp=now_ms, headers=record.headers)
        acknowledgements.append(await self.producer.send_batch(batch, topic, partition=partition))
        await asyncio.gather(*acknowledgements)


def partition_of(key: bytes, partitions: int) -> int:
    """As librdkafka's `consistent` partitioner; Java's murmur2 is a hundred times slower in Python."""
    return zlib.crc32(key) % partitions


@contextlib.asynccontextmanager
async def kafka_publisher(bootstrap: str, client_id: str) -> AsyncIterator[KafkaPublisher]:
    """A publisher with a fresh producer. A producer that does not stop in time is left behind."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        client_id=client_id,
        acks="all",
        enable_idempotence=True,
        linger_ms=0,
        max_batch_size=256 * 1024,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        retry_backoff_ms=50,
        metadata_max_age_ms=30_000,
    )
    try:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await producer.start()
        yield KafkaPublisher(producer)
    finally:
        with contextlib.suppress(Exception):
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await producer.stop()
