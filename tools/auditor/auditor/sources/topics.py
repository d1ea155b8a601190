"""The topics' side: every record that is in Kafka now, read without a consumer group so that nobody notices."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import CorruptRecordException

from auditor.observations import Log, Record
from auditor.sources.lenient_decoding import lenient_decoding
from auditor.sources.records import BadRecordError, decoded, text_of
from auditor.target import Target

_POLL_MS = 1_000
_PATIENCE = 30
"""Empty polls in a row after which a topic counts as unreadable: an audit ends, whatever Kafka does."""


class TopicStalledError(RuntimeError):
    """Kafka has the records and does not deliver them."""


async def partition_ends(target: Target) -> list[Log]:
    """First and next offset of every partition, now."""
    async with _consumer(target, begin="latest") as consumer:
        return await _bounds(consumer, target)


async def topic_facts(target: Target) -> AsyncIterator[Sequence[Log | Record]]:
    """The partitions' bounds, then every record within them, in blocks. Raises TopicStalledError.

    Every record is given: what cannot be read has a fault.
    """
    async with _consumer(target, begin="earliest") as consumer:
        bounds = await _bounds(consumer, target)
    yield bounds
    reading = _Reading(target, bounds)
    try:
        async for block in reading.blocks():
            yield block
    except (UnicodeDecodeError, CorruptRecordException):
        # A header name that is no text, of which only the slower decoder makes something.
        with lenient_decoding():
            async for block in reading.blocks():
                yield block


class _Reading:
    """Where a reading of the topics stands; it continues there after it was broken off."""

    def __init__(self, target: Target, bounds: Sequence[Log]) -> None:
        self._target = target
        self._next = {_place(target, bound): bound.first for bound in bounds}
        self._end = {_place(target, bound): bound.end for bound in bounds if bound.end > bound.first}

    async def blocks(self) -> AsyncIterator[Sequence[Record]]:
        """Every record that was not given yet."""
        async with _consumer(self._target, begin="earliest") as consumer:
            for partition in self._end:
                consumer.seek(partition, self._next[partition])
            empty = 0
            while self._end:
                arrived = await consumer.getmany(*self._end, timeout_ms=_POLL_MS)
                empty = 0 if arrived else empty + 1
                if empty > _PATIENCE:
                    places = ", ".join(map(str, self._end))
                    raise TopicStalledError(f"no records from {places} for {_PATIENCE} s")
                for partition, records in arrived.items():
                    topic = self._target.plain(partition.topic)
                    yield [_record(topic, each) for each in records if each.offset < self._end[partition]]
                    self._next[partition] = records[-1].offset + 1
                # The position counts, not the last record: compaction may have taken what was before the end.
                self._end = {p: end for p, end in self._end.items() if await consumer.position(p) < end}


def _place(target: Target, bound: Log) -> TopicPartition:
    return TopicPartition(target.in_kafka(bound.topic), bound.partition)


def _login(target: Target) -> dict[str, Any]:
    if not (login := target.kafka_login):
        return {}
    return {
        "security_protocol": "SASL_SSL",
        "ssl_context": ssl.create_default_context(cafile=login["cafile"]),
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": login["username"],
        "sasl_plain_password": login["password"],
    }


@asynccontextmanager
async def _consumer(target: Target, *, begin: str) -> AsyncIterator[AIOKafkaConsumer]:
    """Without a group a consumer assigns itself every partition of its topics."""
    consumer = AIOKafkaConsumer(
        *map(target.in_kafka, target.topics()),
        bootstrap_servers=target.bootstrap,
        auto_offset_reset=begin,
        enable_auto_commit=False,
        max_partition_fetch_bytes=4 << 20,
        **_login(target),
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        # A task of its own: aiokafka's `stop` takes its caller's cancellation for that of a task it ends, and it is lost.
        await asyncio.shield(asyncio.create_task(consumer.stop()))


async def _bounds(consumer: AIOKafkaConsumer, target: Target) -> list[Log]:
    partitions = sorted(consumer.assignment())
    first, end = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
    return [Log(target.plain(p.topic), p.partition, first[p], end[p]) for p in partitions]


def _record(topic: str, record: "ConsumerRecord[bytes, bytes]") -> Record:
    at = Record(topic, record.partition, record.offset)
    if record.key is None or record.value is None:
        return at._replace(fault="no key" if record.key is None else "no value")
    try:
        source = _source(record.headers)
        key, version, body = decoded(topic, key=record.key, value=record.value)
    except BadRecordError as error:
        return at._replace(fault=str(error))
    return at._replace(source=source, key=key, version=version, body=body)


def _source(headers: Sequence[tuple[str, bytes | None]]) -> str:
    """The header `ce_id`. Raises BadRecordError."""
    value = dict(headers).get("ce_id")
    if value is None:
        raise BadRecordError("no header ce_id")
    return text_of(value, what="header ce_id")
