"""Fault: SIGKILL of an instance amid a rush. Invariants: ACK (every order answered for, once) and STOCK (100 sold)."""

import asyncio
import json
import random
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import MakeTopic
from tests.support.order_house import free_port, payload, reader, topic_prefix
from tests.support.order_process import OrderProcess
from tests.support.waiting import wait_until

ORDERS, STOCK = 1_000, 100
NAMES = ("order-1", "order-2", "order-3")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture
async def shop(
    kafka_bootstrap: str, make_topic: MakeTopic, tmp_path: Path
) -> AsyncIterator[dict[str, OrderProcess]]:
    """Three instances, each a process."""
    prefix = topic_prefix()
    await make_topic(name=f"{prefix}orders", partitions=6)
    await make_topic(name=f"{prefix}products", partitions=6, config={"cleanup.policy": "compact"})
    for name in NAMES:
        await make_topic(name=f"{prefix}inbox.{name}")
    ports = {name: free_port() for name in NAMES}
    peers = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    shop = {
        name: OrderProcess(
            name=name,
            port=ports[name],
            peers=peers,
            bootstrap=kafka_bootstrap,
            prefix=prefix,
            directory=tmp_path,
        )
        for name in NAMES
    }
    for instance in shop.values():
        await instance.start()
    yield shop
    codes = [await instance.terminate() for instance in shop.values()]
    assert codes == [0, 0, 0], "they end gracefully"


async def test_a_thousand_orders_for_a_hundred_sell_a_hundred_though_an_instance_is_killed(
    shop: dict[str, OrderProcess],
) -> None:
    chance = random.Random(1)  # noqa: S311 - a repeatable rush
    limits = httpx.Limits(max_connections=300)
    async with httpx.AsyncClient(timeout=20, limits=limits, trust_env=False) as http:
        await register(http, shop)
        answered: dict[str, dict[str, Any]] = {}
        rush = [
            asyncio.create_task(insist(http, shop, f"key-{number}", chance, answered))
            for number in range(ORDERS)
        ]
        await wait_until(lambda: len(answered) >= ORDERS // 5, timeout_s=120, what="the rush is on")
        assert len(answered) < ORDERS, "killed in the middle"
        await shop["order-1"].kill()
        await shop["order-1"].start()
        await asyncio.gather(*rush)
        assert len({order["order_id"] for order in answered.values()}) == ORDERS
        await wait_until(lambda: decided(shop), timeout_s=180, every_s=0.5, what="every order is decided")
        await repetitions_get_the_same_answer(http, shop, answered, chance)
    orders = {row["order_id"]: row for name in NAMES for row in rows(shop[name], "SELECT * FROM orders")}
    assert set(orders) == {order["order_id"] for order in answered.values()}
    assert Counter(row["status"] for row in orders.values()) == {
        "CONFIRMED": STOCK,
        "REJECTED": ORDERS - STOCK,
    }
    product = rows(shop["order-1"], "SELECT * FROM products")[0]
    assert (product["stock_available"], product["stock_reserved"]) == (0, STOCK)
    await events_tell_the_same(shop, orders)


async def end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def register(http: httpx.AsyncClient, shop: dict[str, OrderProcess]) -> None:
    body = {"product_id": "rare", "name": "Rare", "unit_price_cents": 1, "stock": STOCK}
    assert (await http.post(f"{shop['order-1'].url}/products", json=body)).status_code == 201

    def known_everywhere() -> bool:
        return all(rows(instance, "SELECT 1 FROM offers") for instance in shop.values())

    await wait_until(known_everywhere, what="every instance knows the product")


async def insist(
    http: httpx.AsyncClient,
    shop: dict[str, OrderProcess],
    key: str,
    chance: random.Random,
    answered: dict[str, dict[str, Any]],
) -> None:
    """As a good client does: the same key, at any instance, until there is an answer."""
    body = {"user_id": key, "lines": [{"product_id": "rare", "quantity": 1}]}
    for attempt in range(200):
        url = shop[chance.choice(NAMES)].url
        try:
            answer = await http.post(f"{url}/orders", json=body, headers={"Idempotency-Key": key})
        except httpx.TransportError:
            answer = None
        if answer is not None and answer.status_code == 201:
            answered[key] = answer.json()
            return
        if answer is not None:
            assert answer.status_code in (409, 429, 503, 504), answer.text
            assert answer.headers["content-type"] == "application/problem+json"
        await asyncio.sleep(min(0.05 * (attempt + 1), 1) * chance.random())
    raise AssertionError(f"{key} was never answered")


async def repetitions_get_the_same_answer(
    http: httpx.AsyncClient,
    shop: dict[str, OrderProcess],
    answered: dict[str, dict[str, Any]],
    chance: random.Random,
) -> None:
    for key in chance.sample(sorted(answered), 30):
        again: dict[str, dict[str, Any]] = {}
        await insist(http, shop, key, chance, again)
        assert again[key] == answered[key]


async def events_tell_the_same(shop: dict[str, OrderProcess], orders: dict[str, dict[str, Any]]) -> None:
    """The topic holds every order with every version up to its last, which says what the database says."""
    instance = shop["order-1"]
    events: dict[str, dict[int, Any]] = {}
    async with reader(instance.bootstrap, f"{instance.prefix}orders") as consumer:

        async def complete() -> bool:
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                for record in batch:
                    event = payload(record)
                    events.setdefault(event["order_id"], {})[event["version"]] = event
            return sum(len(versions) for versions in events.values()) >= 2 * ORDERS

        await wait_until(complete, timeout_s=60, what="all events are in the topic")
    assert set(events) == set(orders)
    for order_id, versions in events.items():
        assert sorted(versions) == [1, 2]
        assert versions[2]["status"] == orders[order_id]["status"]
        assert versions[2]["lines"] == json.loads(orders[order_id]["lines"])


def decided(shop: dict[str, OrderProcess]) -> bool:
    return not any(
        rows(instance, "SELECT 1 FROM orders WHERE ask_again_at IS NOT NULL") for instance in shop.values()
    )


def rows(instance: OrderProcess, query: str) -> list[dict[str, Any]]:
    with sqlite3.connect(instance.database) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(query)]
