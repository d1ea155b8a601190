"""Topics to be created, as the brokers take them: aiokafka's own class refuses the brokers' defaults, which are written -1."""

from collections.abc import Mapping

from aiokafka.admin import NewTopic


def new_topic(
    name: str, *, partitions: int, replication: int, configs: Mapping[str, str] | None = None
) -> NewTopic:
    """For `create_topics`; -1 for the number of partitions or of replicas is what the brokers' own settings say."""
    topic = NewTopic(name, 1, 1, topic_configs=dict(configs or {}))
    topic.num_partitions, topic.replication_factor = partitions, replication
    return topic
