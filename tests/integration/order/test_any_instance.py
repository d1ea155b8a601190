"""Any instance takes any command; names that must be unique are, whoever is asked and whenever."""

import asyncio
from collections import Counter

import pytest

from tests.support.order_house import House

CONTENT = {"user_id": "ada", "lines": [{"product_id": "tea-1", "quantity": 1}]}


async def test_an_order_and_a_product_are_read_at_any_instance(houses: House) -> None:
    order_id = await houses[2].placed(("tea-1", 1))
    await houses[2].reaches(order_id, "CONFIRMED")
    answers = [await instance.http.get(f"/orders/{order_id}") for instance in houses.instances]
    assert {(answer.status_code, answer.content, answer.headers["etag"]) for answer in answers} == {
        (200, answers[0].content, '"2"')
    }
    stocks = [await instance.stock("tea-1") for instance in houses.instances]
    assert stocks == [(99, 1)] * 3


async def test_a_command_is_carried_out_at_the_home_with_its_conditions(houses: House) -> None:
    stale = await houses[2].http.post(
        "/products/tea-1/restock", json={"quantity": 5}, headers={"If-Match": '"9"'}
    )
    done = await houses[3].http.post(
        "/products/tea-1/restock", json={"quantity": 5}, headers={"If-Match": '"1"'}
    )
    assert (stale.status_code, stale.json()["type"]) == (412, "/problems/stale-version")
    assert (done.status_code, done.headers["consistency-token"]) == (200, "products:tea-1:2")
    assert await houses[1].stock("tea-1") == (105, 0)


async def test_a_home_that_is_down_is_a_problem_with_a_time_to_come_back(houses: House) -> None:
    order_id = await houses[2].placed(("tea-1", 1))
    await houses[2].stop()
    answer = await houses[1].http.post(f"/orders/{order_id}/cancel")
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/home-unreachable")
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["content-type"] == "application/problem+json"


async def test_instances_that_disagree_about_a_home_do_not_pass_a_request_round(houses: House) -> None:
    await houses[1].rows("SELECT 1")
    answer = await houses[1].http.get("/products/tea-2", headers={"Order-Forwarded-By": "order-3, order-2"})
    assert (answer.status_code, answer.json()["type"]) == (421, "/problems/misdirected")


async def test_the_same_key_at_all_instances_at_once_makes_one_order(houses: House) -> None:
    answers = await asyncio.gather(
        *(instance.order(("tea-1", 1), key="one") for instance in houses.instances for _ in range(3))
    )
    codes = Counter(answer.status_code for answer in answers)
    assert set(codes) <= {201, 409}
    assert len({answer.json()["order_id"] for answer in answers if answer.status_code == 201}) == 1
    assert sum([len(await instance.rows("SELECT 1 FROM orders")) for instance in houses.instances]) == 1


async def test_a_retry_at_another_instance_gets_the_stored_answer(houses: House) -> None:
    first = await houses[1].order(("tea-1", 1), key="again")
    retries = [await instance.order(("tea-1", 1), key="again") for instance in houses.instances]
    assert {retry.content for retry in retries} == {first.content}
    assert {retry.headers["location"] for retry in retries} == {first.headers["location"]}


async def test_a_key_used_with_another_body_is_refused_everywhere(houses: House) -> None:
    await houses[1].order(("tea-1", 1), key="mine")
    answers = [await instance.order(("tea-1", 2), key="mine") for instance in houses.instances]
    assert {(a.status_code, a.json()["type"]) for a in answers} == {(422, "/problems/idempotency-key-reused")}


async def test_a_retry_after_a_crash_gets_the_answer_of_the_commit(houses: House) -> None:
    """The instance dies between its commit and its answer; who asks again, there or elsewhere, gets that answer."""
    first = await houses[2].order(("tea-1", 1), key="crash")
    await houses[2].stop()
    down = await houses[1].order(("tea-1", 1), key="crash")
    assert down.status_code == 503
    await houses[2].start()
    again = await houses[1].order(("tea-1", 1), key="crash")
    assert (again.status_code, again.content) == (201, first.content)


async def test_a_product_registered_at_all_instances_at_once_has_one_home(houses: House) -> None:
    body = {"product_id": "rare", "name": "Rare", "unit_price_cents": 1, "stock": 1}
    answers = await asyncio.gather(*(i.http.post("/products", json=body) for i in houses.instances))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 2}
    assert (
        sum([len(await i.rows("SELECT 1 FROM products WHERE product_id = 'rare'")) for i in houses.instances])
        == 1
    )


async def test_a_key_whose_keeper_is_down_waits_and_commands_without_keys_do_not(houses: House) -> None:
    await houses[2].stop()
    answers = [await houses[1].order(("tea-1", 1), key=f"key-{number}") for number in range(12)]
    codes = Counter(answer.status_code for answer in answers)
    assert set(codes) == {201, 503}
    assert {a.json()["type"] for a in answers if a.status_code == 503} == {"/problems/home-unreachable"}
    assert (await houses[1].order(("tea-1", 1))).status_code == 201


@pytest.mark.parametrize(
    "path", ["/orders/order-2-01JD9Z6Q4W8C3N5T7V9X2B4D6F/cancel", "/products/tea-2/restock"]
)
async def test_a_body_that_is_refused_at_the_home_is_told_as_the_home_said_it(
    houses: House, path: str
) -> None:
    here = await houses[2].http.post(path, json={"quantity": 0})
    there = await houses[1].http.post(path, json={"quantity": 0})
    assert (here.status_code, here.content) == (there.status_code, there.content)
