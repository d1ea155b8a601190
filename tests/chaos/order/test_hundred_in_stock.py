"""Fault: SIGKILL of an instance amid a rush. Invariants: the auditor's, above all ACK (every order answered for, once) and STOCK (100 sold)."""

import asyncio
import contextlib
import random
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from auditor import Command, Report, Target, audit, canonical
from devservers.ports import free_ports
from tests.conftest import MakeTopic
from tests.support.order_cluster import topic_prefix
from tests.support.order_process import OrderProcess
from tests.support.read_model import read_model
from tests.support.waiting import wait_until

ORDERS, STOCK = 1_000, 100
CLIENTS = 10
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
    ports = dict(zip(NAMES, free_ports(len(NAMES)), strict=True))
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


@pytest.mark.guarantees("G-CMD-1", "G-STOCK-1")
async def test_a_thousand_orders_for_a_hundred_sell_a_hundred_though_an_instance_is_killed(
    shop: dict[str, OrderProcess], database: str
) -> None:
    chance = random.Random(1)  # noqa: S311 - a repeatable rush
    answered: dict[str, dict[str, Any]] = {}
    async with contextlib.AsyncExitStack() as stack:
        # Several clients, because one's pool compares every request that waits with every connection.
        crowd = [await stack.enter_async_context(client()) for _ in range(CLIENTS)]
        await register(crowd[0], shop)
        async with asyncio.TaskGroup() as rush:
            for number in range(ORDERS):
                rush.create_task(insist(crowd[number % CLIENTS], shop, f"key-{number}", chance, answered))
            await wait_until(lambda: len(answered) >= ORDERS // 5, timeout_s=120, what="the rush is on")
            assert len(answered) < ORDERS, "killed in the middle"
            await shop["order-1"].kill()
            await shop["order-1"].start()
        assert len({order["order_id"] for order in answered.values()}) == ORDERS
        await wait_until(lambda: decided(shop), timeout_s=180, every_s=0.5, what="every order is decided")
        await repetitions_get_the_same_answer(crowd[0], shop, answered, chance)
    orders = {row["order_id"]: row for name in NAMES for row in rows(shop[name], "SELECT * FROM orders")}
    assert set(orders) == {order["order_id"] for order in answered.values()}
    assert Counter(row["status"] for row in orders.values()) == {
        "CONFIRMED": STOCK,
        "REJECTED": ORDERS - STOCK,
    }
    product = rows(shop["order-1"], "SELECT * FROM products")[0]
    assert (product["stock_available"], product["stock_reserved"]) == (0, STOCK)
    report = await audited(shop, database, answered)
    assert report.clean, report
    assert report.counts["read orders"] == ORDERS


async def audited(
    shop: dict[str, OrderProcess], database: str, answered: dict[str, dict[str, Any]]
) -> Report:
    """What `./demo audit` asks, of these instances, their topics and a read database filled from them."""
    one = shop["order-1"]
    target = Target(
        write_databases={name: f"sqlite:///{instance.database}" for name, instance in shop.items()},
        read_dsn=database,
        bootstrap=one.bootstrap,
        topic_prefix=one.prefix,
    )
    lines = canonical([["rare", 1]])
    journal = [
        Command(number, "ok", order["order_id"], key, lines)
        for number, (key, order) in enumerate(answered.items())
    ]
    async with read_model(one.bootstrap, database, prefix=one.prefix):
        return await audit(target, commands=journal, wait_s=60)


def client() -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=300 // CLIENTS)
    return httpx.AsyncClient(timeout=httpx.Timeout(20, pool=None), limits=limits, trust_env=False)


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


def decided(shop: dict[str, OrderProcess]) -> bool:
    return not any(
        rows(instance, "SELECT 1 FROM orders WHERE ask_again_at IS NOT NULL") for instance in shop.values()
    )


def rows(instance: OrderProcess, query: str) -> list[dict[str, Any]]:
    with sqlite3.connect(instance.database) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(query)]
