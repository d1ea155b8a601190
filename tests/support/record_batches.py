"""Record batches that no client library would make, and a broker takes all the same: names of headers are any bytes."""

from collections.abc import Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

MOST_BYTES = 10 * 2**20


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A record as it goes over the wire; the name of a header may be bytes."""

    key: bytes | None = None
    value: bytes | None = None
    headers: Sequence[tuple[str | bytes, bytes | None]] = ()


class _RawName(str):
    """A header's name that is encoded to the bytes it was made of."""

    __slots__ = ()

    def encode(self, encoding: str = "latin-1", errors: str = "strict") -> bytes:  # noqa: ARG002 - a str's signature
        return super().encode("latin-1")


def batch_builder(records: Sequence[RawRecord], *, compression: int = 0) -> _DefaultRecordBatchBuilderPy:
    """A builder that holds the records as one batch."""
    builder = _DefaultRecordBatchBuilderPy(2, compression, 0, -1, -1, -1, MOST_BYTES)
    for number, each in enumerate(records):
        headers = [(_name(name), value) for name, value in each.headers]
        assert builder.append(number, None, each.key, each.value, headers) is not None
    return builder


async def send_batch(
    producer: AIOKafkaProducer,
    topic: str,
    records: Sequence[RawRecord],
    *,
    partition: int = 0,
    compression: int = 0,
) -> int:
    """All of them in one batch of one partition; gives the offset of the first."""
    batch = producer.create_batch()
    for each in records:
        batch.append(key=each.key, value=each.value, timestamp=None)
    batch.close()
    batch._builder = batch_builder(records, compression=compression)  # noqa: SLF001 - its own would not take such names
    sent = await (await producer.send_batch(batch, topic, partition=partition))
    return int(sent.offset)


async def send_raw(
    bootstrap: str, topic: str, records: Sequence[RawRecord], *, partition: int = 0, compression: int = 0
) -> int:
    """`send_batch` with a producer of its own."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        return await send_batch(producer, topic, records, partition=partition, compression=compression)


def _name(name: str | bytes) -> str:
    return _RawName(name.decode("latin-1")) if isinstance(name, bytes) else name
