"""What the catalog knows of Kafka's brokers: a lost connection is not a lost broker, and no answer not an empty list."""

from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import NodeNotReadyError

from catalog_service.monitoring.brokers import Brokers

NOWHERE = "127.0.0.1:9"


@pytest.fixture
async def cluster(kafka_bootstrap: str) -> AsyncIterator[Brokers]:
    """One that has not asked yet."""
    async with aclosing(Brokers(kafka_bootstrap)) as cluster:
        yield cluster


async def test_it_names_every_broker_and_one_controller(cluster: Brokers) -> None:
    brokers = await cluster.brokers()
    assert len(brokers) == 3
    assert all(each.up for each in brokers)
    assert sum(each.controller for each in brokers) == 1


async def test_one_question_into_the_void_is_asked_again(
    cluster: Brokers, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await cluster.brokers()
    asked = []
    describe = AIOKafkaAdminClient.describe_cluster

    async def first_of_a_broker_that_has_just_gone(admin: AIOKafkaAdminClient) -> object:
        asked.append(admin)
        if len(asked) == 1:
            raise NodeNotReadyError
        return await describe(admin)

    monkeypatch.setattr(AIOKafkaAdminClient, "describe_cluster", first_of_a_broker_that_has_just_gone)
    assert await cluster.brokers() == before
    assert len(set(asked)) == 2, "the second question takes new connections"


async def test_while_nobody_answers_every_broker_once_seen_is_down(cluster: Brokers) -> None:
    seen = await cluster.brokers()
    cluster.bootstrap = NOWHERE
    await cluster.aclose()
    brokers = await cluster.brokers()
    assert [each.node_id for each in brokers] == [each.node_id for each in seen]
    assert not any(each.up or each.controller for each in brokers)


async def test_before_the_first_answer_there_are_none() -> None:
    async with aclosing(Brokers(NOWHERE)) as cluster:
        assert await cluster.brokers() == []
