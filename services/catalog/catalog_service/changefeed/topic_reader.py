"""Reads `orders` and `products` as one more independent consumer, without a group and without a trace."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Protocol

import structlog

from catalog_service import telemetry
from catalog_service.changefeed.change import Change, UnreadableRecordError, read_change
from catalog_service.changefeed.position import Partition
from catalog_service.changefeed.topic_consumer import (
    Assigned,
    KafkaUnavailableError,
    Record,
    TopicConsumer,
)

log = structlog.get_logger(__name__)

HEADER_NAME = "header_name"
"""Reason: the name of a header is not UTF-8."""
HEADER_VALUE = "header_value"
"""Reason: the event's type has no value, is too long, or is not UTF-8. The change itself is read, without its type."""

_PAUSE_S = 1.0
_GATHER_S = 0.1  # so long records gather after others: a fetch for each would cost the brokers more than the sink does
_LOOK_BACK = (
    1_000  # records of each partition read again at the start, for streams that resume after a restart
)
_STALLED_S = 15.0
_LONGEST_TYPE = 255  # bytes; it goes to every stream, and is kept with the change
_FAILURE_S = 10.0  # it is tried again every second: so long after the last failure it is over


class ChangeReceiver(Protocol):
    """Where the reader's records go."""

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

    It begins when `known` is set: from then on `changes` knows what is visible. A record that cannot be read is passed
    over and counted through `unreadable(topic, reason)`. When nothing can be read any more, `failure` says why.
    """

    def __init__(  # noqa: PLR0913 - its source, its receivers, its clocks
        self,
        bootstrap: str,
        *,
        security: Callable[[], Mapping[str, Any]] = dict,
        topics: Mapping[str, str],
        changes: ChangeReceiver,
        known: asyncio.Event,
        unreadable: Callable[[str, str], None] = lambda _topic, _reason: None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`clock` gives seconds since 1970, `monotonic` seconds of a clock that never goes back."""
        self._bootstrap = bootstrap
        self._security = security
        self._topics = topics
        self._changes = changes
        self._known = known
        self._unreadable = unreadable
        self._clock = clock
        self._monotonic = monotonic
        self._sleep = sleep
        self._next: dict[Partition, int] = {}
        self._ends: dict[Partition, int] = {}
        self._leaders: dict[Partition, int] = {}
        self._moved_at: dict[Partition, float] = {}
        self._heard_ms: int | None = None
        self._failure = ""
        self._failed_at = float("-inf")

    @property
    def ends(self) -> Mapping[Partition, int]:
        """The offset after the last record of each partition, when Kafka was last heard of."""
        return self._ends

    @property
    def leaders(self) -> Mapping[Partition, int]:
        """The id of the broker that leads each partition, as Kafka has last told."""
        return self._leaders

    @property
    def caught_up(self) -> bool:
        """Everything that was in Kafka when it was last asked has been read, and reading goes on."""
        read = all(self._next.get(each, -1) >= end for each, end in self._ends.items())
        return bool(self._ends) and read and self.failure is None

    @property
    def heard_ms(self) -> int | None:
        """When Kafka last answered; None if it never has."""
        return self._heard_ms

    @property
    def failure(self) -> str | None:
        """Why nothing more can be read although Kafka answers, in words; None while reading goes on."""
        if self._monotonic() - self._failed_at < _FAILURE_S:
            return self._failure
        return self._stalled()

    async def run(self) -> None:
        """Read until cancelled. A Kafka that is away is waited for; whatever else happens is tried again, but for a lack of memory."""
        while True:
            try:
                await self._read()
            except* KafkaUnavailableError as away:
                log.warning("kafka.disconnected", errors=[str(error) for error in away.exceptions])
            except* MemoryError:
                raise  # a change may be half told: the process is started again
            except* Exception as failed:  # noqa: BLE001 - a record, a bug: the process is of more use than without
                self._fail(failed)
            await self._sleep(_PAUSE_S)

    def _fail(self, failed: BaseExceptionGroup[Exception]) -> None:
        failure = "the topics cannot be read: " + "; ".join(
            str(error) or type(error).__name__ for error in failed.exceptions
        )
        if self.failure != failure:  # it is tried again every second, and told once
            log.error("reader.failed", detail=failure, exc_info=failed)
        self._failure, self._failed_at = failure, self._monotonic()

    async def _read(self) -> None:
        async with (
            TopicConsumer(self._bootstrap, self._topics, security=self._security) as consumer,
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(self._watch_ends(consumer))
            tasks.create_task(self._poll(consumer))

    async def _poll(self, consumer: TopicConsumer) -> None:
        """Every partition of the topics is assigned, and all anew when there are more: place them, then read."""
        await self._known.wait()
        placed: frozenset[Assigned] = frozenset()
        while True:
            records = await consumer.poll()
            if (assigned := consumer.assigned()) != placed:
                await self._place(consumer, assigned)
                placed = assigned
                continue  # what was fetched came from before the seek; it comes again
            self._hand_over(records)
            consumer.pause_only({each for each in assigned if not self._changes.wants(self._name(each))})
            if records:
                await self._sleep(_GATHER_S)

    async def _place(self, consumer: TopicConsumer, assigned: frozenset[Assigned]) -> None:
        """Start partitions at the first record that is not visible, or a little earlier for streams that resume.

        One that was read before goes on where the reader had come to.
        """
        new = [partition for partition in assigned if self._name(partition) not in self._next]
        begins, ends = await consumer.first_offsets(new), await consumer.end_offsets(new)
        for partition in new:
            name = self._name(partition)
            back = min(ends[partition] - _LOOK_BACK, self._changes.visible_offset(name))
            self._changes.begin(name, first=max(begins[partition], back), end=ends[partition])
            self._move(name, max(begins[partition], back))
        for partition in assigned:
            consumer.seek(partition, self._next[self._name(partition)])

    def _hand_over(self, records: Iterable[Record]) -> None:
        seen_ms = int(self._clock() * 1000)
        for record in records:
            name = self._name((record.topic, record.partition))
            if record.offset < self._next[name]:
                continue
            try:
                change = self._change(record, seen_ms=seen_ms)
            except UnreadableRecordError as error:
                self._move(name, record.offset + 1)
                self._unreadable(name[0], error.reason)
                log.warning(
                    "record.skipped",
                    topic=record.topic,
                    partition=record.partition,
                    offset=record.offset,
                    reason=error.reason,
                    detail=str(error)[:500],
                )
            else:
                self._move(name, record.offset + 1)
                self._changes.seen(change)

    def _change(self, record: Record, *, seen_ms: int) -> Change:
        for name, _ in record.headers:
            if not name.isprintable() and any("\udc80" <= each <= "\udcff" for each in name):
                raise UnreadableRecordError(HEADER_NAME, f"a header is called {name!a}")
        topic = self._topics[record.topic]
        return read_change(
            topic=topic,
            partition=record.partition,
            offset=record.offset,
            value=record.value,
            kind=self._kind(topic, record),
            timestamp_ms=record.timestamp_ms,
            seen_ms=seen_ms,
            trace=_trace(record) if telemetry.is_on() else "",
        )

    def _kind(self, topic: str, record: Record) -> str:
        """The event's type; empty where a record has none, which the sink does not need either."""
        for name, value in record.headers:
            if name == "ce_type":
                try:
                    if value is not None and len(value) <= _LONGEST_TYPE:
                        return bytes(value).decode()
                except UnicodeDecodeError:
                    pass
                self._unreadable(topic, HEADER_VALUE)
        return ""

    async def _watch_ends(self, consumer: TopicConsumer) -> None:
        """Ask every second where the topics end: the lag in records, and the proof that Kafka is there."""
        while True:
            ends = await consumer.end_offsets(consumer.assigned())
            self._ends = {self._name(partition): end for partition, end in ends.items()}
            self._leaders = {self._name(partition): node for partition, node in consumer.leaders().items()}
            self._heard_ms = int(self._clock() * 1000)
            for partition in ends:
                if (name := self._name(partition)) in self._next:
                    self._move(name, consumer.position(partition) or 0)
            await self._sleep(_PAUSE_S)

    def _move(self, partition: Partition, next_offset: int) -> None:
        if next_offset > self._next.get(partition, -1):
            self._next[partition] = next_offset
            self._moved_at[partition] = self._monotonic()

    def _stalled(self) -> str | None:
        """Kafka has records and hands none over: it does so, for instance, when its copy of a batch is damaged."""
        now = self._monotonic()
        for partition, end in self._ends.items():
            position = self._next.get(partition, end)
            waiting = position < end and self._changes.wants(partition)
            if waiting and now - self._moved_at[partition] > _STALLED_S and self._kafka_answers():
                topic, number = partition
                return f"record {position} of {topic}/{number} has not come for {_STALLED_S:g} s"
        return None

    def _kafka_answers(self) -> bool:
        return self._heard_ms is not None and self._clock() * 1000 - self._heard_ms < _STALLED_S * 1000

    def _name(self, partition: Assigned) -> Partition:
        return self._topics[partition[0]], partition[1]


def _trace(record: Record) -> str:
    for name, value in record.headers:
        if name == "traceparent":
            trace = (value or b"").decode("latin-1")
            return trace if telemetry.is_sampled(trace) else ""
    return ""
