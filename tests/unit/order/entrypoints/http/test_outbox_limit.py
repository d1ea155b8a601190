"""While Kafka is away the outbox grows up to its limit; then commands wait, and nothing else does."""

from pathlib import Path

import pytest

from tests.support.order_api import order_api

BODY = {"user_id": "ada", "lines": [{"product_id": "tea", "quantity": 1}]}
KEY = {"Idempotency-Key": "k"}


@pytest.mark.guarantees("G-RELAY-6")
async def test_at_the_limit_commands_are_refused_with_a_time_to_come_back(tmp_path: Path) -> None:
    async with order_api(tmp_path, outbox_limit=3) as api:
        await api.product("tea")
        accepted = await api.http.post("/orders", json=BODY)
        refused = await api.http.post("/orders", json=BODY)
        assert (accepted.status_code, refused.status_code) == (201, 503)
        assert (refused.json()["type"], refused.headers["retry-after"]) == ("/problems/outbox-full", "1")
        assert len(await api.rows("SELECT * FROM orders")) == 1


async def test_at_the_limit_an_answer_given_before_is_given_again(tmp_path: Path) -> None:
    async with order_api(tmp_path, outbox_limit=3) as api:
        await api.product("tea")
        first = await api.http.post("/orders", json=BODY, headers=KEY)
        again = await api.http.post("/orders", json=BODY, headers=KEY)
        other = await api.http.post("/orders", json=BODY | {"user_id": "bob"}, headers=KEY)
        assert (again.status_code, again.content, other.status_code) == (201, first.content, 422)


async def test_commands_are_accepted_again_once_the_relay_has_caught_up(tmp_path: Path) -> None:
    async with order_api(tmp_path, outbox_limit=1) as api:
        await api.product("tea")
        assert (await api.http.post("/orders", json=BODY)).status_code == 503
        api.service.relay.backlog.published(1)
        assert (await api.http.post("/orders", json=BODY)).status_code == 201


async def test_reading_goes_on_at_the_limit(tmp_path: Path) -> None:
    async with order_api(tmp_path, outbox_limit=1) as api:
        await api.product("tea")
        assert (await api.http.get("/products/tea")).status_code == 200
