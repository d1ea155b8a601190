"""Reading Kafka's record batches when a header's name is not UTF-8.

Kafka takes any bytes for the name of a header; aiokafka decodes them strictly, so that one such record ends the fetch of
its whole partition: its C extension raises `UnicodeDecodeError`, its Python decoder `CorruptRecordException`. A batch that
cannot be decoded strictly is therefore decoded once more here, and the record at fault carries `UnreadableHeaders`.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchPy, _DefaultRecordPy
from aiokafka.record.memory_records import _MemoryRecordsPy
from aiokafka.record.util import decode_varint

from sink_connector.data.write_record import KafkaRecord

Headers = list[tuple[str, bytes | None]]


class UnreadableName(str):
    """A header's name that is not UTF-8; its bytes stand as surrogates (`surrogateescape`)."""

    __slots__ = ()


class TolerantRecords(_MemoryRecordsPy):  # type: ignore[misc] # aiokafka has no types
    """The batches of one fetched partition, each of which can be read whatever its headers are called.

    `unreadable` counts, for the whole process, the batches that had to be decoded once more.
    """

    unreadable = 0

    def next_batch(self, *arguments: Any) -> Any:
        """The next batch, or None at the end. Raises `CorruptRecordException` where the bytes are no batch."""
        raw = self._next_slice
        batch = super().next_batch(*arguments)
        return _Batch(batch, raw) if isinstance(batch, DefaultRecordBatch) else batch


class _Batch:
    """A batch of aiokafka's, decoded as a whole when it is read."""

    __slots__ = ("_batch", "_raw")

    def __init__(self, batch: Any, raw: memoryview) -> None:
        self._batch = batch
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        try:
            return iter(list(self._batch))
        except (UnicodeDecodeError, CorruptRecordException):
            records = list(_TolerantBatch(self._raw))  # raises again what has another reason
            TolerantRecords.unreadable += 1
            return iter(records)


class _TolerantBatch(_DefaultRecordBatchPy):  # type: ignore[misc] # as above
    """aiokafka's Python decoder with names of headers that may be any bytes."""

    _buffer: bytearray
    _pos: int

    def _read_msg(self) -> Any:
        buffer, position = self._buffer, self._pos
        length, position = decode_varint(buffer, position)
        end = position + length
        _, position = decode_varint(buffer, position)  # attributes, of which none is in use
        age, position = decode_varint(buffer, position)
        delta, position = decode_varint(buffer, position)
        key, position = _nullable(buffer, position)
        value, position = _nullable(buffer, position)
        headers, position = _headers(buffer, position)
        if position != end:
            raise CorruptRecordException(f"a record of {length} bytes ends at another place than it says")
        self._pos = position
        logged = self.timestamp_type == self.LOG_APPEND_TIME
        timestamp = self.max_timestamp if logged else self.first_timestamp + age
        return _DefaultRecordPy(self.base_offset + delta, timestamp, self.timestamp_type, key, value, headers)


def _nullable(buffer: bytearray, position: int) -> tuple[bytes | None, int]:
    size, position = decode_varint(buffer, position)
    if size < 0:
        return None, position
    return bytes(buffer[position : position + size]), position + size


def _headers(buffer: bytearray, position: int) -> tuple[Headers, int]:
    count, position = decode_varint(buffer, position)
    headers: Headers = []
    for _ in range(count):
        name, position = _nullable(buffer, position)
        value, position = _nullable(buffer, position)
        headers.append((_name(name or b""), value))
    return headers, position


def _name(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return UnreadableName(data.decode("utf-8", "surrogateescape"))


def unreadable(
    polled: Mapping[TopicPartition, Sequence[KafkaRecord]],
) -> frozenset[tuple[TopicPartition, int]]:
    """The records, by partition and offset, that have a header whose name is not UTF-8."""
    return frozenset(
        (partition, record.offset)
        for partition, records in polled.items()
        for record in records
        for name, _ in record.headers
        if type(name) is UnreadableName
    )


def install() -> bool:
    """Have the consumers of this process read what they fetch from now on this way; False when they do already.

    Done when the first such record was met: until then, nothing is between aiokafka and its C extension.
    """
    if fetcher.MemoryRecords is TolerantRecords:
        return False
    fetcher.MemoryRecords = TolerantRecords
    return True
