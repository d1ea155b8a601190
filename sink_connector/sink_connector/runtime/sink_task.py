"""A task: one consumer, one database connection, and the path of the records between them."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import Any

import structlog

from sink_connector.config.connector import ConnectorConfig
from sink_connector.dead_letters.topic import DeadLetterTopic
from sink_connector.errors import FatalError, FencedError, WentBackError
from sink_connector.runtime.consumer import BrokenConsumerError, PartitionConsumer, Polled
from sink_connector.runtime.conversion import RecordConverter
from sink_connector.runtime.delivery import Delivery, Retrier, Time, Trouble, report
from sink_connector.runtime.maintenance import Maintenance
from sink_connector.runtime.metrics import TaskMetrics
from sink_connector.runtime.persisted_topic import PersistedTopic
from sink_connector.runtime.retry import RetryPolicy
from sink_connector.sink.batch import Batch
from sink_connector.sink.buffer import Buffer
from sink_connector.sink.offsets import OffsetStore, Partition
from sink_connector.sink.session import Session, prepare_database
from sink_connector.sink.table_naming import TableNaming
from sink_connector.sink.table_writer import TableWriter, Written

log = structlog.get_logger()

POLL_MS = 200
MOST_AT_ONCE = 1_000  # records of one poll; between two polls the event loop serves everything else
KEEP_ALIVE_S = 5.0
IDLE_S = 1.0
FENCED_PATIENCE_S = 30.0  # a fenced task is given a new assignment within the group's session time-out
STOP_S = 3.0


@dataclass(slots=True)
class SinkTask:
    """Runs until cancelled. Raises `FatalError` when it cannot go on; nothing is skipped then.

    `is_idle` is true between records, so that a paused task that is idle will deliver nothing more.
    """

    config: ConnectorConfig
    number: int
    source: PartitionConsumer
    session: Session
    writer: TableWriter
    naming: TableNaming
    convert: RecordConverter
    dead_letters: DeadLetterTopic
    persisted: PersistedTopic | None = None
    random: Callable[[], float] = random.random
    time: Time = field(default_factory=Time)
    paused: bool = False
    is_idle: bool = True
    _fenced_at: float | None = None
    _reclaimed_at: float = -inf
    _committed: dict[Partition, int] = field(default_factory=dict)
    _metrics: TaskMetrics = field(init=False)
    _buffer: Buffer = field(init=False)
    _retrier: Retrier = field(init=False)
    _delivery: Delivery = field(init=False)
    _maintenance: Maintenance = field(init=False)

    def __post_init__(self) -> None:
        config = self.config
        self._metrics = TaskMetrics(config.name, self.number)
        self._buffer = Buffer(config, self.naming, self.convert, monotonic=self.time.monotonic)
        self._retrier = Retrier(
            policy=RetryPolicy(
                first_ms=config.retry_backoff_ms,
                longest_ms=config.errors.retry_delay_max_ms,
                max_retries=config.max_retries,
                patience_ms=config.errors.retry_timeout_ms,
                random=self.random,
            ),
            session=self.session,
            metrics=self._metrics,
            context=self._context,
            time=self.time,
        )
        self._delivery = Delivery(
            config=config,
            session=self.session,
            writer=self.writer,
            buffer=self._buffer,
            retrier=self._retrier,
            metrics=self._metrics,
            committed=self._after_commit,
            send=None if self.persisted is None else self.persisted.send,
        )
        self._maintenance = Maintenance(
            connector=config.name,
            source=self.source,
            committed=self._committed,
            held=lambda: self._buffer.held,
            metrics=self._metrics,
            time=self.time,
        )
        self.dead_letters.skipped = self._metrics.not_sent

    @property
    def progress(self) -> Mapping[Partition, int]:
        """The next offset of each partition delivered from so far."""
        return self._committed

    @property
    def trouble(self) -> Trouble | None:
        """What is being tried again; None while all is well."""
        return self._retrier.trouble

    @property
    def attempts(self) -> int:
        """How often in a row what is being tried has failed."""
        return self._retrier.attempts

    async def run(self) -> None:
        """Consume until cancelled; a consumer that breaks is replaced. The batch in flight is finished or rolled back."""
        try:
            await self._retrier.run(self._prepare, "prepare")
            await self._retrier.run(self._consume, "consume")
        finally:
            await self.dead_letters.close()
            if self.persisted is not None:
                await self.persisted.close()
            await self.session.close()

    async def _prepare(self) -> None:
        await prepare_database(await self.session.connection())

    async def _consume(self) -> None:
        """The record's path: rewind → poll → convert → deliver; the next batch fills while one is being delivered."""
        await self.source.start()
        maintenance = asyncio.create_task(self._maintenance.run())
        poll: asyncio.Task[Polled] | None = None
        delivery: asyncio.Task[None] | None = None
        self._buffer.clear()
        try:
            while True:
                if self.source.assigned.is_set():
                    await self._finish(delivery)
                    delivery = await self._take_over()
                if poll is None and not self.paused and self._buffer.room:
                    poll = asyncio.create_task(self._poll())
                self.is_idle = poll is None and delivery is None and self._buffer.is_empty
                await _first_of(maintenance, poll, delivery)
                if maintenance.done():
                    maintenance.result()
                if poll is None:
                    await self.source.keep_alive()
                elif poll.done():
                    await self._take_in(poll.result())
                    poll = None
                if delivery is not None and delivery.done():
                    delivery.result()
                    delivery = None
                if delivery is None and self._buffer.is_due:
                    delivery = asyncio.create_task(self._deliver(self._buffer.take()))
                elif delivery is None and self.session.is_lost:
                    delivery = asyncio.create_task(self._retrier.run(self._look_behind, "look behind"))
                await self._mend_fence()
        finally:
            await self._stop(maintenance, poll, delivery)

    async def _take_over(self) -> asyncio.Task[None] | None:
        """Begin with the partitions assigned; what is to be done before anything of them is delivered."""
        await self._retrier.run(self._rewind, "rewind")
        self._buffer.clear()
        return None if self.persisted is None else asyncio.create_task(self._catch_up(self.persisted))

    async def _rewind(self) -> None:
        try:
            await self.source.rewind(OffsetStore(await self.session.connection(), self.config.name))
        except BrokenConsumerError:
            return  # the next poll says so, and the consumer is replaced
        self._fenced_at = None
        self._metrics.rebalances.inc()
        log.info("task.assigned", **self._context, partitions=len(self.source.epochs))

    async def _poll(self) -> Polled:
        linger_ms = self.config.linger_ms
        timeout_ms = min(POLL_MS, linger_ms) if linger_ms and not self._buffer.is_empty else POLL_MS
        return await self.source.poll(timeout_ms=timeout_ms, most=min(MOST_AT_ONCE, self._buffer.room))

    async def _take_in(self, polled: Polled) -> None:
        """Convert what was polled; what was polled before a rebalance is read again by whoever has the partition now."""
        for partition, records in polled.records.items():
            step = partial(self.convert.prepare, partition.topic, records)
            await self._retrier.run(step, "schemas", drop=False, settles=False)
        if polled.generation == self.source.generation:
            self._buffer.add(polled.records, self.source.epochs, unreadable=polled.unreadable)

    async def _deliver(self, batch: Batch) -> None:
        try:
            await self._delivery.deliver(batch)
        except WentBackError as error:
            self._went_back(error)
        except FencedError as error:
            self._fenced(error)

    async def _look_behind(self) -> None:
        """After a connection was lost, whether the server that answers now has what was committed to the one before."""
        stored = await OffsetStore(await self.session.connection(), self.config.name).stored()
        claimed = {Partition(*partition) for partition in self.source.epochs}
        lacking = [
            each for each in claimed & self._committed.keys() if stored.get(each, 0) < self._committed[each]
        ]
        if lacking:
            self._went_back(
                WentBackError(f"the database lacks what was committed of {len(lacking)} partitions")
            )

    def _went_back(self, error: WentBackError) -> None:
        """Rows and offsets went back together: what is missing is read again from where they are now."""
        log.warning("database.went_back", **self._context, error=str(error))
        self._committed.clear()
        self.source.claim_again()

    async def _catch_up(self, persisted: PersistedTopic) -> None:
        step = partial(persisted.catch_up, dict(self.source.epochs))
        try:
            await self._retrier.run(step, "persisted topic")
        except WentBackError as error:
            self._went_back(error)
        except FencedError as error:
            self._fenced(error)

    def _after_commit(self, batch: Batch, written: Written) -> None:
        """What follows a commit may fail without losing anything."""
        for partition, position in batch.positions.items():
            self._committed[partition] = position.next_offset
        if written.dead:
            for letter in written.dead:
                self._metrics.dead_letter(letter)
            report(written.dead, self.config, self._context)
            self.dead_letters.send(written.dead)

    def _fenced(self, error: FencedError) -> None:
        """Nothing was written. A worker that was paused meets this once, before the group tells it of its new share."""
        self._metrics.fenced.inc()
        log.warning("task.fenced", **self._context, error=str(error))
        self.source.give_up()
        self._fenced_at = self.time.monotonic()

    async def _mend_fence(self) -> None:
        """Claim anew, once, what the group says is this task's: it was fenced off by a claim of an earlier owner that came late."""
        if self._fenced_at is None:
            return
        now = self.time.monotonic()
        if now - self._reclaimed_at > 2 * FENCED_PATIENCE_S and await self._is_assigned():
            self._reclaimed_at = now
            log.info("task.claims_again", **self._context)
        elif now - self._fenced_at > FENCED_PATIENCE_S:
            raise FatalError(
                f"another writer uses the connector name {self.config.name} with the same database and topics, outside of "
                f"the consumer group {self.config.group_id}; one of the two must be named otherwise"
            )

    async def _is_assigned(self) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(IDLE_S):
                return await self.source.claim_assignment()
        return False

    async def _finish(self, delivery: asyncio.Task[None] | None) -> None:
        """Wait for a delivery to end, staying a member of the group however long it takes."""
        while delivery is not None:
            done, _ = await asyncio.wait([delivery], timeout=KEEP_ALIVE_S)
            if done:
                delivery.result()
                return
            await self.source.keep_alive()

    async def _stop(
        self,
        maintenance: asyncio.Task[None],
        poll: asyncio.Task[Polled] | None,
        delivery: asyncio.Task[None] | None,
    ) -> None:
        if delivery is not None:
            await asyncio.wait([delivery], timeout=STOP_S)
        running = [each for each in (maintenance, poll, delivery) if each is not None]
        for each in running:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        try:
            await self._maintenance.show()
        finally:  # a consumer that is left open stays in the group
            await self.source.stop()

    @property
    def _context(self) -> dict[str, object]:
        return {"connector": self.config.name, "task": self.number}


async def _first_of(*running: "asyncio.Task[Any] | None") -> None:
    await asyncio.wait(
        [each for each in running if each is not None], timeout=IDLE_S, return_when=asyncio.FIRST_COMPLETED
    )
