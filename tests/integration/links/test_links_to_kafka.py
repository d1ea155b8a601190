"""The link to Kafka is cut, held one way or both ways, slow, or resets in mid-answer. Invariants: ACK, VER, LIVE; ACCT for the sink."""

import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from prometheus_client import REGISTRY

from devservers.tcp_proxy import TcpProxy
from order_service import bootstrap
from order_service.adapters.kafka import publisher
from tests.conftest import own_databases, own_topics
from tests.integration.order.conftest import built_clusters
from tests.support.linked_kafka import LinkedKafka, linked_kafka
from tests.support.order_cluster import OrderCluster, Record, payload
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
from tests.support.waiting import assert_stays, wait_until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow, pytest.mark.timeout(120)]

ORDERS = 20
# Each is struck, and what is struck ends connections or lets the relay give up.
BREAKS: dict[str, Callable[[TcpProxy], None]] = {
    "cut": TcpProxy.cut,
    "held both ways": TcpProxy.hold,
    "requests held": partial(TcpProxy.hold, answers=False),
    "answers held": partial(TcpProxy.hold, requests=False),
    "reset in mid-answer": partial(TcpProxy.reset_answers, after=300),
}
SLOW = {"slow": {"delay_s": 0.3}, "jitter": {"delay_s": 0.05, "jitter_s": 0.4}}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def kafka(session_directory: Path) -> AsyncIterator[LinkedKafka]:
    async with linked_kafka(session_directory / f"linked-kafka-{uuid.uuid4().hex[:6]}") as linked:
        yield linked


@pytest_asyncio.fixture(loop_scope="module")
async def shop(kafka: LinkedKafka, tmp_path: Path) -> AsyncIterator[OrderCluster]:
    """One running instance with a product, `tea`."""

    async def url() -> str:
        return f"sqlite+aiosqlite:///{tmp_path}/order.db"

    async with (
        own_topics(kafka.bootstrap, replication=1) as make_topic,
        built_clusters(url, make_topic, kafka.bootstrap) as make,
    ):
        cluster = await (await make()).start()
        await cluster[1].product("tea")
        await cluster.records("products", at_least=1)
        yield cluster
        kafka.link.heal()


@pytest_asyncio.fixture(loop_scope="module")
async def numbers(postgres_admin_dsn: str) -> AsyncIterator[str]:
    """A database with a table `numbers` that has no key: what is written twice is two rows."""
    async with own_databases(postgres_admin_dsn) as make_database:
        database = await make_database()
        await execute(database, "CREATE TABLE numbers (id bigint)")
        yield database


def restarts() -> float:
    return REGISTRY.get_sample_value("order_relay_restarts_total") or 0.0


def newest_is_last(records: list[Record], *, of: Iterable[str], newest: int) -> bool:
    """Of each of these names, first occurrences ascend and the last record is the newest version."""
    versions: defaultdict[str, list[int]] = defaultdict(list)
    for record in records:
        event = payload(record)
        versions[event.get("order_id") or event["product_id"]].append(event["version"])
    return versions.keys() == set(of) and all(
        each[-1] == newest and list(dict.fromkeys(each)) == list(range(1, newest + 1))
        for each in versions.values()
    )


@pytest.mark.guarantees("G-CMD-10", "G-RELAY-1")
@pytest.mark.parametrize("fault", BREAKS)
async def test_commands_go_on_while_the_link_of_an_instance_is_broken_and_all_is_published_afterwards(
    shop: OrderCluster, kafka: LinkedKafka, fault: str
) -> None:
    before = restarts()
    BREAKS[fault](kafka.link)
    placed = [await shop[1].placed(("tea", 1)) for _ in range(ORDERS)]
    await wait_until(lambda: restarts() > before, timeout_s=40, what="the relay gives its producer up")
    kafka.link.heal()
    for order in placed:
        await shop[1].reaches(order, "CONFIRMED", timeout_s=60)
    await shop.records("orders", until=partial(newest_is_last, of=placed, newest=2))
    await shop.records("products", until=partial(newest_is_last, of=["tea"], newest=1 + ORDERS))


@pytest.mark.parametrize("slow", SLOW)
async def test_over_a_slow_link_orders_take_longer_and_are_confirmed(
    shop: OrderCluster, kafka: LinkedKafka, slow: str
) -> None:
    before = restarts()
    kafka.link.slow(**SLOW[slow])
    for order in [await shop[1].placed(("tea", 1)) for _ in range(ORDERS)]:
        await shop[1].reaches(order, "CONFIRMED", timeout_s=60)
    assert restarts() == before


@pytest.mark.guarantees("G-RELAY-7")
@pytest.mark.parametrize("identified", [True, False])
async def test_a_request_that_the_network_held_until_the_next_producer_had_written_is_refused(
    shop: OrderCluster, kafka: LinkedKafka, monkeypatch: pytest.MonkeyPatch, *, identified: bool
) -> None:
    """Without a common identity, which is the planted bug, it would be the last record of its key."""
    monkeypatch.setattr(publisher, "SEND_TIMEOUT_S", 3.0)
    if not identified:
        monkeypatch.setattr(bootstrap, "_identity", lambda _settings: f"outbox.{uuid.uuid4().hex}")
    before = restarts()
    kafka.link.hold(answers=False, new=False)
    await reprice(shop, 2)
    await wait_until(lambda: restarts() > before, what="the relay gives its producer up")
    late = {link: link.answered for link in kafka.link.links if link.waiting}
    assert late
    await reprice(shop, 3)
    await shop.records("products", until=lambda found: once(versions(found)) == [1, 2, 3])
    kafka.link.release()
    await wait_until(
        lambda: all(link.answered > heard or link not in kafka.link.links for link, heard in late.items()),
        what="the broker has answered what was held",
    )
    stored = versions(await shop.records("products"))
    assert once(stored) == [1, 2, 3]
    if identified:
        assert stored[-1] == 3
    else:
        assert 2 in stored[stored.index(3) :]


async def reprice(shop: OrderCluster, cents: int) -> None:
    answer = await shop[1].http.post("/products/tea/price", json={"unit_price_cents": cents})
    assert answer.status_code == 200, answer.text


def once(numbers: list[int]) -> list[int]:
    """What comes again left out."""
    return list(dict.fromkeys(numbers))


def versions(records: list[Record]) -> list[int]:
    return [payload(record)["version"] for record in records]


@pytest.mark.parametrize("fault", BREAKS)
async def test_a_sink_whose_link_is_broken_loses_and_doubles_nothing(
    kafka: LinkedKafka, numbers: str, fault: str
) -> None:
    async with own_topics(kafka.bootstrap, replication=1) as make_topic:
        topic = await make_topic(partitions=2)
        given = configuration(numbers, topics=topic, table__name__format="numbers", batch__size="100")
        await send(kafka.bootstrap, topic, map(message, range(1_000)))
        async with connected(kafka.bootstrap, given) as connector:
            await wait_until_read(connector, topic, 1_000)
            try:
                BREAKS[fault](kafka.link)
                # Longer than the session of its group, which the broker ends meanwhile.
                await assert_stays(lambda: not any(each.trace for each in connector.status), for_s=8)
            finally:
                kafka.link.heal()
            await send(kafka.bootstrap, topic, map(message, range(1_000, 3_000)))
            await wait_until_read(connector, topic, 3_000, timeout_s=60)
    assert await rows(numbers, "SELECT count(*), count(DISTINCT id) FROM numbers") == [(3_000, 3_000)]
    assert await rows(numbers, "SELECT count(*) FROM sink.dead_letters_v1") == [(0,)]


def message(number: int) -> Message:
    return Message(value=struct({"id": number}, id=INT64), partition=number % 2)
