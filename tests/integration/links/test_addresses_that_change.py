"""The name of a broker or a database leads to another address from some moment on. Invariants: LIVE, ACCT: it is followed, and nothing is lost or doubled."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devservers.kafka import LinkListener
from devservers.kafka_cluster import KafkaCluster
from devservers.ports import HOST, free_ports
from tests.conftest import MakeTopic, own_topics
from tests.integration.order.conftest import built_clusters
from tests.support.moving_address import MovingAddress, moving_address
from tests.support.sink import (
    INT64,
    Message,
    configuration,
    connected,
    execute,
    rows,
    send,
    struct,
    wait_until_read,
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

KAFKA, POSTGRES = "kafka.test", "postgres.test"
COUNTED = "SELECT count(*), count(DISTINCT id) FROM numbers"
ORDERS = 10


def message(number: int) -> Message:
    return Message(value=struct({"id": number}, id=INT64), partition=number % 2)


@pytest.fixture
async def broker(
    session_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[MovingAddress, str]]:
    """A broker that tells its clients a name; and its address for those that come directly."""
    inside, through = free_ports(2)
    listener = LinkListener(name="NAMED", port=inside, advertised_port=through, advertised_host=KAFKA)
    directory = session_directory / f"moving-kafka-{uuid.uuid4().hex[:6]}"
    async with (
        moving_address(f"kafka://{HOST}:{inside}", monkeypatch, name=KAFKA, port=through) as moving,
        KafkaCluster(directory=directory, links=[[listener]]) as kafka,
    ):
        yield moving, kafka.bootstrap


async def test_a_sink_follows_its_database_to_another_address(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = await make_topic(partitions=2)
    await execute(database, "CREATE TABLE numbers (id bigint)")
    async with moving_address(database, monkeypatch, name=POSTGRES) as moving:
        given = configuration(moving.dsn, topics=topic, table__name__format="numbers")
        await send(kafka_bootstrap, topic, map(message, range(1_000)))
        async with connected(kafka_bootstrap, given) as connector:
            await wait_until_read(connector, topic, 1_000)
            moving.move()
            await send(kafka_bootstrap, topic, map(message, range(1_000, 2_000)))
            await wait_until_read(connector, topic, 2_000, timeout_s=60)
    assert await rows(database, COUNTED) == [(2_000, 2_000)]


async def test_a_sink_follows_a_broker_to_another_address(
    broker: tuple[MovingAddress, str], database: str
) -> None:
    moving, direct = broker
    await execute(database, "CREATE TABLE numbers (id bigint)")
    async with own_topics(direct, replication=1) as make_topic:
        topic = await make_topic(partitions=2)
        given = configuration(database, topics=topic, table__name__format="numbers")
        await send(direct, topic, map(message, range(1_000)))
        async with connected(moving.place, given) as connector:
            await wait_until_read(connector, topic, 1_000)
            moving.move()
            await send(direct, topic, map(message, range(1_000, 2_000)))
            await wait_until_read(connector, topic, 2_000, timeout_s=60)
    assert await rows(database, COUNTED) == [(2_000, 2_000)]


async def test_an_instance_follows_its_broker_to_another_address(
    broker: tuple[MovingAddress, str], database: str
) -> None:
    moving, direct = broker

    async def url() -> str:
        return database.replace("postgresql:", "postgresql+asyncpg:")

    async with (
        own_topics(direct, replication=1) as make_topic,
        built_clusters(url, make_topic, moving.place) as make,
    ):
        shop = await (await make()).start()
        await shop[1].product("tea")
        await shop[1].reaches(await shop[1].placed(("tea", 1)), "CONFIRMED")
        moving.move()
        for order in [await shop[1].placed(("tea", 1)) for _ in range(ORDERS)]:
            await shop[1].reaches(order, "CONFIRMED", timeout_s=60)
