"""Records into Kafka, in order, with a bound on every wait."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from aiokafka import AIOKafkaProducer

from order_service.outbox.reader import LoggedRecord

REQUEST_TIMEOUT_MS = 8_000
SEND_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 2.0


class Publisher(Protocol):
    """Where the relay publishes. After any exception the publisher is to be replaced: its order is no longer sure."""

    async def publish(self, records: Sequence[LoggedRecord]) -> None:
        """Returns when all of them are acknowledged by all in-sync replicas."""


@dataclass(frozen=True, slots=True)
class KafkaPublisher:
    """An idempotent producer: its own retries neither double nor reorder."""

    producer: AIOKafkaProducer

    async def publish(self, records: Sequence[LoggedRecord]) -> None:
        """Raises `KafkaError` or `TimeoutError` within `SEND_TIMEOUT_S`; any of the records may be in Kafka then."""
        async with asyncio.timeout(SEND_TIMEOUT_S):
            acknowledgements = [
                await self.producer.send(
                    record.topic, value=record.value, key=record.key, headers=record.headers
                )
                for record in records
            ]
            await asyncio.gather(*acknowledgements)


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
