"""What is taken of a fetched partition is what aiokafka itself would return, in portions of any size."""

import struct
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, READ_UNCOMMITTED, FetchResult, PartitionRecords
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given
from hypothesis import strategies as st

from sink_connector.runtime.fetched_batches import _Fetched

PLACE = TopicPartition("t", 0)
ATTRIBUTES, PRODUCER = 21, 43  # where they stand in a batch
LAST_OFFSET = 23
TRANSACTIONAL, CONTROL = 0x10, 0x20


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A batch as compaction left it: `offsets` of its records out of `length`; `ends` is None, "abort" or "commit"."""

    length: int
    offsets: tuple[int, ...] = ()
    producer: int = -1
    ends: str | None = None


def written(batches: list[Kept], codec: int) -> bytes:
    data, base = b"", 0
    for batch in batches:
        builder = DefaultRecordBatchBuilder(
            2, 0 if batch.ends is not None else codec, 0, -1, -1, -1, 1_000_000
        )
        if batch.ends is not None:
            builder.append(0, 1, struct.pack(">hh", 0, batch.ends == "commit"), b"", [])
        for offset in batch.offsets:
            builder.append(offset, offset + 5, b"k%d" % offset, None if offset % 3 else b"v", [("h", b"x")])
        made = bytearray(builder.build())
        struct.pack_into(">q", made, 0, base)
        kind = (TRANSACTIONAL if batch.producer >= 0 else 0) | (CONTROL if batch.ends is not None else 0)
        made[ATTRIBUTES + 1] |= kind
        struct.pack_into(">i", made, LAST_OFFSET, batch.length - 1)
        struct.pack_into(">q", made, PRODUCER, batch.producer)
        data += made
        base += batch.length
    return data


@dataclass(slots=True)
class Assignment:
    """The position of a consumer in its only partition."""

    position: int = 0
    active: bool = True
    paused: bool = False

    def state_value(self, _: object) -> "Assignment":
        return self

    def consumed_to(self, offset: int) -> None:
        self.position = offset


@dataclass(slots=True)
class Taken:
    """What was returned, and where the consumer was after each time."""

    records: list[tuple[Any, ...]] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    portions: list[int] = field(default_factory=list)


def result(data: bytes, *, first: int, aborted: Any, isolation: int, crcs: bool = False) -> FetchResult:
    records = PartitionRecords(PLACE, MemoryRecords(data), aborted, first, None, None, crcs, isolation)
    return FetchResult(PLACE, assignment=Assignment(first), partition_records=records, backoff=0)


def all_of(found: FetchResult, most: int | None) -> Taken:
    taken = Taken()
    while found.has_more():
        portion = found.getall(most)
        for each in portion:
            taken.records.append((each.offset, each.timestamp, each.key, each.value, tuple(each.headers)))
        taken.portions.append(len(portion))
        taken.positions.append(found._assignment.position)  # noqa: SLF001
    return taken


batches = st.lists(
    st.one_of(
        st.builds(
            lambda length, producer, chosen: Kept(
                length=length,
                offsets=tuple(sorted(each for each in chosen if each < length)),
                producer=producer,
            ),
            st.integers(1, 6),
            st.sampled_from([-1, -1, 1, 2]),
            st.sets(st.integers(0, 5)),
        ),
        st.builds(
            lambda producer, ends: Kept(length=1, producer=producer, ends=ends),
            st.sampled_from([1, 2]),
            st.sampled_from(["abort", "commit"]),
        ),
    ).filter(lambda batch: batch.ends is not None or batch.offsets),
    min_size=1,
    max_size=6,
)


@given(
    batches,
    st.integers(0, 8),
    st.one_of(st.none(), st.integers(1, 7)),
    st.lists(st.tuples(st.sampled_from([1, 2]), st.integers(0, 20)), max_size=3),
    st.sampled_from([READ_COMMITTED, READ_UNCOMMITTED]),
    st.sampled_from([0, 1]),
)
def test_what_is_taken_is_what_aiokafka_would_return(  # noqa: PLR0913, PLR0917 - each is drawn on its own
    kept: list[Kept],
    first: int,
    most: int | None,
    aborted: list[tuple[int, int]],
    isolation: int,
    codec: int,
) -> None:
    data = written(kept, codec)
    expected = all_of(result(data, first=first, aborted=aborted, isolation=isolation), most)
    fetched = _Fetched()
    fetched[PLACE] = result(data, first=first, aborted=aborted, isolation=isolation)
    taken = all_of(fetched[PLACE], most)
    assert taken.records == expected.records
    assert taken.positions[-1] == expected.positions[-1]
    assert [each for each in taken.portions if each] == [each for each in expected.portions if each]


def test_nothing_is_passed_over_where_a_batch_is_corrupt() -> None:
    data = bytearray(written([Kept(length=2, offsets=(0, 1)), Kept(length=1, offsets=(0,))], 0))
    data[-1] ^= 1
    fetched = _Fetched()
    fetched[PLACE] = result(bytes(data), first=0, aborted=[], isolation=READ_COMMITTED, crcs=True)
    with pytest.raises(CorruptRecordException):
        fetched[PLACE].getall(10)
    assert not fetched[PLACE].has_more()
    assert fetched[PLACE]._assignment.position == 0  # noqa: SLF001
    assert fetched[PLACE].getall(10) == []


def test_nothing_is_taken_of_a_partition_that_was_taken_away_or_moved() -> None:
    data = written([Kept(length=2, offsets=(0, 1))], 0)
    for change in ({"active": False}, {"paused": True}, {"position": 7}):
        fetched = _Fetched()
        fetched[PLACE] = result(data, first=0, aborted=[], isolation=READ_COMMITTED)
        for name, value in change.items():
            setattr(fetched[PLACE]._assignment, name, value)  # noqa: SLF001
        assert fetched[PLACE].getall(10) == []
        assert not fetched[PLACE].has_more()
