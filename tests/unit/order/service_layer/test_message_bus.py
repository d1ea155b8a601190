"""Commands that wait together commit together, at one time; what one of them does wrong is its own affair."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from opentelemetry.sdk.trace import ReadableSpan

from order_service import telemetry
from order_service.adapters.serialization import RecordMaker
from order_service.adapters.storage import Database, open_database
from order_service.domain.errors import DomainError, UnstorableError
from order_service.service_layer.errors import (
    StorageUnavailableError,
    WriteConflictError,
    WriteRefusedError,
)
from order_service.service_layer.message_bus import CONFLICTS, MessageBus
from order_service.service_layer.unit_of_work import (
    Changes,
    IdentityMap,
    NameReservation,
    Needs,
    Transaction,
)
from tests.support.order_api import migrated_file
from tests.support.spans import REQUEST, exemplars, openmetrics, recording

T = TypeVar("T")


@dataclass
class Failing:
    """A real database in which transactions of certain names, and the first so many, fail."""

    database: Database
    names: frozenset[str] = frozenset()
    error: Exception = field(default_factory=lambda: WriteRefusedError("no"))
    first: int = 0
    transactions: int = 0

    async def transact(self, needs: Needs, decide: Callable[[IdentityMap], tuple[T, Changes]]) -> T:
        def checked(loaded: IdentityMap) -> tuple[T, Changes]:
            result, changes = decide(loaded)
            self.transactions += 1
            names = {value.name for value in changes.new.get(NameReservation, [])}
            if self.transactions <= self.first or names & self.names:
                raise self.error
            return result, changes

        return await self.database.transact(needs, checked)


@dataclass(frozen=True)
class Reserve:
    name: str
    defect: bool = False

    def needs(self) -> Needs:
        if self.defect:
            raise ZeroDivisionError
        return Needs(names=(self.name,))

    def decide(self, tx: Transaction) -> int:
        tx.save(NameReservation(name=self.name, instance=tx.instance, fingerprint="", claimed_at=tx.now))
        return tx.now


@dataclass(frozen=True)
class HalfDone:
    """Saves something within a savepoint, fails there, and goes on."""

    def needs(self) -> Needs:
        return Needs()

    def decide(self, tx: Transaction) -> list[bool]:
        with contextlib.suppress(DomainError), tx.savepoint():
            tx.save(NameReservation(name="inner", instance="i", fingerprint="", claimed_at=1))
            raise DomainError("no")
        tx.save(NameReservation(name="outer", instance="i", fingerprint="", claimed_at=1))
        return [tx.get(NameReservation, name) is not None for name in ("inner", "outer")]


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    file = await migrated_file(tmp_path)
    database = open_database(f"sqlite:///{file}", RecordMaker(instance="order-1"))
    yield database
    await database.close()


@contextlib.asynccontextmanager
async def running(storage: Any, clock: Callable[[], int] = lambda: 1) -> AsyncIterator[MessageBus]:
    bus = MessageBus(storage=storage, instance="order-1", clock=clock, new_id=lambda: "1")
    task = asyncio.create_task(bus.serve())
    try:
        yield bus
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def together(bus: MessageBus, *use_cases: Any) -> list[Any]:
    return await asyncio.gather(*(bus.run(each, trace="") for each in use_cases), return_exceptions=True)


async def test_all_that_share_a_commit_have_its_time_and_the_next_commit_has_its_own(
    database: Database,
) -> None:
    times = iter([1_000, 2_000])
    async with running(database, clock=lambda: next(times)) as bus:
        assert await together(bus, *(Reserve(str(n)) for n in range(20))) == [1_000] * 20
        assert await together(bus, Reserve("later")) == [2_000]


async def test_a_use_case_that_the_database_refuses_is_refused_alone(database: Database) -> None:
    async with running(Failing(database, names=frozenset({"bad"}))) as bus:
        results = await together(bus, Reserve("a"), Reserve("bad"), Reserve("b"))
    assert (results[0], results[2]) == (1, 1)
    assert isinstance(results[1], UnstorableError)


@pytest.mark.parametrize("error", [StorageUnavailableError("away"), ZeroDivisionError("a defect")])
async def test_an_outage_is_everybody_s_and_a_defect_of_one_is_not(
    database: Database, error: Exception
) -> None:
    storage = Failing(database, names=frozenset({"bad"}), error=error)
    async with running(storage) as bus:
        results = await together(bus, Reserve("a"), Reserve("bad"), Reserve("b"))
        again = await together(bus, Reserve("c"))
    hit = [type(result) for result in results if result != 1]
    assert hit == [type(error)] * (3 if isinstance(error, StorageUnavailableError) else 1)
    assert again == [1], "the task goes on"


async def test_needs_that_cannot_be_told_harm_nobody_else(database: Database) -> None:
    async with running(database) as bus:
        results = await together(bus, Reserve("a"), Reserve("b", defect=True))
    assert (results[0], type(results[1])) == (1, ZeroDivisionError)


@pytest.mark.guarantees("G-CMD-5")
async def test_who_was_second_decides_again_on_fresh_state(database: Database) -> None:
    storage = Failing(database, error=WriteConflictError("taken"), first=3)
    async with running(storage) as bus:
        assert await together(bus, Reserve("a")) == [1]


async def test_who_is_always_second_is_refused_in_the_end(database: Database) -> None:
    storage = Failing(database, error=WriteConflictError("taken"), names=frozenset({"a"}))
    async with running(storage) as bus:
        (result,) = await together(bus, Reserve("a"))
    assert isinstance(result, UnstorableError)
    assert storage.transactions == 1 + CONFLICTS


async def test_what_was_saved_before_a_savepoint_s_end_is_gone_when_it_fails(database: Database) -> None:
    async with running(database) as bus:
        assert await together(bus, HalfDone()) == [[False, True]]


async def test_each_trace_of_a_group_has_what_it_waited_and_the_commit_that_it_shared(
    database: Database,
) -> None:
    other = REQUEST.replace("4bf9", "aaaa")
    with recording(telemetry) as recorded:
        async with running(database) as bus:
            await asyncio.gather(
                bus.run(Reserve("a"), trace=REQUEST),
                bus.run(Reserve("b"), trace=other),
                bus.run(Reserve("housekeeping"), trace=""),
            )
    for trace in (REQUEST, other):
        (use_case,) = [span for span in recorded.spans if span.name == "Reserve" and _is_of(span, trace)]
        parts = {span.name: span for span in recorded.spans if span.name != "Reserve" and _is_of(span, trace)}
        assert parts.keys() == {"wait for commit", "commit"}
        assert use_case.context is not None
        parents = {span.parent.span_id for span in parts.values() if span.parent is not None}
        assert parents == {use_case.context.span_id}
        assert parts["wait for commit"].end_time == parts["commit"].start_time
        assert (parts["commit"].attributes or {})["db.operation.batch.size"] == 3
    assert len(recorded.spans) == 6
    assert exemplars(openmetrics(), "order_commit_seconds") & {REQUEST[3:35], other[3:35]}


def _is_of(span: ReadableSpan, trace: str) -> bool:
    return span.context is not None and f"{span.context.trace_id:032x}" == trace[3:35]
