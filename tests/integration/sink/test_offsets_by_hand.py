"""Offsets that are changed over REST, where Kafka Connect changes those of a consumer group."""

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from sink_connector.config.connector import ConnectorConfig
from sink_connector.config.worker import WorkerConfig
from sink_connector.runtime.connector_definition import define_connector
from sink_connector.runtime.stored_offsets import NoPartitionError
from sink_connector.sink.offsets import Partition
from tests.conftest import MakeTopic
from tests.support.sink import configuration, stored_offsets
from tests.support.topics import is_gone
from tests.support.waiting import wait_until


def config_of(database: str, topic: str) -> ConnectorConfig:
    return define_connector(configuration(database, topics=topic), WorkerConfig()).config


async def test_an_offset_of_a_topic_that_the_connector_does_not_read_is_kept_and_shown(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    """As Connect does: a group may have an offset of any partition there is."""
    read, other = await make_topic(), await make_topic(partitions=2)
    config = config_of(database, read)
    async with stored_offsets(kafka_bootstrap) as offsets:
        await offsets.alter(config, {Partition(other, 1): 5, Partition(read, 0): 3})
        assert await offsets.read(config) == {Partition(other, 1): 5, Partition(read, 0): 3}
        await offsets.alter(config, {Partition(other, 1): None})
        assert await offsets.read(config) == {Partition(read, 0): 3}
        for absent in (Partition(other, 2), Partition(f"{other}-absent", 0), Partition("a\0", 0)):
            with pytest.raises(NoPartitionError):
                await offsets.alter(config, {absent: 1, Partition(read, 0): 4})
        assert await offsets.read(config) == {Partition(read, 0): 3}
        await offsets.alter(config, {Partition(other, 0): 2})
        await offsets.reset(config)
        assert await offsets.read(config) == {}


async def test_the_offset_of_a_topic_that_is_gone_can_be_taken_back(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    """Kafka forgets it with the topic; here it would be shown for ever."""
    topic = await make_topic()
    config = config_of(database, topic)
    async with stored_offsets(kafka_bootstrap) as offsets:
        await offsets.alter(config, {Partition(topic, 0): 5})
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
        await admin.start()
        try:
            await admin.delete_topics([topic])
            await wait_until(lambda: is_gone(admin, topic), what="the topic is gone")
        finally:
            await admin.close()
        with pytest.raises(NoPartitionError):
            await offsets.alter(config, {Partition(topic, 0): 6})
        await offsets.alter(config, {Partition(topic, 0): None})
        assert await offsets.read(config) == {}
