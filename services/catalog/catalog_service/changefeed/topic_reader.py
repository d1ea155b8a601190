"""The tap: reads `orders` and `products` as one more independent consumer, without a group and without a trace."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from catalog_service.changefeed.change import Change, UnreadableRecordError, read_change
from catalog_service.changefeed.position import Partition

log = structlog.get_logger(__name__)

_PATIENCE_S = 2.0
_PAUSE_S = 1.0
_LOOK_BACK = (
    1_000  # records of each partition read again at the start, for streams that resume after a restart
)


class Changes(Protocol):
    """Where the tap's records go."""

    def begin(self, partition: Partition, *, first: int, end: int) -> None:
        """A partition is read from here on."""
        ...

    def seen(self, change: Change) -> None:
        """The next record of a partition."""
        ...

    def wants(self, partition: Partition) -> bool:
        """There is room for more of it."""
        ...

    def visible_offset(self, partition: Partition) -> int:
        """What lies before is visible already."""
        ...


class TopicReader:
    """Keeps reading while Kafka is there, and knows when it was last there. `topics` maps Kafka's names to ours.

    It begins when `known` is set: from then on `changes` knows what is visible.
    """

    def __init__(
        self,
        bootstrap: str,
        *,
        topics: Mapping[str, str],
        changes: Changes,
        known: asyncio.Event,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._bootstrap = bootstrap
        self._topics = topics
        self._changes = changes
        self._known = known
        self._clock = clock
        self._next: dict[Partition, int] = {}
        self._ends: dict[Partition, int] = {}
        self._heard_ms: int | None = None

    @property
    def ends(self) -> Mapping[Partition, int]:
        """The offset after the last record of each partition, when Kafka was last heard of."""
        return self._ends

    @property
    def caught_up(self) -> bool:
        """Everything that was in Kafka when it was last asked has been read."""
        return bool(self._ends) and all(self._next.get(each, -1) >= end for each, end in self._ends.items())

    @property
    def heard_ms(self) -> int | None:
        """When Kafka last answered; None if it never has."""
        return self._heard_ms

    async def run(self) -> None:
        """Read for ever; a Kafka that is away is waited for."""
        while True:
            await self._read()
            await asyncio.sleep(_PAUSE_S)

    async def _read(self) -> None:
        consumer = AIOKafkaConsumer(
            *self._topics,
            bootstrap_servers=self._bootstrap,
            group_id=None,
            client_id="catalog",
            auto_offset_reset="latest",  # until it is placed; nothing is handed over before that
            # Twenty fetches a second: one for each event would cost the brokers more than the sink does. Nor may it wait long,
            # a broker answers one question of a connection after the other and `_watch_ends` asks too.
            fetch_min_bytes=1 << 20,
            fetch_max_wait_ms=50,
            metadata_max_age_ms=5_000,  # a topic made after the start is found soon
        )
        try:
            await consumer.start()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._watch_ends(consumer))
                tasks.create_task(self._poll(consumer))
        except* (KafkaError, TimeoutError, OSError) as away:
            log.warning("kafka.away", errors=[type(error).__name__ for error in away.exceptions])
        finally:
            await _close(consumer)

    async def _poll(self, consumer: AIOKafkaConsumer) -> None:
        """aiokafka assigns every partition of the topics, and all anew when there are more: place them, then read."""
        await self._known.wait()
        placed: frozenset[TopicPartition] = frozenset()
        while True:
            fetched = await consumer.getmany(timeout_ms=200)
            if (assigned := consumer.assignment()) != placed:
                await self._place(consumer, assigned)
                placed = assigned
                continue  # what was fetched came from before the seek; it comes again
            for records in fetched.values():
                self._hand_over(records)
            full = {partition for partition in assigned if not self._changes.wants(self._name(partition))}
            consumer.pause(*full - consumer.paused())
            consumer.resume(*consumer.paused() - full)

    async def _place(self, consumer: AIOKafkaConsumer, assigned: frozenset[TopicPartition]) -> None:
        """Start partitions at the first record that is not visible, or a little earlier for streams that resume.

        One that was read before goes on where the tap had come to.
        """
        new = [partition for partition in assigned if self._name(partition) not in self._next]
        async with asyncio.timeout(_PATIENCE_S):
            begins, ends = await consumer.beginning_offsets(new), await consumer.end_offsets(new)
        for partition in new:
            name = self._name(partition)
            back = min(ends[partition] - _LOOK_BACK, self._changes.visible_offset(name))
            self._next[name] = max(begins[partition], back)
            self._changes.begin(name, first=self._next[name], end=ends[partition])
        for partition in assigned:
            consumer.seek(partition, self._next[self._name(partition)])

    def _hand_over(self, records: Sequence[ConsumerRecord[bytes, bytes]]) -> None:
        seen_ms = int(self._clock() * 1000)
        for record in records:
            name = (self._topics[record.topic], record.partition)
            if record.offset < self._next[name]:
                continue
            self._next[name] = record.offset + 1
            kind = next((value for key, value in record.headers if key == "ce_type"), b"")
            try:
                change = read_change(
                    topic=name[0],
                    partition=record.partition,
                    offset=record.offset,
                    value=record.value,
                    kind=kind.decode(errors="replace"),
                    timestamp_ms=record.timestamp,
                    seen_ms=seen_ms,
                )
            except UnreadableRecordError as error:
                log.warning(
                    "record.unreadable",
                    topic=record.topic,
                    partition=record.partition,
                    offset=record.offset,
                    detail=str(error),
                )
            else:
                self._changes.seen(change)

    async def _watch_ends(self, consumer: AIOKafkaConsumer) -> None:
        """Ask every second where the topics end: the lag in records, and the proof that Kafka is there."""
        while True:
            async with asyncio.timeout(_PATIENCE_S):
                ends = await consumer.end_offsets(list(consumer.assignment()))
            self._ends = {self._name(partition): end for partition, end in ends.items()}
            self._heard_ms = int(self._clock() * 1000)
            await asyncio.sleep(_PAUSE_S)

    def _name(self, partition: TopicPartition) -> Partition:
        return self._topics[partition.topic], partition.partition


async def _close(consumer: AIOKafkaConsumer) -> None:
    """Stop it within a bound.

    When a broker is away, aiokafka's `stop` raises the cancellation of a fetch of its own, which must not be taken for
    ours, and leaves its connections open.
    """

    async def stop() -> None:
        async with asyncio.timeout(_PATIENCE_S):
            await consumer.stop()

    (failure,) = await asyncio.gather(stop(), return_exceptions=True)
    if failure is not None:
        await asyncio.gather(consumer._client.close(), return_exceptions=True)  # noqa: SLF001 - `stop` got no further
