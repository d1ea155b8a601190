"""What is in a topic of `persisted.topic.name`."""

from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.support.waiting import wait_until

Sent = tuple[int, int]  # partition and offset of what was committed


async def persisted(bootstrap: str, topic: str) -> list[tuple[dict[str, bytes], bytes | None, bytes | None]]:
    """Headers, key and value of every record of a topic, partition by partition."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, each) for each in await _partitions(consumer, topic)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        found = []
        for partition, end in ends.items():
            while await consumer.position(partition) < end:
                polled = await consumer.getmany(partition, timeout_ms=500)
                found += [(dict(each.headers), each.key, each.value) for each in polled.get(partition, ())]
        return found
    finally:
        await consumer.stop()


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> Sequence[int]:
    await consumer._client._wait_on_metadata(topic)  # noqa: SLF001 - the only way to ask without a group
    return sorted(consumer.partitions_for_topic(topic) or ())


async def places(bootstrap: str, topic: str) -> list[Sent]:
    """Where each record of a topic was committed from."""
    return [
        (int(headers["__sink.partition"]), int(headers["__sink.offset"]))
        for headers, _, _ in await persisted(bootstrap, topic)
    ]


async def wait_until_sent(bootstrap: str, topic: str, wanted: set[Sent]) -> list[Sent]:
    """The places, once they are all those wanted or more."""

    async def sent() -> list[Sent] | None:
        found = await places(bootstrap, topic)
        return found if wanted <= set(found) else None

    found = await wait_until(sent, timeout_s=60, every_s=0.5, what=f"{len(wanted)} records in {topic}")
    assert found is not None
    return found
