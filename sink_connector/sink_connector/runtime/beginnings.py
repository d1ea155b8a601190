"""Where the partitions of a connector begin that have no stored offset."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.client import AIOKafkaClient

from sink_connector.runtime.subscription import Subscription
from sink_connector.runtime.topic_ids import topic_ids
from sink_connector.sink.offsets import UNSET, Beginning, Partition


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginnings:
    """`reset` is `auto.offset.reset`; with `none`, a partition that it counts for begins at `UNSET`. `client` is for questions to the cluster; the group is asked by the consumer that is given."""

    client: AIOKafkaClient
    subscription: Subscription
    reset: str

    async def of_all(self, consumer: AIOKafkaConsumer) -> dict[Partition, Beginning]:
        """Where the very first start begins with `latest` or `none`, in every partition that there is by then."""
        cluster = await self.client.fetch_all_metadata()
        partitions = sorted(
            TopicPartition(topic, partition)
            for topic in cluster.topics()
            if self.subscription.has(topic)
            for partition in cluster.partitions_for_topic(topic) or ()
        )
        if not partitions:
            return {}
        ids = await self._ids(partitions)
        resets = await self._resets(consumer, partitions)
        found = await _beginnings(consumer, ids, firsts=resets, resets=resets)
        return {Partition(*partition): beginning for partition, beginning in found.items()}

    async def of(
        self, consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]
    ) -> dict[TopicPartition, Beginning]:
        """Where to begin if nothing is stored yet: where the group (a JVM worker's) was, else at the partition's beginning.

        After the offsets were reset, `auto.offset.reset` counts.
        """
        if not partitions:
            return {}
        ids = await self._ids(partitions)
        starts = await consumer.beginning_offsets(partitions)
        resets = starts if self.reset == "earliest" else await self._resets(consumer, partitions)
        return await _beginnings(consumer, ids, firsts=starts, resets=resets)

    async def _resets(
        self, consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]
    ) -> Mapping[TopicPartition, int]:
        if self.reset == "latest":
            ends: Mapping[TopicPartition, int] = await consumer.end_offsets(partitions)
            return ends
        return dict.fromkeys(partitions, UNSET)

    async def _ids(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, str]:
        """The ids of their topics. Asked for before any offset: a topic made anew in between is noticed by its id then."""
        ids = await topic_ids(self.client, {partition.topic for partition in partitions})
        return {partition: ids.get(partition.topic, "") for partition in partitions}


async def _beginnings(
    consumer: AIOKafkaConsumer,
    ids: Mapping[TopicPartition, str],
    *,
    firsts: Mapping[TopicPartition, int],
    resets: Mapping[TopicPartition, int],
) -> dict[TopicPartition, Beginning]:
    beginnings = {}
    for partition, topic_id in ids.items():
        committed = await consumer.committed(partition)
        first = firsts[partition] if committed is None else committed
        beginnings[partition] = Beginning(first=first, reset=resets[partition], topic_id=topic_id)
    return beginnings
