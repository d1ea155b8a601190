"""Reading records whose header names are not UTF-8, which Kafka stores and aiokafka does not decode.

One such record makes aiokafka's decoder give up the whole batch that it came in.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiokafka.consumer import fetcher
from aiokafka.record import memory_records
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.legacy_records import _LegacyRecordBatchPy

_MAGIC_OFFSET = 16
_FIRST_WITH_HEADERS = 2


class _LenientBuffer(bytearray):
    """Bytes whose slices are decoded with a replacement for what is no text."""

    def __getitem__(self, index: Any) -> Any:
        value = super().__getitem__(index)
        return _LenientBuffer(value) if isinstance(index, slice) else value

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        """The text, with a replacement character where there is none."""
        return super().decode(encoding, errors if errors != "strict" else "replace")


class _LenientBatch(_DefaultRecordBatchPy):  # type: ignore[misc]
    _buffer: bytearray

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = _LenientBuffer(self._buffer)


class _LenientRecords(memory_records._MemoryRecordsPy):  # type: ignore[misc]  # noqa: SLF001
    def next_batch(self, *_: Any) -> Any:
        batch = self._next_slice
        if batch is None:
            return None
        self._cache_next()
        magic = batch[_MAGIC_OFFSET]
        return _LenientBatch(batch) if magic >= _FIRST_WITH_HEADERS else _LegacyRecordBatchPy(batch, magic)


@contextmanager
def lenient_decoding() -> Iterator[None]:
    """Let every consumer of this process decode so; several times slower than what aiokafka does by itself."""
    before = fetcher.MemoryRecords
    fetcher.MemoryRecords = _LenientRecords
    try:
        yield
    finally:
        fetcher.MemoryRecords = before
