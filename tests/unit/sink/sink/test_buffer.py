"""A buffer is full by records, by bytes of keys, values and headers, or by age; what it cannot convert is a dead letter."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sink_connector.config.parser import parse_connector
from sink_connector.data.write_record import ReadRecords, SourceRecord, WriteRecord, WriteRecords
from sink_connector.errors import BadRecordError, Stage
from sink_connector.runtime.conversion import one_by_one
from sink_connector.sink.batch import Batch, place_of
from sink_connector.sink.buffer import MOST_BYTES, Buffer, Convert
from sink_connector.sink.offsets import Partition, Position
from sink_connector.sink.table_naming import TableNaming

ZERO = Partition("t", 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A record as it stood in Kafka."""

    topic: str = "t"
    partition: int = 0
    offset: int = 0
    timestamp: int = 0
    key: bytes | None = None
    value: bytes | None = b"v"
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Conversion:
    """A conversion of records one by one."""

    each: Callable[[SourceRecord], tuple[str, WriteRecord] | None]

    def __call__(self, record: SourceRecord) -> tuple[str, WriteRecord] | None:
        return self.each(record)

    def together(self, read: ReadRecords) -> Mapping[str, WriteRecords]:
        return one_by_one(self.each, read)


def taken(record: SourceRecord) -> tuple[str, WriteRecord]:
    return record.topic, WriteRecord(record, None, record.key, None, record.value)


as_it_is = Conversion(taken)  # takes the bytes for the value


def buffer_of(
    convert: Convert = as_it_is, *, now: list[float] | None = None, is_short: bool = False, **keys: str
) -> Buffer:
    clock = now if now is not None else [0.0]
    given = {
        "name": "c",
        "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector",
        "connection.url": "postgresql://h/d",
        "topics": "t",
    }
    config = parse_connector(given | {name.replace("__", "."): value for name, value in keys.items()})
    return Buffer(
        config, TableNaming(config.table), convert, monotonic=lambda: clock[0], is_short=lambda: is_short
    )


def fill(buffer: Buffer, *records: Source, **more: Any) -> None:
    buffer.add({ZERO: records}, {ZERO: 1}, **more)


def test_it_has_room_for_two_batches_of_batch_size_records() -> None:
    buffer = buffer_of(batch__size="3")
    fill(buffer, Source(offset=0), Source(offset=1))
    assert buffer.room == 1
    fill(buffer, Source(offset=2))
    assert buffer.room == 3
    fill(buffer, *(Source(offset=offset) for offset in (3, 4, 5)))
    assert buffer.room == 0
    assert buffer.held == (6, 6)
    assert [buffer.take().positions[ZERO].next_offset, buffer.room] == [3, 3]
    assert [buffer.take().positions[ZERO].next_offset, buffer.room] == [6, 3]
    assert buffer.is_empty


def test_what_was_read_behind_a_full_batch_comes_after_it_and_when_it_is_old_enough() -> None:
    now = [10.0]
    buffer = buffer_of(now=now, batch__size="2", linger__ms="500")
    fill(buffer, Source(offset=0), Source(offset=1))
    fill(buffer, Source(offset=2))
    assert buffer.is_due
    assert buffer.take().records == 2
    assert not buffer.is_due
    now[0] += 0.6
    assert buffer.is_due
    assert buffer.take().records == 1


def test_nothing_of_either_batch_is_left_when_it_is_cleared() -> None:
    buffer = buffer_of(batch__size="2")
    fill(buffer, Source(offset=0), Source(offset=1))
    fill(buffer, Source(offset=2))
    buffer.clear()
    assert buffer.is_empty
    assert not buffer.is_due
    assert buffer.room == 2


@pytest.mark.parametrize(
    "heavy",
    [
        Source(key=b"x" * MOST_BYTES),
        Source(value=b"x" * MOST_BYTES),
        Source(headers=(("h", b"x" * MOST_BYTES),)),
        Source(headers=(("h" * MOST_BYTES, b""),)),
    ],
    ids=["key", "value", "header", "name of a header"],
)
def test_it_is_full_by_bytes_wherever_they_are(heavy: Source) -> None:
    buffer = buffer_of(linger__ms="1000")
    fill(buffer, heavy)
    assert buffer.is_due
    fill(buffer, heavy)
    assert buffer.room == 0


def test_a_tombstone_weighs_its_key() -> None:
    buffer = buffer_of()
    fill(buffer, Source(value=None), Source(value=None, key=b"abc", offset=1))
    assert buffer.take().size == 3


def test_a_batch_is_due_when_it_is_old_enough() -> None:
    now = [10.0]
    buffer = buffer_of(now=now, linger__ms="500")
    fill(buffer, Source())
    now[0] += 0.4
    assert not buffer.is_due
    now[0] += 0.2
    assert buffer.is_due
    assert buffer.take().began == 10.0


@pytest.mark.parametrize(
    "error", [RecursionError("deep"), MemoryError(), KeyError("x"), AttributeError("y"), BadRecordError("z")]
)
def test_whatever_goes_wrong_with_a_record_is_that_records(error: Exception) -> None:
    def convert(record: SourceRecord) -> tuple[str, WriteRecord] | None:
        if record.offset == 1:
            raise error
        return taken(record)

    buffer = buffer_of(Conversion(convert))
    fill(buffer, Source(offset=0), Source(offset=1), Source(offset=2))
    batch = buffer.take()
    assert [entry.source.offset for [entry, *more] in batch.entries.values() for entry in [entry, *more]] == [
        0,
        2,
    ]
    assert [(letter.source.offset, letter.error_class) for letter in batch.bad] == [(1, type(error).__name__)]


def test_a_process_short_of_memory_blames_no_record_and_reads_fewer_at_a_time() -> None:
    def convert(_record: SourceRecord) -> tuple[str, WriteRecord] | None:
        raise BadRecordError("MemoryError: ") from MemoryError()

    buffer = buffer_of(Conversion(convert), is_short=True, batch__size="1000")
    with pytest.raises(BadRecordError):
        fill(buffer, *(Source(offset=number) for number in range(100)))
    assert buffer.limit == 50


def test_a_record_that_found_no_memory_a_moment_ago_is_not_to_blame() -> None:
    failures = [MemoryError(), MemoryError()]  # of all together, and of the first alone

    def convert(record: SourceRecord) -> tuple[str, WriteRecord] | None:
        if failures:
            raise failures.pop()
        return taken(record)

    buffer = buffer_of(Conversion(convert))
    fill(buffer, Source(offset=0), Source(offset=1))
    batch = buffer.take()
    assert (batch.to_write, batch.bad) == (2, [])


def test_a_topic_that_makes_no_table_is_a_bad_record() -> None:
    buffer = buffer_of(table__name__format="sink.${topic}")
    fill(buffer, Source())
    assert "reserved" in buffer.take().bad[0].error


def test_a_record_with_an_unreadable_header_is_not_converted() -> None:
    buffer = buffer_of()
    fill(buffer, Source(offset=0), Source(offset=1), unreadable={(ZERO, 1)})
    [letter] = buffer.take().bad
    assert (letter.source.offset, letter.stage) == (1, Stage.HEADER_CONVERTER)


def test_its_limit_halves_after_a_time_out_and_grows_again() -> None:
    buffer = buffer_of(batch__size="1000")
    buffer.timed_out(300)
    assert buffer.limit == 150
    buffer.timed_out(1)
    assert buffer.limit == 1
    grown = [buffer.limit]
    while grown[-1] < 1000:
        buffer.succeeded()
        grown.append(buffer.limit)
    assert grown == sorted(set(grown))
    buffer.succeeded()
    assert buffer.limit == 1000


places = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 2), st.integers(0, 99), st.booleans()),
    min_size=2,
    max_size=30,
    unique_by=lambda place: place[:3],
)


@given(places)
def test_the_halves_of_a_batch_hold_all_of_it_and_move_each_partition_on(
    found: list[tuple[str, int, int, bool]],
) -> None:
    buffer = buffer_of()
    read: dict[Partition, list[Source]] = {}
    for topic, partition, offset, _ in sorted(found):
        read.setdefault(Partition(topic, partition), []).append(
            Source(topic=topic, partition=partition, offset=offset)
        )
    bad = {(Partition(topic, partition), offset) for topic, partition, offset, is_bad in found if is_bad}
    buffer.add(read, dict.fromkeys(read, 7), unreadable=bad)
    batch = buffer.take()
    first, second = batch.halves()
    assert abs(first.to_write - second.to_write) <= 1
    assert sorted(_places(first) + _places(second)) == sorted(_places(batch))
    assert second.positions == {part: batch.positions[part] for part in second.positions}
    assert first.positions.keys() | second.positions.keys() == batch.positions.keys()
    for part, position in first.positions.items():
        assert position.epoch == 7
        assert all(offset < position.next_offset for found, offset in _places(first) if found == part)
        assert all(offset >= position.next_offset for found, offset in _places(second) if found == part)
    assert first.records + second.records == batch.records
    assert isinstance(next(iter(first.positions.values())), Position)


def _places(batch: Batch) -> list[tuple[Partition, int]]:
    entries = [place_of(entry.source) for found in batch.entries.values() for entry in found]
    return entries + [place_of(letter.source) for letter in batch.bad]
