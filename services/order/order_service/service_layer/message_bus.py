"""Group commit: the use cases that wait while one transaction commits share the next.

A durable commit costs the same for one command as for a hundred, so under load its price is divided by those who wait;
with nobody waiting a command commits alone and at once. It is also the one writer of this process.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, TypeVar

import structlog
from prometheus_client import Histogram
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from order_service.adapters.bulk import Rows, Statement
from order_service.adapters.database import Database
from order_service.adapters.errors import StorageUnavailableError, TooManyWaitingError
from order_service.adapters.serialization import RecordMaker
from order_service.adapters.unit_of_work import UnitOfWork
from order_service.domain.errors import DomainError
from order_service.service_layer.unit_of_work import UseCase

T = TypeVar("T")
log = structlog.get_logger()

COMMIT_SECONDS = Histogram(
    "order_commit_seconds",
    "One group commit, from BEGIN to the durable COMMIT",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5),
)
COMMIT_USE_CASES = Histogram(
    "order_commit_use_cases", "Use cases that shared one commit", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256)
)


@dataclass(slots=True)
class _Waiting:
    use_case: UseCase[Any]
    trace: str
    done: asyncio.Future[Any]


@dataclass(slots=True)
class _Outcome:
    waiting: _Waiting
    result: Any = None
    error: Exception | None = None

    def tell(self) -> None:
        if self.waiting.done.done():  # its caller has gone
            return
        if self.error is not None:
            self.waiting.done.set_exception(self.error)
        else:
            self.waiting.done.set_result(self.result)


@dataclass(slots=True, kw_only=True)
class MessageBus:
    """`run` a use case; `serve` is the task that does the work. `committed` is told the number of outbox rows."""

    database: Database
    records: RecordMaker
    clock: Callable[[], int]
    new_id: Callable[[], str]
    committed: Callable[[int], None] = lambda _count: None
    group_limit: int = 256
    queue_limit: int = 10_000
    _queue: deque[_Waiting] = field(default_factory=deque)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, use_case: UseCase[T], *, trace: str) -> T:
        """The use case's result, once it is durable.

        Raises its `Refusal`, when nothing was changed; `StorageUnavailable`, when it is unknown whether it was.
        """
        if len(self._queue) >= self.queue_limit:
            raise TooManyWaitingError(f"{self.queue_limit} commands wait for the database")
        waiting = _Waiting(use_case, trace, asyncio.get_running_loop().create_future())
        self._queue.append(waiting)
        self._wake.set()
        result: T = await waiting.done
        return result

    async def serve(self) -> None:
        """Commit for ever; ends by cancellation; of a commit under way nobody is told then."""
        while True:
            await self._wake.wait()
            group = [self._queue.popleft() for _ in range(min(len(self._queue), self.group_limit))]
            if not self._queue:
                self._wake.clear()
            await self._settle(group)

    async def drained(self) -> None:
        """Wait until nothing waits. For a graceful stop, when no more use cases come in."""
        while self._queue:
            last = self._queue[-1].done
            await asyncio.wait([last])

    async def _settle(self, group: Sequence[_Waiting]) -> None:
        try:
            outcomes = await self._commit(group)
        except IntegrityError:
            # Another process of this instance wrote the same row first. On fresh state the rules can tell; one by one,
            # so that only the one concerned suffers if they cannot.
            outcomes = [await self._commit_alone(waiting) for waiting in group]
        except (DBAPIError, OSError, PoolTimeoutError, TimeoutError) as error:
            log.warning("commit.failed", error=str(error), use_cases=len(group))
            outcomes = [_Outcome(waiting, error=StorageUnavailableError(str(error))) for waiting in group]
        for outcome in outcomes:
            outcome.tell()

    async def _commit_alone(self, waiting: _Waiting) -> _Outcome:
        try:
            return (await self._commit([waiting]))[0]
        except (DBAPIError, OSError, PoolTimeoutError, TimeoutError) as error:
            log.warning("commit.failed", error=str(error), use_cases=1)
            return _Outcome(waiting, error=StorageUnavailableError(str(error)))

    async def _commit(self, group: Sequence[_Waiting]) -> list[_Outcome]:
        """The transaction: load, decide, write, commit. Only then is anybody told."""
        begun = perf_counter()
        work = UnitOfWork(
            dialect=self.database.dialect, records=self.records, new_id=self.new_id, now=self.clock()
        )

        def choose(found: list[Rows]) -> tuple[list[_Outcome], list[Statement]]:
            work.take(found)
            return [_decide(work, waiting) for waiting in group], list(work.changes())

        reads = work.reads(waiting.use_case.needs() for waiting in group)
        outcomes = await self.database.decide(reads, choose)
        COMMIT_SECONDS.observe(perf_counter() - begun)
        COMMIT_USE_CASES.observe(len(group))
        self.committed(len(work.outbox))
        return outcomes


def _decide(work: UnitOfWork, waiting: _Waiting) -> _Outcome:
    try:
        return _Outcome(waiting, result=work.attempt(waiting.use_case, trace=waiting.trace))
    except DomainError as refusal:
        return _Outcome(waiting, error=refusal)
    except Exception as error:
        log.exception("use_case.failed", use_case=type(waiting.use_case).__name__)
        return _Outcome(waiting, error=error)
