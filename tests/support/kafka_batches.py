"""Record batches that no client library would make: what a broker takes all the same."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy


@dataclass(frozen=True, slots=True, kw_only=True)
class RawRecord:
    """A record whose headers' names are bytes."""

    value: bytes | None
    key: bytes | None = None
    headers: Sequence[tuple[bytes, bytes | None]] = ()


class _Name(str):
    """A header's name that is encoded to the bytes it was made of."""

    __slots__ = ()

    def encode(self, encoding: str = "latin-1", errors: str = "strict") -> bytes:  # noqa: ARG002 - a str's signature
        return super().encode("latin-1")


def batch_builder(records: Sequence[RawRecord], *, compression: int = 0) -> _DefaultRecordBatchBuilderPy:
    """A builder that holds `records` as one batch."""
    builder = _DefaultRecordBatchBuilderPy(2, compression, 0, -1, -1, -1, 10 * 2**20)
    for number, each in enumerate(records):
        headers = [(_Name(name.decode("latin-1")), value) for name, value in each.headers]
        assert builder.append(number, None, each.key, each.value, headers) is not None
    return builder


async def send_raw(producer: AIOKafkaProducer, topic: str, partition: int, *records: RawRecord) -> int:
    """All of `records` in one batch; gives the offset of the first."""
    batch = producer.create_batch()
    for each in records:
        batch.append(key=each.key, value=each.value, timestamp=None)
    batch.close()
    batch._builder = batch_builder(records)  # noqa: SLF001 - the only way to bytes that a library would not write
    sent = await (await producer.send_batch(batch, topic, partition=partition))
    return int(sent.offset)
