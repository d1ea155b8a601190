"""Batches with headers whose names are not UTF-8, read by both of aiokafka's decoders."""

import struct

import pytest
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBase
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy

from catalog_service.changefeed.record_batches import LenientRecords
from tests.support.record_batches import RawRecord, batch_builder

GZIP = DefaultRecordBase.CODEC_GZIP


class ByPython(LenientRecords):
    """As where aiokafka was installed without its C extension."""

    strict = _MemoryRecordsPy


decoders = pytest.mark.parametrize("decoder", [LenientRecords, ByPython], ids=["extension", "python"])


def values(records: LenientRecords) -> list[bytes]:
    found = []
    while records.has_next():
        batch = records.next_batch()
        assert batch.validate_crc()
        found += [record.value for record in batch]
    return found


@decoders
@pytest.mark.parametrize("compression", [0, GZIP], ids=["plain", "gzip"])
@pytest.mark.parametrize("bad", [0, 1, 2])
def test_a_name_that_is_not_utf8_hides_neither_its_record_nor_its_neighbours(
    decoder: type[LenientRecords], compression: int, bad: int
) -> None:
    records = [
        RawRecord(value=b"%d" % number, headers=[(b"\xff\xfe" if number == bad else b"ce_type", b"x")])
        for number in range(3)
    ]
    data = bytes(batch_builder(records, compression=compression).build())
    whole = bytes(batch_builder([RawRecord(value=b"next")]).build())
    assert values(decoder(data + whole)) == [b"0", b"1", b"2", b"next"]


@decoders
def test_the_name_stays_recognisable(decoder: type[LenientRecords]) -> None:
    data = bytes(
        batch_builder([RawRecord(value=b"", headers=[(b"a\xff", None), (b"ce_type", b"x")])]).build()
    )
    (record,) = decoder(data).next_batch()
    assert [name for name, _ in record.headers] == ["a\udcff", "ce_type"]


@decoders
def test_a_batch_that_is_damaged_otherwise_is_not_read_as_if_it_were_whole(
    decoder: type[LenientRecords],
) -> None:
    data = bytearray(batch_builder([RawRecord(value=b"value", headers=[(b"\xff", b"x")])]).build())
    data[-3:] = b"\xff\xff\xff"
    batch = decoder(bytes(data)).next_batch()
    assert not batch.validate_crc()
    with pytest.raises(CorruptRecordException):
        list(batch)


@decoders
def test_an_incomplete_last_batch_is_left_for_the_next_fetch(decoder: type[LenientRecords]) -> None:
    whole = bytes(batch_builder([RawRecord(value=b"1")]).build())
    records = decoder(whole + whole[:-1])
    assert values(records) == [b"1"]
    assert records.size_in_bytes() == len(whole) * 2 - 1


def test_the_length_of_a_batch_stands_where_it_is_looked_for() -> None:
    whole = bytes(batch_builder([RawRecord(value=b"1")]).build())
    assert struct.unpack_from(">i", whole, 8)[0] == len(whole) - 12
    assert MemoryRecords(whole).has_next()
