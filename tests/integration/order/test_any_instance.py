"""Any instance takes any command; names that must be unique are, whoever is asked and whenever."""

import asyncio
from collections import Counter

import pytest

from tests.support.order_cluster import OrderCluster

pytestmark = pytest.mark.asyncio(loop_scope="module")

Goods = tuple[str, str, str]


@pytest.mark.guarantees("G-CMD-9")
async def test_an_order_and_a_product_are_read_at_any_instance(shared: OrderCluster, goods: Goods) -> None:
    order_id = await shared[2].placed((goods[0], 1))
    await shared[2].reaches(order_id, "CONFIRMED")
    answers = [await instance.http.get(f"/orders/{order_id}") for instance in shared.instances]
    assert {(answer.status_code, answer.content, answer.headers["etag"]) for answer in answers} == {
        (200, answers[0].content, '"2"')
    }
    stocks = [await instance.stock(goods[0]) for instance in shared.instances]
    assert stocks == [(99, 1)] * 3


@pytest.mark.guarantees("G-CMD-8", "G-CMD-9")
async def test_a_command_is_carried_out_at_the_owner_with_its_conditions(
    shared: OrderCluster, goods: Goods
) -> None:
    path = f"/products/{goods[0]}/restock"
    stale = await shared[2].http.post(path, json={"quantity": 5}, headers={"If-Match": '"9"'})
    done = await shared[3].http.post(path, json={"quantity": 5}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["type"]) == (412, "/problems/stale-version")
    assert (done.status_code, done.headers["consistency-token"]) == (200, f"products:{goods[0]}:2")
    assert await shared[1].stock(goods[0]) == (105, 0)


async def test_instances_that_disagree_about_an_owner_do_not_pass_a_request_round(
    shared: OrderCluster, goods: Goods
) -> None:
    answer = await shared[1].http.get(
        f"/products/{goods[1]}", headers={"Order-Forwarded-By": "order-3, order-2"}
    )
    assert (answer.status_code, answer.json()["type"]) == (421, "/problems/misdirected")


@pytest.mark.guarantees("G-CMD-6")
async def test_the_same_key_at_all_instances_at_once_makes_one_order(
    shared: OrderCluster, goods: Goods
) -> None:
    user = goods[0]
    answers = await asyncio.gather(
        *(
            instance.order((goods[0], 1), user_id=user, key="one")
            for instance in shared.instances
            for _ in range(3)
        )
    )
    codes = Counter(answer.status_code for answer in answers)
    assert set(codes) <= {201, 409}
    assert len({answer.json()["order_id"] for answer in answers if answer.status_code == 201}) == 1
    made = [
        row
        for instance in shared.instances
        for row in await instance.rows("SELECT 1 FROM orders WHERE user_id = :user", user=user)
    ]
    assert len(made) == 1


@pytest.mark.guarantees("G-CMD-6")
async def test_a_retry_at_another_instance_gets_the_stored_answer(shared: OrderCluster, goods: Goods) -> None:
    first = await shared[1].order((goods[0], 1), key="again")
    retries = [await instance.order((goods[0], 1), key="again") for instance in shared.instances]
    assert {retry.content for retry in retries} == {first.content}
    assert {retry.headers["location"] for retry in retries} == {first.headers["location"]}


@pytest.mark.guarantees("G-CMD-7")
async def test_a_key_used_with_another_body_is_refused_everywhere(shared: OrderCluster, goods: Goods) -> None:
    await shared[1].order((goods[0], 1), key="mine")
    answers = [await instance.order((goods[0], 2), key="mine") for instance in shared.instances]
    assert {(a.status_code, a.json()["type"]) for a in answers} == {(422, "/problems/idempotency-key-reused")}


async def test_a_product_registered_at_all_instances_at_once_has_one_owner(shared: OrderCluster) -> None:
    body = {"product_id": "rare", "name": "Rare", "unit_price_cents": 1, "stock": 1}
    answers = await asyncio.gather(*(i.http.post("/products", json=body) for i in shared.instances))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 2}
    owners = [await i.rows("SELECT 1 FROM products WHERE product_id = 'rare'") for i in shared.instances]
    assert sorted(map(len, owners)) == [0, 0, 1]


@pytest.mark.parametrize(
    "path", ["/orders/order-2-01JD9Z6Q4W8C3N5T7V9X2B4D6F/cancel", "/products/{}/restock"]
)
async def test_a_body_that_is_refused_at_the_owner_is_told_as_the_owner_said_it(
    shared: OrderCluster, goods: Goods, path: str
) -> None:
    address = path.format(goods[1])
    here = await shared[2].http.post(address, json={"quantity": 0})
    there = await shared[1].http.post(address, json={"quantity": 0})
    assert (here.status_code, here.content) == (there.status_code, there.content)
