"""Orders and stocks talk through Kafka: what was promised is there, and no more than there was."""

import asyncio

import pytest

from tests.support.order_cluster import OrderCluster
from tests.support.waiting import wait_until

pytestmark = pytest.mark.asyncio(loop_scope="module")

Goods = tuple[str, str, str]


async def test_an_order_over_several_owners_is_confirmed_when_all_have_reserved(
    shared: OrderCluster, goods: Goods
) -> None:
    order_id = await shared[1].placed((goods[0], 1), (goods[1], 2), (goods[2], 3))
    order = await shared[1].reaches(order_id, "CONFIRMED")
    assert order["version"] == 2
    stocks = [await shared[number].stock(goods[number - 1]) for number in (1, 2, 3)]
    assert stocks == [(99, 1), (98, 2), (97, 3)]


async def test_an_order_for_more_than_there_is_is_rejected_with_its_reason_and_gives_the_rest_back(
    shared: OrderCluster,
    goods: Goods,
) -> None:
    order_id = await shared[1].placed((goods[0], 1), (goods[1], 101))
    order = await shared[1].reaches(order_id, "REJECTED")
    assert order["reason"] == f"out of stock: {goods[1]}"
    await shared[1].has_stock(goods[0], (100, 0))
    assert await shared[2].stock(goods[1]) == (100, 0)


async def test_a_cancelled_order_releases_what_it_had_reserved(shared: OrderCluster, goods: Goods) -> None:
    order_id = await shared[1].placed((goods[1], 5))
    await shared[1].reaches(order_id, "CONFIRMED")
    answer = await shared[3].http.post(f"/orders/{order_id}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "CANCELLED")
    await shared[2].has_stock(goods[1], (100, 0))


async def test_a_shipped_order_consumes_what_it_had_reserved(shared: OrderCluster, goods: Goods) -> None:
    order_id = await shared[1].placed((goods[1], 5))
    await shared[1].reaches(order_id, "CONFIRMED")
    answer = await shared[2].http.post(f"/orders/{order_id}/ship")
    assert (answer.status_code, answer.json()["status"]) == (200, "SHIPPED")
    await shared[2].has_stock(goods[1], (95, 0))
    shipped = "SELECT stock_shipped FROM products WHERE product_id = :product"
    assert await shared[2].rows(shipped, product=goods[1]) == [{"stock_shipped": 5}]


@pytest.mark.guarantees("G-STOCK-1")
async def test_the_last_goods_go_to_as_many_orders_as_there_are(shared: OrderCluster) -> None:
    await shared[1].product("rare", stock=7)
    await shared.know("rare")
    placed = await asyncio.gather(
        *(shared[1 + number % 3].placed(("rare", 1), user_id=f"u{number}") for number in range(30))
    )

    async def statuses() -> list[str]:
        answers = await asyncio.gather(*(shared[1].http.get(f"/orders/{order_id}") for order_id in placed))
        return [answer.json()["status"] for answer in answers]

    async def decided() -> bool:
        return "PENDING" not in await statuses()

    await wait_until(decided, timeout_s=60, what="every order is decided")
    assert sorted(await statuses()) == ["CONFIRMED"] * 7 + ["REJECTED"] * 23
    assert await shared[1].stock("rare") == (0, 7)
