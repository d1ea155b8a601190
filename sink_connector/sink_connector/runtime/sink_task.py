"""A task: one consumer, one database connection, and the path of the records between them."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog
from aiokafka.errors import (
    AuthenticationFailedError,
    GroupAuthorizationFailedError,
    IncompatibleBrokerVersion,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedCodecError,
    UnsupportedSaslMechanismError,
)

from sink_connector.config.connector import ConnectorConfig
from sink_connector.data.write_record import Entry
from sink_connector.dead_letters.dead_letter import DeadLetter
from sink_connector.dead_letters.topic import DeadLetterTopic
from sink_connector.errors import BadRecordError, FatalError, FencedError, SinkError, headline
from sink_connector.runtime import metrics
from sink_connector.runtime.consumer import Polled, Source
from sink_connector.runtime.maintenance import Upkeep
from sink_connector.runtime.record_converter import Conversion
from sink_connector.runtime.retry import pause_s
from sink_connector.sink import offsets
from sink_connector.sink.batch import Batch
from sink_connector.sink.offsets import Beginning, Claim, Partition, Position
from sink_connector.sink.session import Session, prepare_database
from sink_connector.sink.sqlstate import Decision, decide
from sink_connector.sink.table_naming import TableNaming
from sink_connector.sink.table_writer import Writer, Written

log = structlog.get_logger()

POLL_MS = 200
MOST_AT_ONCE = 2_000  # records of one poll; between two polls the event loop serves everything else
MOST_BYTES = 4 * 1024 * 1024  # of keys and values in one batch; one is filling while another is written
KEEP_ALIVE_S = 5.0
IDLE_S = 1.0
STALE_LOOKS = 3  # times a batch is tried again because a table was found changed
REFUSED = (
    AuthenticationFailedError,
    GroupAuthorizationFailedError,
    IncompatibleBrokerVersion,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedCodecError,
    UnsupportedSaslMechanismError,
)
FENCED_PATIENCE_S = 30.0  # a fenced task is given a new assignment within the group's session time-out
STOP_S = 3.0
LONG_S = 60.0  # what worked for so long is tried again at once


@dataclass(slots=True)
class Task:
    """Runs until cancelled. Raises `FatalError` when it cannot go on; nothing is skipped then.

    `attempts` are those that failed since something last went well; `is_idle` is true between records, so that a paused
    task that is idle will deliver nothing more.
    """

    config: ConnectorConfig
    number: int
    source: Source
    session: Session
    writer: Writer
    naming: TableNaming
    convert: Conversion
    dead_letters: DeadLetterTopic
    random: Callable[[], float] = random.random
    paused: bool = False
    is_idle: bool = False
    attempts: int = 0
    _fenced_at: float | None = None
    _committed: dict[Partition, int] = field(default_factory=dict)
    _upkeep: Upkeep = field(init=False)

    def __post_init__(self) -> None:
        self._upkeep = Upkeep(connector=self.config.name, source=self.source, committed=self._committed)

    @property
    def progress(self) -> Mapping[Partition, int]:
        """The next offset of each partition delivered from so far."""
        return self._committed

    async def run(self) -> None:
        """Consume until cancelled; a consumer that breaks is replaced. The batch in flight is finished or rolled back."""
        try:
            await self._repeat(self._prepare, "prepare")
            await self._repeat(self._consume, "consume")
        finally:
            await self.dead_letters.close()
            await self.session.close()

    async def _prepare(self) -> None:
        await prepare_database(await self.session.connection())

    async def _consume(self) -> None:
        """The record's path: rewind → poll → convert → deliver; the next batch fills while one is being delivered."""
        await self.source.start()
        upkeep = asyncio.create_task(self._upkeep.run())
        poll: asyncio.Task[Polled] | None = None
        delivery: asyncio.Task[None] | None = None
        batch = Batch()
        try:
            while True:
                if self.source.assigned.is_set():
                    await self._finish(delivery)
                    delivery = None
                    await self._repeat(self._rewind, "rewind")
                    batch = Batch()
                if poll is None and not self.paused and not self._is_full(batch):
                    poll = asyncio.create_task(
                        self.source.poll(timeout_ms=self._poll_ms(batch), most=MOST_AT_ONCE)
                    )
                self.is_idle = poll is None and delivery is None
                await _first_of(upkeep, poll, delivery)
                if upkeep.done():
                    upkeep.result()
                if poll is None:
                    await self.source.keep_alive()
                elif poll.done():
                    await self._fetch_schemas(poll.result())
                    self._convert(poll.result(), batch)
                    poll = None
                if delivery is not None and delivery.done():
                    delivery.result()
                    delivery = None
                if delivery is None and batch.positions and self._is_due(batch):
                    delivery = asyncio.create_task(self._deliver(batch))
                    batch = Batch()
                self._check_fence()
        finally:
            await self._stop(upkeep, poll, delivery)

    async def _rewind(self) -> None:
        connection = await self.session.connection()

        async def claim(partition: Partition, beginning: Beginning) -> Claim:
            return await offsets.claim(connection, self.config.name, partition, beginning)

        await self.source.rewind(claim)
        self._fenced_at = None
        metrics.REBALANCES.labels(*self._labels).inc()
        log.info("sink.assigned", **self._context, partitions=len(self.source.epochs))

    async def _fetch_schemas(self, polled: Polled) -> None:
        for partition, records in polled.records.items():
            await self._repeat(partial(self.convert.prepare, partition.topic, records), "schemas", drop=False)

    def _poll_ms(self, batch: Batch) -> int:
        return min(POLL_MS, self.config.linger_ms) if batch.positions and self.config.linger_ms else POLL_MS

    def _is_due(self, batch: Batch) -> bool:
        age_ms = (time.monotonic() - batch.began) * 1000
        return age_ms >= self.config.linger_ms or self._is_full(batch)

    def _is_full(self, batch: Batch) -> bool:
        return batch.records >= self.config.batch_size or batch.size >= MOST_BYTES

    def _convert(self, polled: Polled, batch: Batch) -> None:
        """Convert what was polled into entries of the batch; what cannot be converted becomes a dead letter of it."""
        if polled.generation != self.source.generation:
            return  # polled before a rebalance; read again by whoever has the partition now
        if not batch.positions:
            batch.began = time.monotonic()
        for partition, records in polled.records.items():
            position = Position(records[-1].offset + 1, self.source.epochs[partition])
            batch.positions[Partition(*partition)] = position
            batch.records += len(records)
            for record in records:
                batch.size += record.serialized_value_size
                try:
                    converted = self.convert(record)
                    if converted is not None:
                        self._add(batch, *converted)
                except BadRecordError as error:
                    batch.bad.append(
                        DeadLetter(
                            source=record,
                            stage=error.stage,
                            error_class=type(error).__name__,
                            error=str(error),
                        )
                    )

    def _add(self, batch: Batch, topic: str, entry: Entry) -> None:
        if entry.value is not None or self.config.table.delete_enabled:
            batch.entries.setdefault((topic, self.naming.table_of(topic)), []).append(entry)

    async def _deliver(self, batch: Batch) -> None:
        """Write a batch until it is committed; what follows the commit may fail without losing anything."""
        began = time.perf_counter()
        written = await self._write(batch)
        if written is None:
            return
        metrics.STAGE_SECONDS.labels(*self._labels, "write").observe(time.perf_counter() - began)
        metrics.RECORDS.labels(*self._labels).inc(batch.records)
        metrics.BYTES.labels(*self._labels).inc(batch.size)
        metrics.ROWS.labels(*self._labels).inc(written.rows)
        metrics.BATCHES.labels(*self._labels).inc()
        for partition, position in batch.positions.items():
            self._committed[partition] = position.next_offset
        self._report(written)
        await self.dead_letters.send(written.dead)

    async def _write(self, batch: Batch) -> Written | None:
        """The written batch, or None when another writer has the partitions now. Raises `FatalError`."""
        isolate = False
        looks = 0
        while True:
            try:
                written = await self.writer.write(batch, isolate=isolate)
            except FencedError as error:
                self._fenced(error)
                return None
            except FatalError:
                raise
            except Exception as error:  # sorted by decision; what has none is raised again
                decision = decide(error)
                log.warning(
                    "sink.write.failed", **self._context, decision=decision.value, error=headline(error)
                )
                match decision:
                    case Decision.RETRY:
                        await self.session.drop()
                        await self._pause()
                    case Decision.RECORD if not isolate:
                        isolate = True
                        metrics.ISOLATIONS.labels(*self._labels).inc()
                    case Decision.STALE if looks < STALE_LOOKS:
                        looks += 1
                        self.writer.forget_tables()
                    case _:
                        raise FatalError(f"{type(error).__name__}: {headline(error)}") from error
            else:
                self.attempts = 0
                return written

    def _fenced(self, error: FencedError) -> None:
        """Nothing was written. A worker that was paused meets this once, before the group tells it of its new share."""
        metrics.FENCED.labels(*self._labels).inc()
        log.warning("sink.fenced", **self._context, error=str(error))
        self.source.give_up()
        self._fenced_at = time.monotonic()

    def _check_fence(self) -> None:
        if self._fenced_at is not None and time.monotonic() - self._fenced_at > FENCED_PATIENCE_S:
            raise FatalError(
                f"another writer uses the connector name {self.config.name} with the same database and topics, outside of "
                f"the consumer group {self.config.group_id}; one of the two must be named otherwise"
            )

    async def _repeat(self, step: Callable[[], Awaitable[None]], name: str, *, drop: bool = True) -> None:
        """Do a step until the database and Kafka allow it, with a new connection each time (`drop`). Raises `FatalError` where they never will."""
        while True:
            began = time.monotonic()
            try:
                await step()
            except SinkError:
                raise
            except Exception as error:  # an outage is waited out; everything else is raised again
                outage = isinstance(error, KafkaError) and not isinstance(error, REFUSED)
                if not (outage or decide(error) is Decision.RETRY):
                    raise FatalError(f"{name}: {type(error).__name__}: {error}") from error
                if time.monotonic() - began > LONG_S:
                    self.attempts = 0
                log.warning("sink.retry", **self._context, step=name, error=headline(error))
                if drop:
                    await self.session.drop()
                await self._pause()
            else:
                self.attempts = 0
                return

    async def _pause(self) -> None:
        self.attempts += 1
        metrics.RETRIES.labels(*self._labels).inc()
        await asyncio.sleep(
            pause_s(
                self.attempts,
                first_ms=self.config.retry_backoff_ms,
                longest_ms=self.config.errors.retry_delay_max_ms,
                random=self.random(),
            )
        )

    def _report(self, written: Written) -> None:
        for letter in written.dead:
            metrics.DEAD_LETTERS.labels(*self._labels, letter.stage.value).inc()
            if self.config.errors.log:
                log.error(
                    "sink.record.parked",
                    **self._context,
                    topic=letter.source.topic,
                    partition=letter.source.partition,
                    offset=letter.source.offset,
                    stage=letter.stage.value,
                    error=headline(letter.error),
                    **self._content(letter),
                )

    def _content(self, letter: DeadLetter) -> dict[str, str]:
        if not self.config.errors.log_messages:
            return {}
        return {"key": repr(letter.source.key), "value": repr(letter.source.value)}

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
        upkeep: asyncio.Task[None],
        poll: asyncio.Task[Polled] | None,
        delivery: asyncio.Task[None] | None,
    ) -> None:
        if delivery is not None:
            await asyncio.wait([delivery], timeout=STOP_S)
        running = [each for each in (upkeep, poll, delivery) if each is not None]
        for each in running:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._upkeep.show()
        await self.source.stop()

    @property
    def _labels(self) -> tuple[str, str]:
        return self.config.name, str(self.number)

    @property
    def _context(self) -> dict[str, object]:
        return {"connector": self.config.name, "task": self.number}


async def _first_of(*running: "asyncio.Task[Any] | None") -> None:
    await asyncio.wait(
        [each for each in running if each is not None], timeout=IDLE_S, return_when=asyncio.FIRST_COMPLETED
    )
