"""Records read to be looked at: no consumer group, no offset committed, no topic made."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import RecordTooLargeError

from sink_connector.errors import SinkError
from sink_connector.runtime import record_batches
from sink_connector.runtime.kafka_options import client_options

POLL_MS = 500
IDLE_POLLS = 20  # without a record, after which what is missing counts as not there
OF_A_GROUP = ("group_instance_id", "session_timeout_ms", "heartbeat_interval_ms", "max_poll_interval_ms")


class Extent(NamedTuple):
    """The offsets that a partition may have: from `first` up to `end`, which is the next one to be written."""

    first: int
    end: int


@dataclass(frozen=True, slots=True)
class TopicReader:
    """Reads what is there. Whatever the connector would not see (open and aborted transactions) is not there."""

    client: AIOKafkaClient
    consumer: AIOKafkaConsumer

    async def partitions(self) -> set[TopicPartition]:
        """Every partition of the cluster."""
        cluster = await self.client.fetch_all_metadata()
        return {
            TopicPartition(topic, partition)
            for topic in cluster.topics(exclude_internal_topics=False)
            for partition in cluster.partitions_for_topic(topic) or ()
        }

    async def extents(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, Extent]:
        """Of partitions that exist."""
        self.consumer.assign(list(partitions))
        firsts = await self.consumer.beginning_offsets(partitions)
        ends = await self.consumer.end_offsets(partitions)
        return {partition: Extent(firsts[partition], ends[partition]) for partition in partitions}

    async def read(
        self, spans: Mapping[TopicPartition, Extent], most: Mapping[TopicPartition, int]
    ) -> list[ConsumerRecord]:
        """At most so many records of each partition, in the order of each; only offsets within its span."""
        found: dict[TopicPartition, list[ConsumerRecord]] = {}
        waiting = {
            partition for partition, span in spans.items() if span.first < span.end and most[partition]
        }
        self.consumer.assign(sorted(waiting))
        for partition in waiting:
            self.consumer.seek(partition, spans[partition].first)
        idle = 0
        while waiting and idle < IDLE_POLLS:
            polled = await self._poll(waiting)
            idle = 0 if polled else idle + 1
            for partition, records in polled.items():
                kept = found.setdefault(partition, [])
                kept += [record for record in records if record.offset < spans[partition].end]
                del kept[most[partition] :]
            for partition in list(waiting):
                full = len(found.get(partition, ())) == most[partition]
                if full or await self.consumer.position(partition) >= spans[partition].end:
                    waiting.discard(partition)
        return [record for _, records in sorted(found.items()) for record in records]

    async def _poll(self, waiting: set[TopicPartition]) -> dict[TopicPartition, list[ConsumerRecord]]:
        try:
            polled: dict[TopicPartition, list[ConsumerRecord]] = await self.consumer.getmany(
                *waiting, timeout_ms=POLL_MS
            )
        except RecordTooLargeError as error:
            raise SinkError(
                f"a record is larger than consumer.override.max.partition.fetch.bytes: {error}"
            ) from error
        return polled


@asynccontextmanager
async def topic_reader(options: Mapping[str, Any]) -> AsyncIterator[TopicReader]:
    """A reader with a connector's consumer options. Raises aiokafka's errors."""
    record_batches.install()  # a header whose name is not UTF-8 is to be seen, too
    client = AIOKafkaClient(**client_options(options))
    try:
        await client.bootstrap()
        lone = {name: value for name, value in options.items() if name not in OF_A_GROUP}
        consumer = AIOKafkaConsumer(
            **lone | {"group_id": None, "auto_offset_reset": "none", "enable_auto_commit": False}
        )
        try:
            await consumer.start()
            yield TopicReader(client, consumer)
        finally:
            await consumer.stop()
    finally:
        await client.close()


def shares(extents: Mapping[TopicPartition, Extent], most: int) -> dict[TopicPartition, int]:
    """How many of `most` records to take from each partition: as evenly as their sizes allow."""
    left = {partition: extent.end - extent.first for partition, extent in sorted(extents.items())}
    found = dict.fromkeys(left, 0)
    while most > 0 and any(left.values()):
        some = [partition for partition, size in left.items() if size]
        each = max(1, most // len(some))
        for partition in some:
            taken = min(each, left[partition], most)
            found[partition] += taken
            left[partition] -= taken
            most -= taken
    return found
