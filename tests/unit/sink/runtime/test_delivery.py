"""A batch is written until it is committed: pauses, halves, isolation and refusal, by a clock that the test moves."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest
from opentelemetry.trace import StatusCode

from sink_connector import telemetry
from sink_connector.config.parser import parse_connector
from sink_connector.data.write_record import WriteRecord, WriteRecords
from sink_connector.dead_letters.dead_letter import DeadLetter
from sink_connector.errors import BadRecordError, FatalError, FencedError, Stage
from sink_connector.runtime.delivery import Delivery, Retrier, Time
from sink_connector.runtime.metrics import TaskMetrics
from sink_connector.runtime.retry import RetryPolicy
from sink_connector.sink.batch import Batch
from sink_connector.sink.buffer import Buffer
from sink_connector.sink.offsets import Partition, Position
from sink_connector.sink.table_metadata import TableName
from sink_connector.sink.table_naming import TableNaming
from sink_connector.sink.table_writer import Written
from tests.support.spans import REQUEST, UNRECORDED, exemplars, openmetrics, recording
from tests.unit.sink.sink.test_buffer import Source, as_it_is

CONFIG = parse_connector(
    {
        "name": "c",
        "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector",
        "connection.url": "postgresql://h/d",
        "topics": "t",
    }
)
PLACE = ("t", TableName(None, "t"))


@dataclass(slots=True)
class Clock:
    """Stands still but for the pauses that are asked for."""

    now: float = 100.0
    pauses: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@dataclass(slots=True)
class Database:
    """Answers each attempt as `answers(number, batch, isolate, final)` says: an error to raise, or None to commit."""

    answers: Callable[[int, Batch, bool, bool], Exception | None]
    attempts: int = 0
    drops: int = 0
    looks: int = 0

    async def write(self, batch: Batch, *, isolate: bool = False, final: bool = False) -> Written:
        self.attempts += 1
        error = self.answers(self.attempts, batch, isolate, final)
        if error is not None:
            raise error
        return Written(rows=batch.to_write, dead=batch.bad)

    async def connection(self) -> None:
        """There is always one."""

    async def drop(self) -> None:
        self.drops += 1

    def forget_tables(self) -> None:
        self.looks += 1


def batch_of(count: int) -> Batch:
    sources = [Source(offset=offset) for offset in range(count)]
    entries = WriteRecords.of(WriteRecord(source, None, None, None, b"v") for source in sources)
    return Batch(entries={PLACE: entries}, positions={Partition("t", 0): Position(count, 1)}, records=count)


@dataclass(slots=True)
class Committed:
    """What a delivery has committed, in order."""

    batches: list[Batch] = field(default_factory=list)
    dead: list[int] = field(default_factory=list)

    def take(self, batch: Batch, written: Written) -> None:
        self.batches.append(batch)
        self.dead += [letter.source.offset for letter in written.dead]


def delivery_to(database: Any) -> tuple[Delivery, Clock, Committed]:
    clock, committed = Clock(), Committed()
    metrics = TaskMetrics("c", 0)
    retrier = Retrier(
        policy=RetryPolicy(first_ms=100, max_retries=3, random=lambda: 0.0),
        session=database,
        metrics=metrics,
        context={},
        time=Time(monotonic=lambda: clock.now, now=lambda: clock.now, sleep=clock.sleep),
    )
    delivery = Delivery(
        config=CONFIG,
        session=database,
        writer=database,
        buffer=Buffer(CONFIG, TableNaming(CONFIG.table), as_it_is),
        retrier=retrier,
        metrics=metrics,
        committed=committed.take,
    )
    return delivery, clock, committed


async def test_an_outage_is_waited_out_with_a_pause_of_at_most_a_second_and_shown_meanwhile() -> None:
    shown = []

    def answers(attempt: int, *_: object) -> Exception | None:
        shown.append(delivery.retrier.trouble)
        return ConnectionRefusedError("refused") if attempt <= 50 else None

    delivery, clock, committed = delivery_to(Database(answers))
    await delivery.deliver(batch_of(3))
    assert max(clock.pauses) == 1.0
    assert clock.pauses[:4] == [0.1, 0.2, 0.4, 0.8]
    trouble = shown[-1]
    assert trouble is not None
    assert (trouble.since_ms, trouble.attempts) == (100_000, 50)
    assert trouble.reason == "ConnectionRefusedError: refused"
    assert delivery.retrier.trouble is None
    assert len(committed.batches) == 1


async def test_a_batch_that_takes_too_long_is_written_in_order_in_pieces_that_fit() -> None:
    def answers(_attempt: int, batch: Batch, *_: object) -> Exception | None:
        return asyncpg.QueryCanceledError("") if batch.to_write > 7 else None

    delivery, _, committed = delivery_to(Database(answers))
    await delivery.deliver(batch_of(100))
    offsets = [entry.source.offset for batch in committed.batches for entry in batch.entries[PLACE]]
    assert offsets == list(range(100))
    assert max(batch.to_write for batch in committed.batches) <= 7
    reached = [batch.positions[Partition("t", 0)].next_offset for batch in committed.batches]
    assert reached == sorted(set(reached))
    assert reached[-1] == 100


async def test_one_record_that_takes_too_long_becomes_a_dead_letter_and_its_neighbours_are_written() -> None:
    def answers(_attempt: int, batch: Batch, *_: object) -> Exception | None:
        slow = any(entry.source.offset == 5 for found in batch.entries.values() for entry in found)
        return TimeoutError() if slow else None

    delivery, _, committed = delivery_to(Database(answers))
    await delivery.deliver(batch_of(8))
    assert committed.dead == [5]
    read = [e.source.offset for batch in committed.batches for found in batch.entries.values() for e in found]
    assert read == list(range(8))


async def test_a_missing_row_is_waited_for_and_then_counts_as_final() -> None:
    seen = []

    def answers(_attempt: int, _batch: Batch, isolate: bool, final: bool) -> Exception | None:  # noqa: FBT001
        seen.append((isolate, final))
        return None if final else asyncpg.ForeignKeyViolationError("")

    database = Database(answers)
    delivery, clock, _ = delivery_to(database)
    await delivery.deliver(batch_of(2))
    assert clock.pauses == [0.1] * 4
    assert seen[0] == (False, False)
    assert seen[-1] == (True, True)
    assert database.drops == 0


async def test_a_changed_table_is_looked_at_again() -> None:
    database = Database(lambda attempt, *_: asyncpg.UndefinedColumnError("") if attempt == 1 else None)
    delivery, clock, committed = delivery_to(database)
    await delivery.deliver(batch_of(1))
    assert (database.looks, clock.pauses, len(committed.batches)) == (1, [], 1)


@pytest.mark.parametrize("error", [FatalError("a"), asyncpg.DataCorruptedError("b")])
async def test_what_only_a_person_can_mend_is_raised(error: Exception) -> None:
    delivery, _, committed = delivery_to(Database(lambda *_: error))
    with pytest.raises(FatalError):
        await delivery.deliver(batch_of(1))
    assert committed.batches == []


async def test_a_fence_is_told_and_nothing_is_tried_again() -> None:
    database = Database(lambda *_: FencedError("x"))
    delivery, _, _ = delivery_to(database)
    with pytest.raises(FencedError):
        await delivery.deliver(batch_of(1))
    assert database.attempts == 1


async def test_another_step_that_goes_well_does_not_hide_the_trouble_of_a_batch() -> None:
    async def well() -> None:
        """Nothing happens."""

    troubles = []

    def answers(attempt: int, *_: object) -> Exception | None:
        troubles.append(delivery.retrier.attempts)
        return asyncpg.DiskFullError("") if attempt < 5 else None

    delivery, _, _ = delivery_to(Database(answers))
    await delivery.retrier.run(well, "schemas", settles=False)
    await delivery.deliver(batch_of(1))
    assert troubles == [0, 1, 2, 3, 4]


async def test_a_batch_that_lacks_a_row_is_written_together_with_what_was_read_meanwhile() -> None:
    def answers(_attempt: int, batch: Batch, *_: object) -> Exception | None:
        if batch.records == 2 and delivery.buffer.is_empty:
            delivery.buffer.add({Partition("t", 0): [Source(offset=2)]}, {Partition("t", 0): 1})
        return None if batch.to_write == 3 else asyncpg.ForeignKeyViolationError("")

    delivery, clock, committed = delivery_to(Database(answers))
    await delivery.deliver(batch_of(2))
    [batch] = committed.batches
    assert batch.positions == {Partition("t", 0): Position(3, 1)}
    assert batch.records == 3
    assert clock.pauses == [0.1]
    assert delivery.buffer.is_empty


async def test_only_the_last_piece_of_a_batch_is_written_with_what_was_read_meanwhile() -> None:
    def answers(_attempt: int, batch: Batch, isolate: bool, final: bool) -> Exception | None:  # noqa: FBT001 - as above
        if batch.to_write == 10:
            delivery.buffer.add({Partition("t", 0): [Source(offset=10)]}, {Partition("t", 0): 1})
            return asyncpg.QueryCanceledError("")
        return (
            None
            if final or batch.positions[Partition("t", 0)].next_offset > 5
            else asyncpg.ForeignKeyViolationError("")
        )

    delivery, _, committed = delivery_to(Database(answers))
    await delivery.deliver(batch_of(10))
    assert [batch.positions[Partition("t", 0)].next_offset for batch in committed.batches] == [5, 10]
    assert not delivery.buffer.is_empty


async def test_a_batch_is_linked_to_the_traces_of_its_records_and_each_recorded_one_tells_what_became_of_it() -> (
    None
):
    def source(offset: int, trace: str) -> Source:
        return Source(offset=offset, headers=(("traceparent", trace.encode()),) if trace else ())

    good, bad = source(0, REQUEST), source(3, REQUEST.replace("4bf9", "bbbb"))
    sources = [good, source(1, ""), source(2, UNRECORDED)]
    batch = Batch(
        entries={PLACE: WriteRecords.of(WriteRecord(each, None, None, None, b"v") for each in sources)},
        bad=[DeadLetter.of(bad, BadRecordError("no number", stage=Stage.VALUE_CONVERTER))],
        positions={Partition("t", 0): Position(4, 1)},
        records=4,
        began=99.0,
    )
    database = Database(lambda attempt, *_: asyncpg.ConnectionDoesNotExistError("") if attempt == 1 else None)
    delivery, _, _ = delivery_to(database)
    with recording(telemetry) as recorded:
        await delivery.deliver(batch)
    whole = recorded.named("deliver c")
    assert [f"{link.context.trace_id:032x}" for link in whole.links] == [
        REQUEST[3:35],
        "bbbb" + REQUEST[7:35],
    ]
    assert recorded.tree() == {
        ("deliver c", None),
        ("write batch", "deliver c"),
        ("process t", REQUEST[36:52]),
    }
    written, dead = (span for span in recorded.spans if span.name == "process t")
    assert written.status.status_code is StatusCode.UNSET
    assert (dead.status.status_code, dead.status.description) == (StatusCode.ERROR, "no number")
    for span in (written, dead):
        told = span.attributes or {}
        assert whole.context is not None
        assert told["sink.batch.trace_id"] == f"{whole.context.trace_id:032x}"
        assert told["sink.failed_attempts"] == 1
        assert told["sink.batch.trace_id"] in exemplars(openmetrics(), "sink_stage_seconds", stage="write")
