"""Record batches that stay readable when the name of a record's header is not UTF-8.

Kafka's protocol calls a header's name a string, but no broker checks it. aiokafka decodes it strictly in the middle of a
batch: its C extension raises UnicodeDecodeError, its Python decoder CorruptRecordException, and in both cases every
later record of the partition is out of reach for ever. The class here hands a batch to aiokafka's own decoder and, only
when that one gives up, reads the rest of the batch again with names decoded by `surrogateescape`.
"""

import struct
from collections.abc import Iterator
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

_OVERHEAD = struct.calcsize(">qi")  # base offset and length, which every version of a batch begins with
_FIRST_MAGIC_WITH_HEADERS = 2


class LenientRecords:
    """Stands in for aiokafka's `MemoryRecords`: the batches of one fetched partition."""

    strict: type[Any] = MemoryRecords

    def __init__(self, data: bytes) -> None:
        """`data` is what a broker answered for one partition; its last batch may be incomplete."""
        self._data = data
        self._position = 0
        self._batches = self.strict(data)

    def size_in_bytes(self) -> int:
        """Bytes fetched, an incomplete last batch included."""
        return len(self._data)

    def has_next(self) -> bool:
        """Whether another complete batch follows."""
        return bool(self._batches.has_next())

    def next_batch(self) -> "_LenientBatch":
        """The next complete batch.

        Raises:
            CorruptRecordException: it is too short to be one.
        """
        batch = self._batches.next_batch()
        begin = self._position
        (length,) = struct.unpack_from(">i", self._data, begin + struct.calcsize(">q"))
        self._position += _OVERHEAD + length
        return _LenientBatch(batch, memoryview(self._data)[begin : self._position])


class _LenientBatch:
    """One batch; whatever is not about its records is answered by aiokafka's own."""

    def __init__(self, batch: Any, data: memoryview) -> None:
        self._batch = batch
        self._data = data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        """The next record: how the marker at a transaction's end is read."""
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        read = 0
        try:
            for record in self._batch:
                yield record
                read += 1
        except (UnicodeDecodeError, CorruptRecordException):
            if self._data[struct.calcsize(">qii")] < _FIRST_MAGIC_WITH_HEADERS:
                raise
            for number, record in enumerate(_BatchWithAnyNames(self._data)):
                if number >= read:
                    yield record


class _BatchWithAnyNames(_DefaultRecordBatchPy):  # type: ignore[misc]  # aiokafka has no types
    """aiokafka's Python decoder over a buffer whose pieces decode to something always."""

    _buffer: bytearray

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = _Buffer(self._buffer)


class _Buffer(bytearray):
    def __getitem__(self, at: Any) -> Any:
        piece = super().__getitem__(at)
        return _Buffer(piece) if isinstance(piece, bytearray) else piece

    def decode(self, encoding: str = "utf-8", errors: str = "surrogateescape") -> str:
        return super().decode(encoding, errors)


def install() -> None:
    """Let every consumer of this process read batches this way; aiokafka has no setting for it."""
    fetcher.MemoryRecords = LenientRecords
