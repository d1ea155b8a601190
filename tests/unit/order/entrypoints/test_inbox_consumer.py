"""A consumer that cannot go on says so, goes on trying, and takes nothing else along."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import ConsumerRecord
from prometheus_client import REGISTRY

from order_service.adapters.kafka.consumer import ConsumerError
from order_service.adapters.kafka.decoding import Nothing
from order_service.domain.errors import UnstorableError
from order_service.entrypoints.inbox_consumer import CHECK_EVERY_S, InboxConsumer
from order_service.service_layer.apply_once import ApplyOnce, RecordDeadLetter
from order_service.service_layer.errors import StorageUnavailableError
from order_service.service_layer.unit_of_work import Position
from tests.support.waiting import assert_stays, wait_until


@dataclass
class Topic:
    """A topic of one partition, and what goes wrong when it is read."""

    values: list[bytes]
    error: BaseException | None = None
    topic_id: str | None = None
    partitions: tuple[int, ...] = (0,)
    at: int = 0
    recreated: bool = False
    opened: int = 0
    held: Iterator[int] | None = None
    """Where a producer's open transaction holds it back, look by look."""

    async def begin(self, positions: Mapping[int, int]) -> dict[int, int]:
        self.at = positions.get(0, 0)
        return {0: len(self.values)}

    async def poll(self, **_bounds: float) -> list[Any]:
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        found = [
            ConsumerRecord("t", 0, offset, 0, 0, b"k", value, None, 0, 0, [])
            for offset, value in enumerate(self.values)
            if offset >= self.at
        ]
        self.at = len(self.values)
        return found

    async def check_topic(self) -> None:
        if self.recreated:
            self.recreated = False
            raise ConsumerError("another topic of that name")

    def held_back(self) -> dict[int, int]:
        return {0: next(self.held)} if self.held is not None else {}

    async def behind(self, ends: Mapping[int, int]) -> dict[int, int]:
        return {number: end for number, end in ends.items() if self.at < end}

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Any]:
        self.opened += 1
        yield self


@dataclass
class Applied:
    """Stands for the message bus: refuses batches with a `poison`, and all while `away`."""

    values: list[bytes | None] = field(default_factory=list)
    dead_letters: list[RecordDeadLetter] = field(default_factory=list)
    away: bool = False
    room: int = 500
    """Of a batch with more records there is no memory for the effects."""
    calls: int = 0

    async def run(self, use_case: Any) -> tuple[RecordDeadLetter, ...]:
        self.calls += 1
        if self.away:
            raise StorageUnavailableError("the disk is full")
        assert isinstance(use_case, ApplyOnce)
        if len(use_case.batch) > self.room:
            raise MemoryError
        letters = [each.effect for each in use_case.batch if isinstance(each.effect, RecordDeadLetter)]
        effects = [each.value for each in use_case.batch if not isinstance(each.effect, RecordDeadLetter)]
        if b"poison" in effects:
            raise UnstorableError("no such value")
        self.values.extend(effects)
        self.dead_letters.extend(letters)
        return tuple(letters)


@contextlib.asynccontextmanager
async def consuming(topic: Topic, applied: Applied) -> AsyncIterator[InboxConsumer]:
    async def none_stored(_sources: Sequence[str]) -> dict[str, Position]:
        return {}

    async def at_once(_seconds: float) -> None:
        await asyncio.sleep(0)

    consumer = InboxConsumer(
        topic="t",
        consumers=topic.open,
        effect_of=lambda _record, _event: Nothing(),
        run=applied.run,
        positions=none_stored,
        sleep=at_once,
        time=itertools.count(step=CHECK_EVERY_S / 3).__next__,
    )
    task = asyncio.create_task(consumer.serve())
    try:
        yield consumer
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_it_is_missing_until_it_has_caught_up() -> None:
    topic, applied = Topic([b"a", b"b"]), Applied()
    async with consuming(topic, applied) as consumer:
        assert consumer.missing() == "not connected"
        # Not absent: the first dead letter would be no increase.
        assert REGISTRY.get_sample_value("order_dead_letters_total", {"topic": "t"}) is not None
        await wait_until(lambda: consumer.missing() is None, every_s=0)
    assert applied.values == [b"a", b"b"]


async def test_a_consumer_whose_topic_cannot_be_read_says_why_and_is_back_when_it_can() -> None:
    for error in (ConsumerError("no such topic"), ValueError("a defect of the client")):
        topic, applied = Topic([b"a"], error), Applied()
        async with consuming(topic, applied) as consumer:
            await wait_until(lambda: str(error) in (consumer.missing() or ""), every_s=0)  # noqa: B023
            topic.error = None
            await wait_until(lambda: consumer.missing() is None, every_s=0)
        assert applied.values == [b"a"]


async def test_a_batch_that_there_is_no_memory_for_takes_effect_in_parts() -> None:
    values = [b"%d" % number for number in range(100)]
    applied = Applied(room=10)
    async with consuming(Topic(values), applied):
        await wait_until(lambda: len(applied.values) == 100, what="everything")
    assert (applied.values, applied.dead_letters) == (values, [])


async def test_while_the_database_takes_nothing_it_says_so_and_loses_nothing() -> None:
    topic, applied = Topic([b"a", b"b"]), Applied(away=True)
    async with consuming(topic, applied) as consumer:
        await wait_until(lambda: "the disk is full" in (consumer.missing() or ""), every_s=0)
        applied.away = False
        await wait_until(lambda: consumer.missing() is None, every_s=0)
    assert applied.values == [b"a", b"b"]


async def test_the_one_record_that_the_database_refuses_is_found_among_many() -> None:
    values = [b"%d" % number for number in range(100)]
    values[37] = b"poison"
    applied = Applied()
    async with consuming(Topic(values), applied) as consumer:
        await wait_until(lambda: consumer.missing() is None, every_s=0)
    assert applied.values == [value for value in values if value != b"poison"]
    assert [(letter.incoming.offset, letter.incoming.value) for letter in applied.dead_letters] == [
        (37, b"poison")
    ]
    assert "no such value" in applied.dead_letters[0].reason
    assert applied.calls < 20


async def test_a_topic_that_is_made_anew_is_opened_anew() -> None:
    topic, applied = Topic([b"a"]), Applied()
    async with consuming(topic, applied) as consumer:
        await wait_until(lambda: consumer.missing() is None, every_s=0)
        topic.recreated = True
        await wait_until(lambda: topic.opened == 2, every_s=0)


async def test_an_open_transaction_is_told_of_once_it_lasts_and_no_longer_when_it_has_ended() -> None:
    topic, applied = Topic([]), Applied()
    async with consuming(topic, applied) as consumer:
        await wait_until(lambda: consumer.missing() is None, every_s=0)
        topic.held = itertools.repeat(7)
        await wait_until(lambda: "t/0/7" in (consumer.missing() or ""), every_s=0)
        topic.held = None
        await wait_until(lambda: consumer.missing() is None, every_s=0)


async def test_transactions_that_follow_one_another_hold_nothing_up() -> None:
    topic, applied = Topic([], held=itertools.count()), Applied()
    async with consuming(topic, applied) as consumer:
        await wait_until(lambda: consumer.missing() is None, every_s=0)
        await assert_stays(lambda: consumer.missing() is None, for_s=0.2, every_s=0)
