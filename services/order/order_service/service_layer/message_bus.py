"""Group commit: the use cases that wait while one transaction commits share the next.

A durable commit costs the same for one command as for a hundred, so under load its price is divided by those who wait;
with nobody waiting a command commits alone and at once. It is also the one writer of this process.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, TypeVar

import structlog
from prometheus_client import Counter, Gauge, Histogram

from order_service import telemetry
from order_service.domain.errors import DomainError, UnstorableError
from order_service.service_layer.errors import (
    StorageError,
    StorageUnavailableError,
    TooManyWaitingError,
    WriteConflictError,
    WriteRefusedError,
)
from order_service.service_layer.session import Session
from order_service.service_layer.unit_of_work import Changes, IdentityMap, Needs, Storage, UseCase

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
WAITING = Gauge("order_commits_waiting", "Use cases that wait for their group commit")
REFUSED = Counter("order_commit_refused_total", "Use cases whose values the database would not store")

CONFLICTS = 5
"""So often one use case is decided again after another process was quicker."""


@dataclass(slots=True)
class _Waiting:
    use_case: UseCase[Any]
    trace: str
    done: asyncio.Future[Any]
    since_ns: int = 0
    """When it came, in nanoseconds since 1970; 0 when its trace is not recorded."""


@dataclass(slots=True)
class _Outcome:
    waiting: _Waiting
    result: Any = None
    error: Exception | None = None

    def resolve(self) -> None:
        if self.waiting.done.done():  # its caller has gone
            return
        if self.error is not None:
            self.waiting.done.set_exception(self.error)
        else:
            self.waiting.done.set_result(self.result)


@dataclass(slots=True, kw_only=True)
class MessageBus:
    """`run` a use case; `serve` is the task that does the work. `committed` gets the number of new outbox rows.

    `clock` gives milliseconds since 1970, UTC; `new_id` the part of an order's id behind the instance's name.
    """

    storage: Storage
    instance: str
    clock: Callable[[], int]
    new_id: Callable[[], str]
    committed: Callable[[int], None] = lambda _count: None
    group_limit: int = 256
    queue_limit: int = 10_000
    _queue: deque[_Waiting] = field(default_factory=deque)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        """The metric is counted when somebody looks, not for every use case."""
        WAITING.set_function(lambda: len(self._queue))

    async def run(self, use_case: UseCase[T], *, trace: str) -> T:
        """The use case's result, once it is durable.

        Raises:
            DomainError: the use case's own; nothing was changed.
            UnstorableError: the database refuses what the use case saved; nothing was changed.
            StorageUnavailableError: it is unknown whether anything was changed.
        """
        if len(self._queue) >= self.queue_limit:
            raise TooManyWaitingError(f"{self.queue_limit} commands wait for the database")
        if not trace or not telemetry.is_on():
            return await self._queued(use_case, trace)
        with telemetry.begin(_name(use_case), parent=trace) as span:
            return await self._queued(use_case, span.traceparent, since_ns=time.time_ns())

    async def _queued(self, use_case: UseCase[T], trace: str, *, since_ns: int = 0) -> T:
        waiting = _Waiting(use_case, trace, asyncio.get_running_loop().create_future(), since_ns)
        self._queue.append(waiting)
        self._wake.set()
        result: T = await waiting.done
        return result

    async def serve(self) -> None:
        """Runs until cancelled. Waiters of a commit in progress are not resolved on cancellation."""
        while True:
            await self._wake.wait()
            group = [self._queue.popleft() for _ in range(min(len(self._queue), self.group_limit))]
            if not self._queue:
                self._wake.clear()
            for outcome in await self._settle(group):
                outcome.resolve()

    async def drained(self) -> None:
        """Wait until nothing waits. For a graceful stop, when no more use cases come in."""
        while self._queue:
            last = self._queue[-1].done
            await asyncio.wait([last])

    async def _settle(self, group: Sequence[_Waiting]) -> list[_Outcome]:
        """Together if possible; else one by one, so that only the one concerned suffers."""
        try:
            return await self._commit(group)
        except StorageUnavailableError as error:
            log.warning("commit.failed", error=str(error), use_cases=len(group))
            return [_Outcome(waiting, error=error) for waiting in group]
        except StorageError as error:
            log.warning("commit.split", error=str(error), use_cases=len(group))
        except Exception:
            log.exception("commit.broken", use_cases=len(group))
        return [await self._commit_alone(waiting) for waiting in group]

    async def _commit_alone(self, waiting: _Waiting) -> _Outcome:
        name = type(waiting.use_case).__name__
        error: Exception
        for _ in range(CONFLICTS):
            try:
                return (await self._commit([waiting]))[0]
            except WriteConflictError as conflict:
                error = conflict
            except StorageUnavailableError as failure:
                log.warning("commit.failed", error=str(failure), use_cases=1)
                return _Outcome(waiting, error=failure)
            except WriteRefusedError as refused:
                error = refused
                break
            except Exception as defect:
                log.exception("commit.broken", use_case=name)
                return _Outcome(waiting, error=defect)
        REFUSED.inc()
        log.error("commit.refused", use_case=name, error=str(error))
        refusal = UnstorableError(f"the database does not take it: {error}")
        refusal.__cause__ = error
        return _Outcome(waiting, error=refusal)

    async def _commit(self, group: Sequence[_Waiting]) -> list[_Outcome]:
        """The transaction: load, decide, write, commit. Only then is anybody told."""
        begun, begun_ns = perf_counter(), time.time_ns()
        publications = 0

        def decide(loaded: IdentityMap) -> tuple[list[_Outcome], Changes]:
            nonlocal publications
            session = Session(instance=self.instance, now=self.clock(), new_id=self.new_id, loaded=loaded)
            outcomes = [_decide(session, waiting) for waiting in group]
            publications = len(session.publications)
            return outcomes, session.changes()

        needs = Needs.of_all(waiting.use_case.needs() for waiting in group)
        outcomes = await self.storage.transact(needs, decide)
        COMMIT_SECONDS.observe(perf_counter() - begun, _exemplar(group))
        COMMIT_USE_CASES.observe(len(group))
        if telemetry.is_on():
            _record_commit(group, begun_ns)
        self.committed(publications)
        return outcomes


def _name(use_case: UseCase[Any]) -> str:
    """Of what is done; that it is done once per key is how."""
    return type(getattr(use_case, "use_case", use_case)).__name__


def _exemplar(group: Sequence[_Waiting]) -> dict[str, str] | None:
    """One of the traces that have this commit; none while nothing is recorded, or nobody's is."""
    if not telemetry.is_on():
        return None
    return next(filter(None, (telemetry.exemplar(waiting.trace) for waiting in group)), None)


def _record_commit(group: Sequence[_Waiting], begun_ns: int) -> None:
    """Every trace of the group has the commit: what it waited for it, and the transaction that it shared."""
    attributes: telemetry.Attributes = {"db.operation.name": "COMMIT", "db.operation.batch.size": len(group)}
    for waiting in group:
        if waiting.since_ns:
            telemetry.record(
                "wait for commit", parent=waiting.trace, began_ns=waiting.since_ns, ended_ns=begun_ns
            )
            telemetry.record(
                "commit", parent=waiting.trace, began_ns=begun_ns, kind="client", attributes=attributes
            )


def _decide(session: Session, waiting: _Waiting) -> _Outcome:
    session.trace = waiting.trace
    try:
        with session.savepoint():
            return _Outcome(waiting, result=waiting.use_case.decide(session))
    except DomainError as refusal:
        return _Outcome(waiting, error=refusal)
    except MemoryError:
        raise  # it may have left a part behind: the transaction is given up
    except Exception as error:
        log.exception("use_case.failed", use_case=type(waiting.use_case).__name__)
        return _Outcome(waiting, error=error)
