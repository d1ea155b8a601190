"""The same key gives the same answer, once."""

import asyncio

import pytest

from tests.support import order_database
from tests.support.order_api import Api

BODY = {"user_id": "ada", "lines": [{"product_id": "tea", "quantity": 1}]}
KEY = {"Idempotency-Key": "k-1"}
DAY_MS = 24 * 3600 * 1000


async def test_a_repeated_command_gets_the_stored_answer(api: Api) -> None:
    await api.product("tea")
    first = await api.http.post("/orders", json=BODY, headers=KEY)
    again = await api.http.post("/orders", json=BODY, headers=KEY)
    assert (first.status_code, first.content) == (201, again.content)
    assert {**first.headers} == {**again.headers}
    assert len(await api.rows("SELECT * FROM orders")) == 1


async def test_the_same_body_written_differently_is_the_same_body(api: Api) -> None:
    await api.product("tea")
    first = await api.http.post("/orders", json=BODY, headers=KEY)
    spaced = b'{ "lines": [ {"quantity": 1, "product_id": "tea"} ], "user_id": "ada" }'
    again = await api.http.post("/orders", content=spaced, headers=KEY | {"content-type": "application/json"})
    assert again.content == first.content


async def test_the_key_with_another_body_is_refused(api: Api) -> None:
    await api.product("tea")
    await api.http.post("/orders", json=BODY, headers=KEY)
    answer = await api.http.post("/orders", json=BODY | {"user_id": "bob"}, headers=KEY)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/idempotency-key-reused")


async def test_a_key_belongs_to_one_address(api: Api) -> None:
    await api.product("tea")
    restock = [
        await api.http.post("/products/tea/restock", json={"quantity": 1}, headers=KEY) for _ in range(2)
    ]
    price = await api.http.post("/products/tea/price", json={"unit_price_cents": 1}, headers=KEY)
    assert [answer.json()["stock_available"] for answer in restock] == [101, 101]
    assert (price.status_code, price.json()["version"]) == (200, 3)


async def test_of_two_at_once_one_is_carried_out_and_the_other_told_to_wait(api: Api) -> None:
    await api.product("tea")
    answers = await asyncio.gather(*(api.http.post("/orders", json=BODY, headers=KEY) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    waiting = next(answer for answer in answers if answer.status_code == 409)
    assert (waiting.json()["type"], waiting.headers["retry-after"]) == ("/problems/request-running", "1")
    assert len(await api.rows("SELECT * FROM orders")) == 1


async def test_a_refused_command_is_decided_anew_when_repeated(api: Api) -> None:
    refused = await api.http.post("/orders", json=BODY, headers=KEY)
    await api.product("tea")
    assert (refused.status_code, (await api.http.post("/orders", json=BODY, headers=KEY)).status_code) == (
        422,
        201,
    )


@pytest.mark.guarantees("G-CMD-6")
async def test_a_key_is_kept_until_its_day_is_over(api: Api) -> None:
    await api.product("tea")
    first = await api.http.post("/orders", json=BODY, headers=KEY)
    api.clock.offset_ms = DAY_MS - 60_000
    await api.service.expiry.expire()
    again = await api.http.post("/orders", json=BODY, headers=KEY)
    assert (first.status_code, again.content) == (201, first.content)


async def test_a_key_is_forgotten_after_a_day(api: Api) -> None:
    await api.product("tea")
    await api.http.post("/orders", json=BODY, headers=KEY)
    api.clock.offset_ms = DAY_MS
    answer = await api.http.post("/orders", json=BODY | {"user_id": "bob"}, headers=KEY)
    assert answer.status_code == 201


async def test_forgotten_keys_leave_the_database_and_names_of_products_stay(api: Api) -> None:
    await api.product("tea")
    await api.http.post("/orders", json=BODY, headers=KEY)
    api.clock.offset_ms = DAY_MS
    await api.service.expiry.expire()
    assert await api.rows("SELECT * FROM answers") == []
    assert [claim["name"] for claim in await api.rows("SELECT name FROM claims")] == ["product tea"]


async def test_a_malformed_key_is_refused_by_name(api: Api) -> None:
    answer = await api.http.post("/orders", json=BODY, headers={"Idempotency-Key": "a b"})
    assert (answer.status_code, answer.json()["errors"][0]["header"]) == (422, "Idempotency-Key")


async def test_an_answer_that_the_version_before_stored_as_a_response_is_given_again(api: Api) -> None:
    await api.product("tea")
    first = await api.http.post("/orders", json=BODY, headers=KEY)
    await order_database.execute(
        api.settings.database_url,
        "UPDATE answers SET status = 201, headers = :headers, body = :body",
        {"headers": '{"ETag": "\\"1\\""}', "body": first.content},
    )
    again = await api.http.post("/orders", json=BODY, headers=KEY)
    assert (again.status_code, again.content) == (201, first.content)
    assert {**first.headers} == {**again.headers}
