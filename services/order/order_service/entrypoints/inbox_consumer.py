"""The consumer: reads all partitions of one topic from where the database says, and stores position with effect.

No consumer group: an instance reads its topics alone, and its own database knows how far it has come.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from time import monotonic
from types import TracebackType
from typing import Self

import structlog
from prometheus_client import Counter

from order_service import telemetry
from order_service.adapters.kafka.consumer import (
    ConsumerError,
    PositionLostError,
    TopicConsumer,
    partition_sources,
)
from order_service.adapters.kafka.decoding import Effect, incoming
from order_service.domain.errors import UnstorableError
from order_service.service_layer.apply_once import ApplyOnce, Incoming, MovePositions, RecordDeadLetter
from order_service.service_layer.errors import StorageUnavailableError
from order_service.service_layer.unit_of_work import Position, UseCase

log = structlog.get_logger()

TAKEN_IN = Counter("order_records_taken_in_total", "Records consumed, with their effect committed", ["topic"])
DEAD_LETTERS = Counter("order_dead_letters_total", "Records consumed that became dead letters", ["topic"])

BATCH = 500
POLL_S = 1.0
FIRST_POLL_S = 0.1
RETRY_S = 0.5
CHECK_EVERY_S = (
    10.0  # how often the topic is looked at, whether it is still the same, and can be read to its end
)

Run = Callable[[UseCase[tuple[RecordDeadLetter, ...] | None]], Awaitable[tuple[RecordDeadLetter, ...] | None]]


class Processing:
    """A batch with a span for each record that belongs to a trace: from here until its effect is committed.

    What the effects publish has these spans as parents.
    """

    def __init__(self, topic: str, batch: Sequence[Incoming]) -> None:
        """Begins them, if spans are recorded at all."""
        self.batch = batch
        self._spans: dict[str, telemetry.Span] = {}
        if telemetry.is_on():
            self.batch = [self._begun(topic, each) for each in batch]

    def refused(self, letter: RecordDeadLetter) -> None:
        """A record became a dead letter."""
        if span := self._spans.get(letter.incoming.record):
            span.fail("dead_letter", letter.reason)

    def __enter__(self) -> Self:
        """Begun already."""
        return self

    def __exit__(self, _type: object, error: BaseException | None, _trace: TracebackType | None) -> None:
        """They end with the batch, however it does."""
        for span in self._spans.values():
            span.__exit__(type(error) if error else None, error, None)

    def _begun(self, topic: str, each: Incoming) -> Incoming:
        if not telemetry.is_sampled(each.trace):
            return each
        attributes: telemetry.Attributes = {
            "messaging.system": "kafka",
            "messaging.operation.type": "process",
            "messaging.operation.name": "process",
            "messaging.destination.name": topic,
            "messaging.destination.partition.id": each.source.rpartition("/")[2],
            "messaging.kafka.offset": each.offset,
        }
        span = telemetry.begin(f"process {topic}", parent=each.trace, kind="consumer", attributes=attributes)
        self._spans[each.record] = span
        return each._replace(trace=span.traceparent)


@dataclass(slots=True, kw_only=True)
class InboxConsumer:
    """`serve` is the task. `caught_up` once everything that stood in the topic at the start has been applied."""

    topic: str
    consumers: Callable[[], AbstractAsyncContextManager[TopicConsumer]]
    effect_of: Effect
    run: Run
    positions: Callable[[Sequence[str]], Awaitable[Mapping[str, Position]]]
    gather_s: float = 0.0
    """How long records may gather after a batch: every batch costs a durable commit, every fetch the brokers."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    time: Callable[[], float] = monotonic
    caught_up: bool = False
    connected: bool = False
    _trouble: str | None = None
    _held_back: dict[int, int] = field(default_factory=dict)
    """Partition → offset, as of the last look; `_held_long` are those that were so at the look before."""
    _held_long: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """The topic's counters are 0 from now on: a counter that begins at 1 has no increase to alert of."""
        TAKEN_IN.labels(self.topic)
        DEAD_LETTERS.labels(self.topic)

    def missing(self) -> str | None:
        """Why this topic's records do not take effect now; None when they do."""
        if self._trouble is not None:
            return self._trouble
        if not self.connected:
            return "not connected"
        if self._held_long:
            places = ", ".join(
                f"{self.topic}/{number}/{offset}" for number, offset in self._held_long.items()
            )
            return f"an open transaction in Kafka keeps back what stands behind {places}"
        return None if self.caught_up else "has not caught up yet"

    async def serve(self) -> None:
        """Consume until cancelled. What goes wrong is tried again, and `missing` tells of it meanwhile."""
        while True:
            try:
                async with self.consumers() as consumer:
                    self.connected = True
                    await self._consume(consumer)
            except PositionLostError as error:
                await self._start_over(error.positions)
            except (ConsumerError, StorageUnavailableError) as error:
                self._trouble = str(error)
                log.warning("inbox.restarted", topic=self.topic, error=str(error))
            except Exception as error:  # a defect here must not take the instance's commands along
                self._trouble = repr(error)
                log.exception("inbox.failed", topic=self.topic)
            finally:
                self.connected = False
            await self.sleep(RETRY_S)

    async def _consume(self, consumer: TopicConsumer) -> None:
        sources = partition_sources(self.topic, consumer.partitions)
        stored = await self.positions(list(sources.values()))
        begins = {
            number: self._begin(stored[source], consumer.topic_id)
            for number, source in sources.items()
            if source in stored
        }
        behind = await consumer.begin(begins)
        self._held_back, self._held_long = {}, {}
        check_at = self.time() + CHECK_EVERY_S
        while True:
            if self.time() >= check_at:
                await consumer.check_topic()
                self._look_at_transactions(consumer.held_back())
                check_at = self.time() + CHECK_EVERY_S
            records = await consumer.poll(timeout_s=POLL_S if self.caught_up else FIRST_POLL_S, limit=BATCH)
            if records:
                batch = [incoming(record, self.effect_of, topic_id=consumer.topic_id) for record in records]
                with Processing(self.topic, batch) as processing:
                    await self._apply(processing.batch, processing)
                await self.sleep(self.gather_s)
            self._trouble = None
            if not self.caught_up:
                behind = await consumer.behind(behind)
                self.caught_up = not behind

    def _look_at_transactions(self, held_back: dict[int, int]) -> None:
        """One that ends before the next look has held nothing up."""
        held_long = {number: at for number, at in held_back.items() if self._held_back.get(number) == at}
        if held_long and held_long != self._held_long:
            log.error("inbox.held_back", topic=self.topic, offsets=held_long)
        self._held_back, self._held_long = held_back, held_long

    def _begin(self, position: Position, topic_id: str | None) -> int:
        if position.covers(position.next_offset - 1, topic_id) or position.next_offset == 0:
            return position.next_offset
        log.error("inbox.topic_recreated", source=position.source, was=position.topic_id, topic_id=topic_id)
        return 0  # effects are guarded by versions, so reading all that the new topic has does no harm

    async def _apply(self, batch: Sequence[Incoming], processing: Processing) -> None:
        """Until the database has it: an outage must lose nothing, and there is nothing else to do meanwhile."""
        refusal: UnstorableError | MemoryError | None = None
        while True:
            try:
                letters = await self.run(ApplyOnce(batch))
            except StorageUnavailableError as error:
                self._trouble = f"the database does not take its records: {error}"
                log.warning("inbox.delayed", topic=self.topic, error=str(error), records=len(batch))
                await self.sleep(RETRY_S)
            except (UnstorableError, MemoryError) as error:
                refusal = error.with_traceback(None)  # which holds what was loaded
                break
            else:
                break
        if refusal is not None:
            await self._apply_parts(batch, processing, refusal)
            return
        TAKEN_IN.labels(self.topic).inc(len(batch))
        for letter in letters or ():
            DEAD_LETTERS.labels(self.topic).inc()
            processing.refused(letter)
            trace_id = letter.incoming.trace[3:35]
            record = letter.incoming.record
            log.error("inbox.record_refused", record=record, reason=letter.reason, trace_id=trace_id)

    async def _apply_parts(
        self, batch: Sequence[Incoming], processing: Processing, error: UnstorableError | MemoryError
    ) -> None:
        """Halve what the database refuses until the one record is found, and put that among the dead letters.

        Halved is what there is no memory for, too; nothing of it is refused.
        """
        if len(batch) > 1:
            middle = len(batch) // 2
            await self._apply(batch[:middle], processing)
            await self._apply(batch[middle:], processing)
        elif isinstance(error, MemoryError) or isinstance(batch[0].effect, RecordDeadLetter):
            raise error
        else:
            await self._apply([batch[0].refused(error.detail)], processing)

    async def _start_over(self, lost: Mapping[int, int]) -> None:
        """The topic has lost what comes next. Read all it has: effects are guarded, and orders ask again for answers."""
        sources = partition_sources(self.topic, tuple(lost))
        log.error(
            "inbox.position_lost", topic=self.topic, positions={sources[n]: at for n, at in lost.items()}
        )
        moves = MovePositions(tuple(Position(source=source, next_offset=0) for source in sources.values()))
        with contextlib.suppress(StorageUnavailableError):  # then the next attempt comes back here
            await self.run(moves)
