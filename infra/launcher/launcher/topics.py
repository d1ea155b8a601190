"""The topics of `infra/kafka/topics.json`, created where they are missing."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from launcher.graph import JobError
from launcher.home import REPOSITORY
from launcher.waiting import until

TOPICS_FILE = REPOSITORY / "infra" / "kafka" / "topics.json"
NO_ERROR = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    name: str
    partitions: int
    config: dict[str, str] = field(default_factory=dict)


def declared(path: Path = TOPICS_FILE) -> tuple[Topic, ...]:
    """Read the topics the stack needs."""
    return tuple(Topic(**topic) for topic in json.loads(path.read_text()))


async def ensure(
    topics: tuple[Topic, ...], *, bootstrap: str, replication: int, timeout_s: float = 60.0
) -> None:
    """Create what is missing and wait until every partition has a leader.

    Raises JobError when a topic is there with another number of partitions (keys would change their partition), or
    the leaders are not elected in time.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        there = set(await admin.list_topics())
        missing = [topic for topic in topics if topic.name not in there]
        if missing:
            await _create(admin, missing, replication=replication)
        if not await until(lambda: _all_led(admin, topics), timeout_s=timeout_s):
            raise JobError(f"some partitions have no leader after {timeout_s:.0f} s")
    finally:
        await admin.close()


async def _create(admin: AIOKafkaAdminClient, topics: list[Topic], *, replication: int) -> None:
    answer = await admin.create_topics(
        [
            NewTopic(
                t.name, num_partitions=t.partitions, replication_factor=replication, topic_configs=t.config
            )
            for t in topics
        ]
    )
    for name, code, *message in answer.topic_errors:
        if code != NO_ERROR:
            raise JobError(f"topic {name} was not created: {message[0] if message else f'error {code}'}")


async def _all_led(admin: AIOKafkaAdminClient, topics: tuple[Topic, ...]) -> bool:
    described = {t["topic"]: t for t in await admin.describe_topics([t.name for t in topics])}
    for topic in topics:
        partitions = described[topic.name]["partitions"]
        if any(partition["leader"] < 0 for partition in partitions) or not partitions:
            return False
        if len(partitions) != topic.partitions:
            raise JobError(
                f"topic {topic.name} has {len(partitions)} partitions, {TOPICS_FILE.name} says {topic.partitions}; "
                "`./demo down --volumes` makes it anew"
            )
    return True
