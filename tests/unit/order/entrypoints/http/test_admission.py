"""A burst: what is admitted is answered, the rest is told at once to come again and leaves nothing behind."""

import asyncio
from pathlib import Path

from tests.support.order_api import order_api

BODY = {"user_id": "ada", "lines": [{"product_id": "tea", "quantity": 1}]}
LIMIT = 3


async def test_of_a_burst_as_many_are_carried_out_as_have_a_place(tmp_path: Path) -> None:
    async with order_api(tmp_path, commands_at_once=LIMIT) as api:
        await api.product("tea")
        answers = await asyncio.gather(*(api.http.post("/orders", json=BODY) for _ in range(3 * LIMIT)))
        refused = [answer for answer in answers if answer.status_code != 201]
        assert len(refused) == 2 * LIMIT
        for answer in refused:
            assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["type"] == "/problems/too-many-commands"
        assert len(await api.rows("SELECT * FROM orders")) == LIMIT


async def test_a_place_is_free_again_after_an_answer_of_any_kind(tmp_path: Path) -> None:
    async with order_api(tmp_path, commands_at_once=1) as api:
        await api.product("tea")
        for body, status in ((BODY, 201), (BODY | {"lines": []}, 422), (BODY, 201)):
            assert (await api.http.post("/orders", json=body)).status_code == status
        unknown = await api.http.post("/orders/order-1-X/cancel")
        assert (unknown.status_code, (await api.http.post("/orders", json=BODY)).status_code) == (404, 201)


async def test_the_key_of_a_command_that_found_no_place_is_still_free(tmp_path: Path) -> None:
    key = {"Idempotency-Key": "k"}
    async with order_api(tmp_path, commands_at_once=1) as api:
        await api.product("tea")
        _, refused = await asyncio.gather(
            api.http.post("/orders", json=BODY), api.http.post("/orders", json=BODY, headers=key)
        )
        assert refused.status_code == 429
        assert (await api.http.post("/orders", json=BODY, headers=key)).status_code == 201


async def test_reading_goes_on_amid_a_burst(tmp_path: Path) -> None:
    async with order_api(tmp_path, commands_at_once=1) as api:
        await api.product("tea")
        ordered, read = await asyncio.gather(
            api.http.post("/orders", json=BODY), api.http.get("/products/tea")
        )
        assert (ordered.status_code, read.status_code) == (201, 200)
