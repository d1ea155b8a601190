"""Records that no honest producer makes: header names that are not UTF-8."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy


class RawName(str):
    """A header name of any bytes."""

    __slots__ = ("_raw",)
    _raw: bytes

    def __new__(cls, raw: bytes) -> Self:
        name = super().__new__(cls, raw.decode(errors="replace"))
        name._raw = raw
        return name

    def encode(self, *_arguments: Any, **_options: Any) -> bytes:
        """The bytes as they were given."""
        return self._raw


@dataclass(frozen=True)
class RawRecord:
    """What a producer is to send."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = field(default=())


def raw_batch(records: Sequence[RawRecord], *, compression: int = 0) -> Any:
    """A builder with the records in one batch."""
    builder = _DefaultRecordBatchBuilderPy(2, compression, 0, -1, -1, 0, 1_000_000)
    for offset, record in enumerate(records):
        made = builder.append(offset, 1, record.key, record.value, list(record.headers))
        assert made is not None
    return builder


async def send_raw(bootstrap: str, topic: str, records: Sequence[RawRecord], *, partition: int = 0) -> None:
    """All of them in one batch of one partition."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    try:
        batch = producer.create_batch()
        batch._builder = raw_batch(records)  # noqa: SLF001 - its own would not take such names
        batch._relative_offset = len(records)  # noqa: SLF001
        await (await producer.send_batch(batch, topic, partition=partition))
    finally:
        await producer.stop()
