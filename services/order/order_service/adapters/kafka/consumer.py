"""One topic, read without a consumer group from positions that the caller keeps.

The only module that knows aiokafka's consumer, and its one weakness: the name of a record's header is decoded strictly, so
that one name that is not UTF-8 makes the whole fetch fail, over and over (`UnicodeDecodeError` from its C extension,
`CorruptRecordException` from its decoder in Python). Here such a record arrives like any other.
"""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeAlias

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.errors import (
    CorruptRecordException,
    KafkaError,
    OffsetOutOfRangeError,
    UnknownTopicOrPartitionError,
)
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

from order_service.adapters.kafka.closing import check_whole, close_consumer
from order_service.adapters.kafka.topic_ids import topic_ids

KAFKA_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 2.0
# How long a broker keeps a fetch that finds nothing. Longer would be cheaper still, but a connection answers one question
# after the other, and after a broker has died the one for the new leaders comes too.
FETCH_WAIT_MS = 1_000

Record: TypeAlias = "ConsumerRecord[Any, Any]"
"""Its header names hold lone surrogates where their bytes are not UTF-8."""


class ConsumerError(Exception):
    """Kafka does not give what was asked for; it may do so later."""


class PositionLostError(ConsumerError):
    """The topic no longer has, or not yet has, what these partitions' positions point to."""

    def __init__(self, positions: Mapping[int, int]) -> None:
        """`positions`: partition → the offset that is not there."""
        super().__init__(f"no record at {dict(positions)} (partition: offset)")
        self.positions = positions


@dataclass(frozen=True, slots=True)
class TopicConsumer:
    """`partitions` are those the topic had when it was opened; `topic_id` is None when the brokers have no ids."""

    topic: str
    topic_id: str | None
    partitions: tuple[int, ...]
    _consumer: AIOKafkaConsumer
    _has_old_login: Callable[[], bool]

    async def begin(self, positions: Mapping[int, int]) -> dict[int, int]:
        """Read each partition from its position, or from its beginning; answers where each of them ends now."""
        with _translated():
            async with asyncio.timeout(KAFKA_TIMEOUT_S):
                taken = [TopicPartition(self.topic, number) for number in self.partitions]
                begins = await self._consumer.beginning_offsets(taken)
                self._consumer.assign(taken)
                for tp in taken:
                    self._consumer.seek(tp, max(positions.get(tp.partition, 0), begins[tp]))
                ends = await self._consumer.end_offsets(taken)
                return {tp.partition: end for tp, end in ends.items()}

    async def poll(self, *, timeout_s: float, limit: int) -> list[Record]:
        """At most `limit` records, each partition's in order; none when `timeout_s` passes without any."""
        with _translated():
            check_whole(self._consumer)
            found = await self._consumer.getmany(timeout_ms=round(timeout_s * 1000), max_records=limit)
        return [record for records in found.values() for record in records]

    async def check_topic(self) -> None:
        """Raise `ConsumerError` when the topic has been deleted, or made anew, since this consumer was opened.

        Also when the log-in is another: with the old one its connections last, but a broker that comes back lets none in,
        and aiokafka tries for ever without a word.
        """
        if self._has_old_login():
            raise ConsumerError("the log-in at the brokers has changed")
        with _translated():
            async with asyncio.timeout(KAFKA_TIMEOUT_S):
                ids = await topic_ids(self._consumer._client, [self.topic])  # noqa: SLF001 - it has the connections
        if (ids.get(self.topic) or None) != self.topic_id:
            raise ConsumerError(f"topic {self.topic} is no longer the one with the id {self.topic_id}")

    async def behind(self, ends: Mapping[int, int]) -> dict[int, int]:
        """Those of `ends` that have not been read up to."""
        with _translated():
            return {
                number: end
                for number, end in ends.items()
                if await self._consumer.position(TopicPartition(self.topic, number)) < end
            }

    def held_back(self) -> dict[int, int]:
        """Partition → the offset from which on records cannot be read, for a transaction of their producer is open."""
        found = {}
        for number in self.partitions:
            partition = TopicPartition(self.topic, number)
            stable, end = self._consumer.last_stable_offset(partition), self._consumer.highwater(partition)
            if stable is not None and end is not None and 0 <= stable < end:
                found[number] = stable
        return found


@contextlib.asynccontextmanager
async def open_topic(
    bootstrap: str, topic: str, *, security: Callable[[], Mapping[str, Any]] = dict
) -> AsyncIterator[TopicConsumer]:
    """A consumer of all partitions of the topic; `security` gives its log-in.

    Raises `ConsumerError` when there is no such topic, or no broker.
    """
    fetcher.MemoryRecords = TolerantRecords
    login = security()

    def has_old_login() -> bool:
        try:
            now = security()
        except OSError:  # a file that is being replaced
            return False
        return any(
            now.get(name) != login.get(name) for name in ("sasl_plain_username", "sasl_plain_password")
        )

    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
        fetch_max_wait_ms=FETCH_WAIT_MS,
        metadata_max_age_ms=30_000,
        **login,
    )
    try:
        with _translated():
            async with asyncio.timeout(KAFKA_TIMEOUT_S):
                await consumer.start()
                numbers = consumer.partitions_for_topic(topic)
                if not numbers:
                    raise UnknownTopicOrPartitionError(topic)
                ids = await topic_ids(consumer._client, [topic])  # noqa: SLF001 - it has the connections
                consumer.unsubscribe()  # it was there to learn the partitions; where to begin is the caller's to say
        yield TopicConsumer(topic, ids.get(topic) or None, tuple(sorted(numbers)), consumer, has_old_login)
    finally:
        await close_consumer(consumer, within_s=STOP_TIMEOUT_S)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OffsetOutOfRangeError as error:
        raise PositionLostError({tp.partition: at for tp, at in error.args[0].items()}) from error
    except (KafkaError, TimeoutError, OSError) as error:
        raise ConsumerError(repr(error)) from error


class TolerantRecords:
    """The batches of one fetch, as aiokafka's `MemoryRecords`; their header names need not be UTF-8."""

    _FRAME = struct.Struct(">qi")  # base offset and length, in front of every batch
    _MAGIC_AT = 16
    _WITH_HEADERS = 2

    def __init__(self, data: bytes) -> None:
        """`data`: batches as the broker sent them, the last one perhaps cut."""
        self._data = memoryview(data)
        self._at = 0
        self._records = MemoryRecords(data)

    def size_in_bytes(self) -> int:
        """As of `MemoryRecords`."""
        size: int = self._records.size_in_bytes()
        return size

    def has_next(self) -> bool:
        """There is another whole batch."""
        there: bool = self._records.has_next()
        return there

    def next_batch(self) -> Any:
        """The next batch; None when there is no other."""
        batch = self._records.next_batch()
        if batch is None:
            return None
        begin = self._at
        _, length = self._FRAME.unpack_from(self._data, begin)
        self._at = begin + self._FRAME.size + length
        if self._data[begin + self._MAGIC_AT] < self._WITH_HEADERS:
            return batch
        return _TolerantBatch(batch, self._data[begin : self._at])


class _TolerantBatch:
    """A batch that is decoded again, and leniently, from where strict decoding has failed."""

    def __init__(self, batch: Any, data: memoryview) -> None:
        self._batch = batch
        self._data = data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        given = 0
        try:
            for record in self._batch:
                yield record
                given += 1
        except (UnicodeDecodeError, CorruptRecordException):
            yield from islice(_LenientBatch(self._data), given, None)


class _LenientBatch(_DefaultRecordBatchPy):  # type: ignore[misc]  # its decompression and its reading of records are right
    _buffer: bytearray

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = _LenientBytes(self._buffer)


class _LenientBytes(bytearray):
    """Bytes of which any part can be decoded."""

    def __getitem__(self, index: Any) -> Any:
        part = super().__getitem__(index)
        return _LenientBytes(part) if isinstance(part, bytearray) else part

    def decode(self, encoding: str = "utf-8", errors: str = "surrogateescape") -> str:
        return super().decode(encoding, errors)


def partition_sources(topic: str, partitions: Sequence[int]) -> dict[int, str]:
    """Partition → the name under which its position is stored, `topic/partition`."""
    return {number: f"{topic}/{number}" for number in partitions}
