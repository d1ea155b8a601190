"""One header name that is not UTF-8 must not hide its record, nor the records beside it."""

from typing import Any

import pytest
from aiokafka.errors import CorruptRecordException
from aiokafka.record import memory_records as aiokafka_records
from aiokafka.record.default_records import _DefaultRecordBatchPy

from order_service.adapters.kafka import consumer
from order_service.adapters.kafka.consumer import TolerantRecords
from tests.support.record_batches import RawRecord, batch_builder

GOOD = RawRecord(b"k", b"v", [("ce_type", b"t")])
BAD = RawRecord(b"bad", b"value", [("ok", b"1"), (b"\xff\xfename", b"2")])


@pytest.fixture(params=["c extension", "python"])
def decoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Both decoders that aiokafka has, and how they fail on their own."""
    if request.param == "c extension":
        return UnicodeDecodeError
    monkeypatch.setattr(aiokafka_records, "DefaultRecordBatch", _DefaultRecordBatchPy)
    monkeypatch.setattr(consumer, "MemoryRecords", aiokafka_records._MemoryRecordsPy)  # noqa: SLF001
    return CorruptRecordException


def read(data: bytes, of: Any) -> list[Any]:
    records, found = of(data), []
    while records.has_next():
        found.extend(records.next_batch())
    return found


@pytest.mark.parametrize("compression", [0, 1, 3], ids=["plain", "gzip", "lz4"])
def test_the_record_and_its_neighbours_arrive_each_once(decoder: Any, compression: int) -> None:
    data = bytes(batch_builder([GOOD, BAD, GOOD], compression=compression).build())
    data += bytes(batch_builder([GOOD], compression=compression).build())
    with pytest.raises(decoder):
        read(data, getattr(consumer, "MemoryRecords"))  # noqa: B009 - not exported
    found = read(data, TolerantRecords)
    assert [record.key for record in found] == [b"k", b"bad", b"k", b"k"]
    assert [record.value for record in found] == [b"v", b"value", b"v", b"v"]
    (_, one), (name, two) = found[1].headers
    assert (one, two, name.encode(errors="surrogateescape")) == (b"1", b"2", b"\xff\xfename")


def test_good_batches_are_read_by_aiokafka_alone(decoder: Any) -> None:
    data = bytes(batch_builder([GOOD, GOOD]).build())
    found = read(data, TolerantRecords)
    assert [(record.key, record.offset) for record in found] == [(b"k", 0), (b"k", 1)]


def test_a_batch_that_is_really_broken_is_still_an_error(decoder: Any) -> None:
    data = bytearray(batch_builder([GOOD, GOOD]).build())
    data[60] = 3  # the number of records
    with pytest.raises((CorruptRecordException, UnicodeDecodeError)):
        read(bytes(data), TolerantRecords)
