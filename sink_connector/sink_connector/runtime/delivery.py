"""Writing a batch until it is committed, whatever has to be tried for it."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog

from sink_connector import telemetry
from sink_connector.config.connector import ConnectorConfig
from sink_connector.dead_letters.dead_letter import DeadLetter
from sink_connector.errors import FatalError, FencedError
from sink_connector.runtime.metrics import TaskMetrics
from sink_connector.runtime.retry import (
    Action,
    Attempts,
    Fail,
    Halve,
    Isolate,
    Refresh,
    Refuse,
    Retry,
    RetryPolicy,
    reason,
)
from sink_connector.runtime.tracing import Delivered, record_batch, traceparent
from sink_connector.sink.batch import Batch
from sink_connector.sink.buffer import Buffer
from sink_connector.sink.session import Session
from sink_connector.sink.sqlstate import Decision, may_be_outdated
from sink_connector.sink.table_writer import TableWriter, Written

log = structlog.get_logger()

MOST_WAITING_BYTES = 16 * 1024 * 1024  # up to which a batch that lacks a row grows by what is read meanwhile
MOST_TABLES = 64  # of one transaction, where records name them: the server has room for so many locks
LONG_S = 60.0  # what worked for so long is tried again at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Time:
    """The clocks and the pause of a task. `monotonic` and `now` (since 1970) are in seconds."""

    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a task is trying again: since when (milliseconds since 1970), how often in a row it failed, and why last."""

    since_ms: int
    attempts: int
    reason: str


@dataclass(slots=True)
class Retrier:
    """Does a step until it succeeds, as the policy says. `trouble` is None while nothing is being tried again."""

    policy: RetryPolicy
    session: Session
    metrics: TaskMetrics
    context: dict[str, object]
    time: Time = field(default_factory=Time)
    trouble: Trouble | None = None

    @property
    def attempts(self) -> int:
        """Failures in a row since something last went well."""
        return self.trouble.attempts if self.trouble is not None else 0

    async def run(
        self, step: Callable[[], Awaitable[None]], name: str, *, drop: bool = True, settles: bool = True
    ) -> None:
        """Do a step that is not the writing of a batch, with a new connection each time (`drop`).

        Without `settles`, its success at the first attempt says nothing about what else is being tried again. Raises
        `FatalError` where trying again cannot help.
        """
        failed = False
        while True:
            began = self.time.monotonic()
            try:
                await step()
            except Exception as error:  # an outage is waited out; everything else is raised again
                if self.time.monotonic() - began > LONG_S:
                    self.succeeded()
                action = self.policy.on(error, self.attempts + 1)
                if not isinstance(action, Retry):
                    if isinstance(error, FatalError):
                        raise
                    raise FatalError(f"{name}: {reason(error)}") from error
                failed = True
                log.warning("step.failed", **self.context, step=name, error=reason(error))
                await self.pause(action, error, drop=drop)
            else:
                if settles or failed:
                    self.succeeded()
                return

    async def pause(self, retry: Retry, error: BaseException, *, drop: bool = True) -> None:
        """Wait before the next attempt."""
        since_ms = self.trouble.since_ms if self.trouble is not None else round(self.time.now() * 1000)
        self.trouble = Trouble(since_ms, self.attempts + 1, reason(error))
        self.metrics.retries.inc()
        if drop:
            await self.session.drop()
        await self.time.sleep(retry.after_s)

    def succeeded(self) -> None:
        """Nothing is in the way any more."""
        self.trouble = None


@dataclass(slots=True)
class Delivery:
    """Writes the batches of one task, one at a time, and reports what was committed."""

    config: ConnectorConfig
    session: Session
    writer: TableWriter
    buffer: Buffer
    retrier: Retrier
    metrics: TaskMetrics
    committed: Callable[[Batch, Written], None]
    send: Callable[[Batch], Awaitable[None]] | None = None  # what is to follow each commit before the next

    async def deliver(self, batch: Batch) -> None:
        """Write a batch until it is committed, in pieces where the database takes too long over it.

        Raises `FencedError` when another writer has the partitions now, `FatalError` when the task cannot go on; what was
        not committed by then was not written.
        """
        pieces = deque([batch])
        while pieces:
            piece = pieces.popleft()
            while piece.to_write > 1 and (
                piece.to_write > self.buffer.limit > 0 or len(piece.entries) > MOST_TABLES
            ):
                piece, rest = piece.halves()
                pieces.appendleft(rest)
            began = self.retrier.time.monotonic()
            piece, written = await self._write(piece, is_last=not pieces)
            if written is None:
                pieces.extendleft(reversed(piece.halves()))
                continue
            failures = self.retrier.attempts
            self.buffer.succeeded()
            self.retrier.succeeded()
            seconds = self.retrier.time.monotonic() - began
            self.committed(piece, written)
            trace = self._record(piece, written, began=began, seconds=seconds, failures=failures)
            self.metrics.committed(piece, rows=written.rows, seconds=seconds, trace=trace)
            if self.send is not None:
                await self.retrier.run(partial(self.send, piece), "persisted topic")

    def _record(self, batch: Batch, written: Written, *, began: float, seconds: float, failures: int) -> str:
        if not telemetry.is_on():
            return ""
        delivered = Delivered(
            connector=self.config.name,
            task=int(str(self.retrier.context.get("task", 0))),
            group=self.config.group_id,
            waited_s=began - batch.began,
            wrote_s=seconds,
            failures=failures,
        )
        return record_batch(batch, written, delivered)

    async def _write(self, batch: Batch, *, is_last: bool) -> tuple[Batch, Written | None]:
        """The batch, with what was added to it, and what was committed; None when it is to be halved.

        Only to the last piece of a batch can be added what was read next: the order of a partition is kept.
        """
        work = _Work(batch, batch, Attempts(records=sum(map(len, batch.entries.values()))), is_last=is_last)
        while True:
            await self.retrier.run(self._connect, "connect", settles=False)
            try:
                written = await self.writer.write(work.batch, isolate=work.tried.isolated, final=work.final)
            except FencedError:
                raise
            except Exception as error:  # noqa: BLE001 - sorted by what it is about
                action = self._decided(work, error)
                if isinstance(action, Halve):
                    await self.session.drop()
                    self.buffer.timed_out(work.read.to_write)
                    self.metrics.halvings.inc()
                    return work.read, None
                await self._act(work, action, error)
            else:
                return work.read, written

    def _decided(self, work: "_Work", error: Exception) -> Action:
        if work.waiting_since is not None:
            work.tried.waited_ms = (self.retrier.time.monotonic() - work.waiting_since) * 1000
        action = self.retrier.policy.on(error, self.retrier.attempts + 1, work.tried)
        log.warning(
            "batch.write_failed",
            **self.retrier.context,
            action=type(action).__name__.lower(),
            error=reason(error),
        )
        return action

    async def _act(self, work: "_Work", action: Action, error: Exception) -> None:
        match action:
            case Retry(decision=Decision.REFERENCE):
                work.waiting_since = work.waiting_since or self.retrier.time.monotonic()
                await self.retrier.pause(action, error, drop=False)
                if work.is_last and not self.buffer.is_empty and work.read.size < MOST_WAITING_BYTES:
                    work.add(self.buffer.take())  # the row may be among what was read since
            case Retry():
                work.tried.timeouts += action.decision is Decision.TIMEOUT
                await self.retrier.pause(action, error)
            case Isolate():
                work.tried.isolated, work.final = True, action.final
                if may_be_outdated(error):
                    self.writer.forget_tables()
                self.metrics.isolations.inc()
            case Refuse():
                await self.session.drop()
                work.refuse(error)
            case Refresh():
                work.tried.refreshes += 1
                self.writer.forget_tables()
            case Fail():
                if isinstance(error, FatalError):
                    raise error
                raise FatalError(action.reason) from error

    async def _connect(self) -> None:
        await self.session.connection()


@dataclass(slots=True)
class _Work:
    """What was read, and the batch that is being written of it.

    `waiting_since` (monotonic seconds) is set while a row it refers to is missing.
    """

    read: Batch
    batch: Batch
    tried: Attempts
    is_last: bool
    final: bool = False
    waiting_since: float | None = None

    def add(self, later: Batch) -> None:
        """Have what was read later be part of the batch."""
        self.read = self.read.followed_by(later)
        self.batch = self.batch.followed_by(later)
        self.tried.records = sum(map(len, self.batch.entries.values()))
        self.tried.isolated = False

    def refuse(self, error: Exception) -> None:
        """Have its only record be a dead letter."""
        entry = self.batch.only_entry()
        if entry is not None:
            self.batch = self.batch.refused(DeadLetter.of(entry.source, error))
        self.tried = Attempts(records=0)


def report(
    stored_dead_letters: Sequence[DeadLetter], config: ConnectorConfig, context: dict[str, object]
) -> None:
    """Log dead letters, as `errors.log.enable` and `errors.log.include.messages` say."""
    if not config.errors.log:
        return
    for letter in stored_dead_letters:
        source = letter.source
        content = {"key": repr(source.key), "value": repr(source.value)} if config.errors.log_messages else {}
        log.error(
            "record.dead_lettered",
            **context,
            topic=source.topic,
            partition=source.partition,
            offset=source.offset,
            trace_id=traceparent(source.headers)[3:35],
            stage=letter.stage.value,
            error=letter.error.strip().partition("\n")[0],
            **content,
        )
