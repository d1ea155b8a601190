"""The loop of a task: what is polled while a batch is written, and what becomes of it; by a clock that jumps."""

import asyncio
import contextlib
import functools
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from sink_connector.config.parser import parse_connector
from sink_connector.data.write_record import SourceRecord, WriteRecord
from sink_connector.dead_letters.topic import DeadLetterTopic
from sink_connector.errors import FatalError, FencedError
from sink_connector.runtime import sink_task
from sink_connector.runtime.consumer import Polled
from sink_connector.runtime.delivery import Time
from sink_connector.runtime.sink_task import SinkTask
from sink_connector.sink.batch import Batch
from sink_connector.sink.table_naming import TableNaming
from sink_connector.sink.table_writer import Written
from tests.support.virtual_time import run_in_virtual_time
from tests.unit.sink.sink.test_buffer import Source, as_it_is

ZERO = TopicPartition("t", 0)
GIVEN = {
    "name": "c",
    "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector",
    "connection.url": "postgresql://h/d",
    "topics": "t",
    "batch.size": "3",
}


def now() -> float:
    return asyncio.get_running_loop().time()


@dataclass(slots=True)
class Database:
    """Takes `seconds` over each batch, unless it is to `fail`; `batches` are those committed, `begun` when each was."""

    seconds: float = 0.0
    fail: Exception | None = None
    batches: list[list[int]] = field(default_factory=list)
    epochs: list[int] = field(default_factory=list)
    begun: list[float] = field(default_factory=list)
    is_closed: bool = False
    is_lost: bool = False

    @property
    def next_offset(self) -> int:
        return sum(map(len, self.batches))

    async def write(self, batch: Batch, **_how: bool) -> Written:
        self.begun.append(now())
        await asyncio.sleep(self.seconds)
        if self.fail is not None:
            raise self.fail
        self.batches.append([entry.source.offset for found in batch.entries.values() for entry in found])
        self.epochs.append(next(iter(batch.positions.values())).epoch)
        return Written(rows=batch.to_write, dead=batch.bad)

    async def connection(self) -> "Database":
        return self

    async def fetchval(self, _query: str) -> bool:
        return True  # the schema `sink` is there

    async def drop(self) -> None:
        """The next one is as good."""

    async def close(self) -> None:
        self.is_closed = True


@dataclass(slots=True)
class Group:
    """A partition of which `end` records are there, and the group that gives it to the task when it is told to."""

    database: Database
    end: int = 0
    poll_fails: Exception | None = None
    position: int = 0
    generation: int = 0
    epochs: dict[TopicPartition, int] = field(default_factory=dict)
    assigned: asyncio.Event = field(default_factory=asyncio.Event)
    polls: list[tuple[float, list[int]]] = field(default_factory=list)
    alive: list[float] = field(default_factory=list)
    starts: int = 0
    stops: int = 0
    is_member: bool = False
    claims: list[float] = field(default_factory=list)

    async def start(self) -> None:
        self.starts += 1
        self.assigned.set()

    async def stop(self) -> None:
        self.stops += 1
        self.give_up()

    @property
    def begun(self) -> dict[TopicPartition, int]:
        return dict.fromkeys(self.epochs, 0)

    def rebalance(self) -> None:
        self.give_up()
        self.assigned.set()

    def give_up(self) -> None:
        self.generation += 1
        self.epochs.clear()

    async def rewind(self, _store: object) -> None:
        self.epochs[ZERO] = self.generation
        self.position = self.database.next_offset
        self.assigned.clear()

    async def claim_assignment(self) -> bool:
        if self.is_member:
            self.claims.append(now())
            self.assigned.set()
        return self.is_member

    async def poll(self, *, timeout_ms: int, most: int) -> Polled:
        generation = self.generation
        offsets = list(range(self.position, min(self.end, self.position + most))) if self.epochs else []
        self.position += len(offsets)
        await asyncio.sleep(0.01 if offsets else timeout_ms / 1000)
        if self.poll_fails is not None:
            error, self.poll_fails = self.poll_fails, None
            raise error
        if not offsets or generation != self.generation:  # aiokafka gives nothing of what was taken away
            return Polled(generation=self.generation, records={})
        self.polls.append((now(), offsets))
        return Polled(generation=generation, records={ZERO: [Source(offset=each) for each in offsets]})

    async def keep_alive(self) -> None:
        self.alive.append(now())
        await asyncio.sleep(0)

    async def show_progress(self, _offsets: object) -> bool:
        return True

    async def check_topics(self) -> None:
        """They are the ones they were."""

    def lag(self, *_place: object) -> int:
        return 0


@dataclass(slots=True)
class AsItIs:
    """A conversion that takes the bytes for the value; fetching a schema for it takes `seconds`."""

    seconds: float = 0.0

    def __call__(self, record: SourceRecord) -> tuple[str, WriteRecord] | None:
        return as_it_is(record)

    async def prepare(self, _topic: str, _records: Sequence[SourceRecord]) -> None:
        await asyncio.sleep(self.seconds)


@dataclass(slots=True)
class Scene:
    """A task between a group and a database."""

    database: Database
    group: Group
    task: SinkTask
    running: "asyncio.Task[None]" = field(init=False)

    async def until(self, condition: Callable[[], object], *, within_s: float = 60.0) -> None:
        """Let time pass until something is so."""
        end = now() + within_s
        while not condition():
            assert now() < end, f"not within {within_s:g} s"
            assert not self.running.done() or self.running.exception() is None, self.running.exception()
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def running(
    *, end: int, seconds: float = 0.0, convert: AsItIs | None = None, **keys: str
) -> AsyncIterator[Scene]:
    """A task that runs; stopped at the end unless it has ended."""
    config = parse_connector(GIVEN | {name.replace("__", "."): value for name, value in keys.items()})
    database = Database(seconds)
    group = Group(database, end)
    parts: dict[str, Any] = {
        "source": group,
        "session": database,
        "writer": database,
        "convert": convert or AsItIs(),
    }
    task = SinkTask(
        config=config,
        number=0,
        naming=TableNaming(config.table),
        dead_letters=DeadLetterTopic(config.errors, client={}, connector="c", task=0),
        random=lambda: 0.0,
        time=Time(monotonic=now, now=now),
        **parts,
    )
    scene = Scene(database, group, task)
    scene.running = asyncio.create_task(task.run())
    try:
        yield scene
    finally:
        scene.running.cancel()
        await asyncio.gather(scene.running, return_exceptions=True)


def in_virtual_time(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    """A test whose waiting takes no time."""

    @functools.wraps(test)
    def run() -> None:
        async def main() -> None:
            await test()

        run_in_virtual_time(main())

    return run


@in_virtual_time
async def test_two_batches_are_polled_while_one_is_written_and_nothing_beyond_them() -> None:
    async with running(end=12, seconds=10.0) as scene:
        await scene.until(lambda: scene.database.batches)
        first = scene.database.begun[0]
        early = [offset for at, offsets in scene.group.polls if at < first + 10 for offset in offsets]
        assert early == list(range(9))
        await scene.until(lambda: scene.database.next_offset == 12)
        assert scene.database.batches == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]
        assert scene.database.begun[2] - first == pytest.approx(20.0, abs=0.1), "the database never waits"


@in_virtual_time
async def test_while_the_buffer_is_full_the_group_hears_every_second_that_the_task_is_there() -> None:
    async with running(end=99, seconds=100.0) as scene:
        await scene.until(lambda: scene.database.batches, within_s=200)
        heard = [at for at in scene.group.alive if at < scene.database.begun[0] + 100]
        assert len(heard) >= 90
        assert max(late - early for early, late in itertools.pairwise(heard)) <= sink_task.IDLE_S + 0.1


@in_virtual_time
async def test_what_was_buffered_before_a_rebalance_is_read_again_and_written_once() -> None:
    async with running(end=2, linger__ms="60000") as scene:
        await scene.until(lambda: scene.group.polls)
        scene.group.rebalance()
        await scene.until(lambda: scene.database.batches, within_s=90)
        assert [offsets for _, offsets in scene.group.polls] == [[0, 1], [0, 1]]
        assert scene.database.batches == [[0, 1]]
        assert scene.database.epochs == [scene.group.generation]


@in_virtual_time
async def test_what_a_poll_brings_from_before_a_rebalance_is_not_written() -> None:
    async with running(end=2, convert=AsItIs(seconds=5.0), linger__ms="60000") as scene:
        await scene.until(lambda: scene.group.polls)
        scene.group.rebalance()  # while the schemas of what was polled are fetched
        await scene.until(lambda: scene.database.batches, within_s=90)
        assert [offsets for _, offsets in scene.group.polls] == [[0, 1], [0, 1]]
        assert scene.database.batches == [[0, 1]]
        assert scene.database.epochs == [scene.group.generation]


@in_virtual_time
async def test_a_rebalance_waits_for_the_batch_in_flight_and_the_group_hears_of_it() -> None:
    async with running(end=3, seconds=20.0) as scene:
        await scene.until(lambda: scene.database.begun)
        scene.group.rebalance()
        heard = len(scene.group.alive)
        await scene.until(lambda: scene.group.epochs)
        assert scene.database.batches == [[0, 1, 2]], "claimed before its own writing was over"
        assert len(scene.group.alive) - heard >= 20 / sink_task.KEEP_ALIVE_S - 1
        scene.group.end = 4
        await scene.until(lambda: scene.database.next_offset == 4)
        assert scene.database.batches == [[0, 1, 2], [3]]


@in_virtual_time
async def test_a_fenced_task_waits_for_a_new_assignment_and_then_fails() -> None:
    async with running(end=9) as scene:
        scene.database.fail = FencedError("claimed by another")
        await scene.until(lambda: scene.database.begun)
        with pytest.raises(FatalError, match="must be named otherwise"):
            await asyncio.wait_for(scene.running, 2 * sink_task.FENCED_PATIENCE_S)
        waited = now() - scene.database.begun[0]
        assert waited == pytest.approx(sink_task.FENCED_PATIENCE_S, abs=sink_task.IDLE_S + 0.1)
        assert (len(scene.database.begun), scene.database.batches) == (1, [])
        assert (scene.group.stops, scene.database.is_closed) == (1, True)


@in_virtual_time
async def test_a_fenced_task_that_is_assigned_its_share_in_time_goes_on() -> None:
    async with running(end=3) as scene:
        scene.database.fail = FencedError("claimed by another")
        await scene.until(lambda: scene.database.begun)
        await asyncio.sleep(sink_task.FENCED_PATIENCE_S - 1)
        scene.database.fail = None
        scene.group.rebalance()
        await scene.until(lambda: scene.database.batches)
        await asyncio.sleep(2 * sink_task.FENCED_PATIENCE_S)
        assert not scene.running.done()
        assert scene.database.batches == [[0, 1, 2]]


@in_virtual_time
async def test_a_task_fenced_off_by_a_late_claim_of_an_earlier_owner_claims_its_share_again() -> None:
    async with running(end=3) as scene:
        scene.database.fail = FencedError("claimed by another")
        await scene.until(lambda: scene.database.begun)
        scene.database.fail, scene.group.is_member = None, True
        await scene.until(lambda: scene.database.batches, within_s=2 * sink_task.IDLE_S)
        await asyncio.sleep(3 * sink_task.FENCED_PATIENCE_S)
        assert not scene.running.done()
        assert (scene.database.batches, len(scene.group.claims)) == ([[0, 1, 2]], 1)


@in_virtual_time
async def test_a_task_that_is_fenced_off_again_by_a_writer_outside_of_the_group_fails() -> None:
    async with running(end=3) as scene:
        scene.group.is_member = True
        scene.database.fail = FencedError("claimed by another")
        with pytest.raises(FatalError, match="must be named otherwise"):
            await asyncio.wait_for(scene.running, 2 * sink_task.FENCED_PATIENCE_S)
        assert (len(scene.group.claims), scene.database.batches) == (1, [])


@in_virtual_time
async def test_a_paused_task_writes_what_it_has_polls_nothing_and_stays_in_the_group() -> None:
    async with running(end=3, seconds=5.0) as scene:
        await scene.until(lambda: scene.database.begun)
        assert not scene.task.is_idle
        scene.task.paused, scene.group.end = True, 9
        await scene.until(lambda: scene.task.is_idle)
        assert scene.database.next_offset == sum(len(offsets) for _, offsets in scene.group.polls)
        polls, heard = len(scene.group.polls), len(scene.group.alive)
        await asyncio.sleep(100)
        assert len(scene.group.polls) == polls
        assert len(scene.group.alive) - heard >= 90
        scene.task.paused = False
        await scene.until(lambda: scene.database.next_offset == 9)


@in_virtual_time
async def test_a_paused_task_is_not_idle_while_what_it_has_read_waits_to_be_old_enough() -> None:
    async with running(end=2, linger__ms="60000") as scene:
        await scene.until(lambda: scene.group.polls)
        scene.task.paused = True
        await asyncio.sleep(30)
        assert not scene.task.is_idle
        await scene.until(lambda: scene.task.is_idle, within_s=90)
        assert scene.database.next_offset == 2


@in_virtual_time
async def test_a_task_that_is_stopped_finishes_a_batch_that_takes_a_moment() -> None:
    async with running(end=3, seconds=sink_task.STOP_S - 1) as scene:
        await scene.until(lambda: scene.database.begun)
    assert scene.database.batches == [[0, 1, 2]]
    assert (scene.group.stops, scene.database.is_closed) == (1, True)
    assert scene.task.progress == {ZERO: 3}


@in_virtual_time
async def test_a_task_that_is_stopped_leaves_a_batch_that_hangs_and_its_group_in_time() -> None:
    async with running(end=3, seconds=10_000) as scene:
        await scene.until(lambda: scene.database.begun)
        stopped = now()
    assert now() - stopped == pytest.approx(sink_task.STOP_S, abs=0.1)
    assert (scene.database.batches, scene.task.progress) == ([], {})
    assert (scene.group.stops, scene.database.is_closed) == (1, True)


@in_virtual_time
async def test_a_consumer_that_breaks_is_replaced_and_nothing_is_lost_or_written_twice() -> None:
    async with running(end=9) as scene:
        scene.group.poll_fails = KafkaConnectionError("gone")
        await scene.until(lambda: scene.task.trouble)
        trouble = scene.task.trouble
        assert trouble is not None
        assert (trouble.attempts, scene.group.stops) == (1, 1)
        assert trouble.reason.startswith("KafkaConnectionError")
        await scene.until(lambda: scene.database.next_offset == 9)
        assert (scene.group.starts, scene.task.trouble) == (2, None)
        assert scene.database.batches == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


@in_virtual_time
async def test_what_only_a_person_can_mend_ends_the_task_and_closes_what_it_had() -> None:
    async with running(end=9) as scene:
        scene.group.poll_fails = FatalError("the stored offset is not in the topic any more")
        with pytest.raises(FatalError, match="stored offset"):
            await asyncio.wait_for(scene.running, 10)
    assert (scene.group.starts, scene.group.stops, scene.database.is_closed) == (1, 1, True)
