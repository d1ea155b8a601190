"""The consumer: reads all partitions of one topic from where the database says, and stores position with effect.

No consumer group: an instance reads its topics alone, and its own database knows how far it has come.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError, UnknownTopicOrPartitionError
from prometheus_client import Counter

from order_service.adapters.errors import StorageUnavailableError
from order_service.adapters.kafka.decoding import incoming
from order_service.service_layer.apply_once import ApplyOnce, Incoming, MovePositions, Park
from order_service.service_layer.unit_of_work import Position, UseCase

log = structlog.get_logger()

TAKEN_IN = Counter("order_records_taken_in_total", "Records consumed, with their effect committed", ["topic"])
PARKED = Counter("order_records_parked_total", "Records consumed that could not be understood", ["topic"])

BATCH = 500
POLL_MS = 1_000
KAFKA_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 2.0
RETRY_S = 0.5


@dataclass(slots=True, kw_only=True)
class InboxConsumer:
    """`serve` is the task. `caught_up` once everything that stood in the topic at the start has been taken in."""

    topic: str
    bootstrap: str
    effect_of: Callable[[bytes | None, str], UseCase[None]]
    run: Callable[[UseCase[None]], Awaitable[None]]
    positions: Callable[[Sequence[str]], Awaitable[dict[str, int]]]
    gather_s: float = 0.0
    """How long records may gather after a batch: every batch costs a durable commit, every fetch the brokers."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    caught_up: bool = False
    connected: bool = False

    async def serve(self) -> None:
        """Consume for ever; ends only by cancellation or by a defect."""
        while True:
            try:
                async with self._consumer() as consumer:
                    self.connected = True
                    await self._consume(consumer)
            except OffsetOutOfRangeError as error:
                await self._start_over(error.args[0])
            except (KafkaError, TimeoutError, OSError, StorageUnavailableError) as error:
                log.warning("intake.restarts", topic=self.topic, error=repr(error))
            finally:
                self.connected = False
            await self.sleep(RETRY_S)

    @contextlib.asynccontextmanager
    async def _consumer(self) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(
            self.topic,
            bootstrap_servers=self.bootstrap,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            isolation_level="read_committed",
            metadata_max_age_ms=30_000,
        )
        try:
            async with asyncio.timeout(KAFKA_TIMEOUT_S):
                await consumer.start()
            yield consumer
        finally:
            await _close(consumer)

    async def _consume(self, consumer: AIOKafkaConsumer) -> None:
        async with asyncio.timeout(KAFKA_TIMEOUT_S):
            behind = await self._assign(consumer)
        while True:
            batches: dict[TopicPartition, list[ConsumerRecord[Any, Any]]] = await consumer.getmany(
                timeout_ms=POLL_MS if self.caught_up else POLL_MS // 10, max_records=BATCH
            )
            batch = [incoming(record, self.effect_of) for records in batches.values() for record in records]
            if batch:
                await self._take_in(batch)
                await self.sleep(self.gather_s)
            if not self.caught_up:
                behind = {tp: end for tp, end in behind.items() if await consumer.position(tp) < end}
                self.caught_up = not behind

    async def _assign(self, consumer: AIOKafkaConsumer) -> dict[TopicPartition, int]:
        """Take all partitions, each from its stored position; answers where each of them ends now."""
        partitions = [
            TopicPartition(self.topic, number) for number in consumer.partitions_for_topic(self.topic) or ()
        ]
        if not partitions:
            raise UnknownTopicOrPartitionError(self.topic)
        consumer.unsubscribe()  # it was there to learn the partitions; where to begin is ours to say
        stored = await self.positions([_source(tp) for tp in partitions])
        begins = await consumer.beginning_offsets(partitions)
        consumer.assign(partitions)
        for tp in partitions:
            consumer.seek(tp, max(stored.get(_source(tp), 0), begins[tp]))
        ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
        return ends

    async def _take_in(self, batch: Sequence[Incoming]) -> None:
        """Until the database has it: an outage must lose nothing, and there is nothing else to do meanwhile."""
        while True:
            try:
                await self.run(ApplyOnce(batch))
            except StorageUnavailableError as error:
                log.warning("intake.waits", topic=self.topic, error=str(error), records=len(batch))
                await self.sleep(RETRY_S)
            else:
                break
        TAKEN_IN.labels(self.topic).inc(len(batch))
        for parked in (record for record in batch if isinstance(record.effect, Park)):
            PARKED.labels(self.topic).inc()
            log.error("intake.parked", source=parked.source, offset=parked.offset, reason=parked.effect)

    async def _start_over(self, lost: dict[TopicPartition, int]) -> None:
        """The topic has lost what comes next. Read all it has: effects are guarded, and orders ask again for answers."""
        log.error(
            "intake.position-lost", topic=self.topic, positions={_source(tp): at for tp, at in lost.items()}
        )
        moves = MovePositions(tuple(Position(source=_source(tp), next_offset=0) for tp in lost))
        with contextlib.suppress(
            StorageUnavailableError
        ):  # then the next attempt finds the same position and comes back here
            await self.run(moves)


def _source(tp: TopicPartition) -> str:
    return f"{tp.topic}/{tp.partition}"


async def _close(consumer: AIOKafkaConsumer) -> None:
    """Stop it within a bound.

    When a broker is away, aiokafka's `stop` raises the cancellation of a fetch of its own, which must not be taken for
    ours, and leaves its connections open.
    """

    async def stop() -> None:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await consumer.stop()

    (failure,) = await asyncio.gather(stop(), return_exceptions=True)
    if failure is not None:
        await asyncio.gather(consumer._client.close(), return_exceptions=True)  # noqa: SLF001 - `stop` got no further
