"""The link of an instance to its own PostgreSQL is cut, held one way or both ways, slow, or resets in mid-answer. Invariants: ACK, LIVE."""

import asyncio
from collections.abc import AsyncIterator, Callable
from functools import partial

import httpx
import pytest

from devservers.tcp_proxy import TcpProxy, tcp_proxy
from tests.conftest import MakeTopic
from tests.integration.order.conftest import built_clusters
from tests.support.order_cluster import OrderCluster, payload
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

KEYS = tuple(f"key-{number}" for number in range(10))
ANSWERED_WITHIN_S = 40
BREAKS: dict[str, Callable[[TcpProxy], None]] = {
    "cut": TcpProxy.cut,
    "held both ways": TcpProxy.hold,
    "requests held": partial(TcpProxy.hold, answers=False),
    "answers held": partial(TcpProxy.hold, requests=False),
    "reset in mid-answer": partial(TcpProxy.reset_answers, after=600),
}


@pytest.fixture
async def link(database: str) -> AsyncIterator[TcpProxy]:
    async with tcp_proxy(database.replace("postgresql:", "postgresql+asyncpg:")) as proxy:
        yield proxy


@pytest.fixture
async def shop(link: TcpProxy, make_topic: MakeTopic, kafka_bootstrap: str) -> AsyncIterator[OrderCluster]:
    """One running instance on PostgreSQL, with a product, `tea`."""

    async def url() -> str:
        return link.dsn

    async with built_clusters(url, make_topic, kafka_bootstrap) as make:
        cluster = await (await make()).start()
        await cluster[1].product("tea")
        yield cluster
        link.heal()


@pytest.mark.parametrize("fault", BREAKS)
async def test_commands_are_answered_in_time_while_the_link_is_broken_and_each_has_one_effect_in_the_end(
    shop: OrderCluster, link: TcpProxy, fault: str
) -> None:
    BREAKS[fault](link)
    async with asyncio.timeout(ANSWERED_WITHIN_S):
        during = await asyncio.gather(*(attempt(shop, key) for key in KEYS))
    assert set(during) <= {201, 503, None}, "done, not now, or an end without an answer"
    assert fault == "reset in mid-answer" or 201 not in during
    link.heal()

    async def accepted(key: str) -> bool:
        return await attempt(shop, key) == 201

    for key in KEYS:
        await wait_until(partial(accepted, key), timeout_s=40, every_s=0.2, what=f"{key} is answered")
    await shop[1].ready()
    orders = await shop[1].rows("SELECT order_id, user_id FROM orders")
    assert sorted(order["user_id"] for order in orders) == sorted(KEYS)
    for order in orders:
        await shop[1].reaches(order["order_id"], "CONFIRMED", timeout_s=40)
    published = [payload(record) for record in await shop.records("orders", at_least=2 * len(KEYS))]
    assert {order["order_id"] for order in published} == {order["order_id"] for order in orders}


@pytest.mark.parametrize("jitter_s", [0.0, 0.1])
async def test_over_a_slow_link_orders_take_longer_and_are_confirmed(
    shop: OrderCluster, link: TcpProxy, jitter_s: float
) -> None:
    link.slow(delay_s=0.05 if not jitter_s else 0.0, jitter_s=jitter_s)
    for order in [await shop[1].placed(("tea", 1)) for _ in KEYS]:
        await shop[1].reaches(order, "CONFIRMED", timeout_s=60)


async def attempt(shop: OrderCluster, key: str) -> int | None:
    """The status of one command with that key; None without an answer in 20 s."""
    try:
        return (await shop[1].order(("tea", 1), user_id=key, key=key)).status_code
    except httpx.TimeoutException:
        return None
