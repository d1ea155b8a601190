"""The topics' side: every record that is in Kafka now, read without a consumer group so that nobody notices."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from auditor.observations import Log, Record
from auditor.sources.records import BadRecordError, decoded
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
    """The partitions' bounds, then every record within them, in blocks. Raises TopicStalledError."""
    async with _consumer(target, begin="earliest") as consumer:
        bounds = await _bounds(consumer, target)
        yield bounds
        end_of = {
            TopicPartition(target.in_kafka(bound.topic), bound.partition): bound.end
            for bound in bounds
            if bound.end > bound.first
        }
        empty = 0
        while end_of:
            arrived = await consumer.getmany(*end_of, timeout_ms=_POLL_MS)
            empty = 0 if arrived else empty + 1
            if empty > _PATIENCE:
                raise TopicStalledError(f"no records from {', '.join(map(str, end_of))} for {_PATIENCE} s")
            for partition, records in arrived.items():
                topic = target.plain(partition.topic)
                yield [_record(topic, record) for record in records if record.offset < end_of[partition]]
            # The position counts, not the last record: compaction may have taken what was before the end.
            end_of = {p: end for p, end in end_of.items() if await consumer.position(p) < end}


@asynccontextmanager
async def _consumer(target: Target, *, begin: str) -> AsyncIterator[AIOKafkaConsumer]:
    """Without a group a consumer assigns itself every partition of its topics."""
    async with AIOKafkaConsumer(
        *map(target.in_kafka, target.topics()),
        bootstrap_servers=target.bootstrap,
        auto_offset_reset=begin,
        enable_auto_commit=False,
        max_partition_fetch_bytes=4 << 20,
    ) as consumer:
        yield consumer


async def _bounds(consumer: AIOKafkaConsumer, target: Target) -> list[Log]:
    partitions = sorted(consumer.assignment())
    first, end = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
    return [Log(target.plain(p.topic), p.partition, first[p], end[p]) for p in partitions]


def _record(topic: str, record: "ConsumerRecord[bytes, bytes]") -> Record:
    at = Record(topic, record.partition, record.offset)
    if record.key is None or record.value is None:
        return at._replace(fault="no key" if record.key is None else "no value")
    try:
        key, version, body = decoded(topic, key=record.key, value=record.value)
        source = dict(record.headers)["ce_id"].decode()
    except (BadRecordError, KeyError, UnicodeDecodeError) as error:
        return at._replace(fault=str(error))
    return at._replace(source=source, key=key, version=version, body=body)
