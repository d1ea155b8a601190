"""The topics job ends when every broker knows the topics: a client may ask any one, and a consumer asks no other for minutes."""

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import NodeNotReadyError

from demo.home import REPOSITORY

PARTITIONS = 2


@pytest.fixture
def job() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "create_topics", REPOSITORY / "infra" / "kafka" / "create_topics.py"
    )
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True, slots=True)
class Admin:
    """A client of brokers each of which tells of so many partitions of a topic; None: it cannot be asked yet."""

    told: Mapping[int, int | None]
    leader: int = 1

    @property
    def _client(self) -> Any:
        async def force_metadata_update() -> bool:
            return True

        brokers = [SimpleNamespace(nodeId=node) for node in self.told]
        return SimpleNamespace(
            force_metadata_update=force_metadata_update, cluster=SimpleNamespace(brokers=lambda: brokers)
        )

    async def _send_request(self, _request: object, node: int) -> Any:
        count = self.told[node]
        if count is None:
            raise NodeNotReadyError(node)
        partitions: list[Any] = [(0, number, self.leader, [1], [1], []) for number in range(count)]
        return SimpleNamespace(topics=[(0 if count else 3, "orders", False, partitions)])


async def led(job: ModuleType, admin: Admin) -> bool:
    topics = [job.Topic(name="orders", partitions=PARTITIONS)]
    return bool(await job.all_led(admin, topics))


@pytest.mark.parametrize("behind", [0, None], ids=["does not know it", "does not answer"])
async def test_a_topic_is_there_when_the_last_of_the_brokers_knows_it(
    job: ModuleType, behind: int | None
) -> None:
    assert not await led(job, Admin({1: PARTITIONS, 2: PARTITIONS, 3: behind}))
    assert await led(job, Admin({1: PARTITIONS, 2: PARTITIONS, 3: PARTITIONS}))


async def test_a_partition_without_a_leader_is_waited_for(job: ModuleType) -> None:
    assert not await led(job, Admin({1: PARTITIONS}, leader=-1))


async def test_a_topic_of_another_shape_is_told(job: ModuleType) -> None:
    with pytest.raises(job.TopicsError, match="has 3 partitions, 2 are declared"):
        await led(job, Admin({1: 3}))


def test_kafka_spreads_the_lead_unless_brokers_are_named(job: ModuleType) -> None:
    topic = job.Topic(name="orders", partitions=PARTITIONS, config={"retention.ms": "-1"})
    new = job.new_topic(topic, replication=3, brokers=[])
    assert (new.num_partitions, new.replication_factor, new.replica_assignments) == (PARTITIONS, 3, {})
    assert new.topic_configs == topic.config


@pytest.mark.parametrize("replication", [1, 2, 3])
def test_together_one_broker_leads_every_partition_and_the_same_ones_have_its_copies(
    job: ModuleType, replication: int
) -> None:
    topic = job.Topic(name="orders", partitions=PARTITIONS, config={"retention.ms": "-1"})
    new = job.new_topic(topic, replication=replication, brokers=[3, 1, 2])
    assert new.replica_assignments == dict.fromkeys(range(PARTITIONS), [1, 2, 3][:replication])
    assert (new.num_partitions, new.replication_factor) == (-1, -1)
    assert new.topic_configs == topic.config
