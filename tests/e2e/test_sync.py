"""The point of it all: what is committed anywhere is in the one picture, whole, once and in order."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.support.stack import RunningStack
from tests.support.waiting import wait_until

Post = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def post(http: httpx.AsyncClient) -> Post:
    """POST a command that must be accepted; gives the answer's body."""

    async def send(url: str, **body: Any) -> dict[str, Any]:
        answer = await http.post(url, json=body)
        assert answer.is_success, answer.text
        accepted: dict[str, Any] = answer.json()
        return accepted

    return send


@pytest.fixture
async def product(stack: RunningStack, http: httpx.AsyncClient, post: Post) -> str:
    """A product of its own that every instance sells."""
    product_id = f"tea-{uuid4().hex[:8]}"
    await post(
        f"{stack.instances['order-1']}/products",
        product_id=product_id, name="Grüner Tee <b>", unit_price_cents=450, stock=1_000,
    )  # fmt: skip
    refused = {
        "user_id": "x",
        "lines": [{"product_id": p, "quantity": 1} for p in (product_id, "no-such-product")],
    }

    async def known(url: str) -> bool:
        answer = await http.post(f"{url}/orders", json=refused)
        assert answer.status_code == 422, answer.text
        return [error["pointer"] for error in answer.json()["errors"]] == ["/lines/1/product_id"]

    for url in stack.instances.values():
        await wait_until(partial(known, url), what=f"{url} knows {product_id}")
    return product_id


async def _shown(http: httpx.AsyncClient, url: str) -> Any:
    answer = await http.get(url)
    return answer.json() if answer.is_success else None


async def test_orders_of_one_user_at_three_instances_are_one_list_in_the_catalog(
    stack: RunningStack, http: httpx.AsyncClient, post: Post, product: str
) -> None:
    user = f"ada-{uuid4().hex[:8]}"
    placed = [
        await post(f"{url}/orders", user_id=user, lines=[{"product_id": product, "quantity": number}])
        for number, url in enumerate(stack.instances.values(), start=1)
    ]
    for order, url in zip(placed, stack.instances.values(), strict=True):
        own = await http.get(f"{url}/orders", params={"user_id": user})
        assert [item["order_id"] for item in own.json()["items"]] == [order["order_id"]]

    async def whole() -> bool:
        held = [
            await _shown(http, f"{stack.instances[o['instance']]}/orders/{o['order_id']}") for o in placed
        ]
        seen = await _shown(http, f"{stack.catalog}/orders?user_id={user}")
        if seen is None or None in held:
            return False
        return _by_id(seen["items"]) == _by_id(held) and all(order["status"] == "CONFIRMED" for order in held)

    await wait_until(whole, what="the catalog shows what the owners hold")


def _by_id(orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(orders, key=lambda order: str(order["order_id"]))


@pytest.mark.guarantees("G-KAFKA-1")
async def test_orders_through_every_instance_appear_once_each_whole_and_equal(
    stack: RunningStack, post: Post, product: str
) -> None:
    urls = list(stack.instances.values())
    placed = await asyncio.gather(
        *(
            post(
                f"{urls[number % 3]}/orders",
                user_id=f"user-{number % 7}",
                lines=[{"product_id": product, "quantity": 1}],
            )
            for number in range(300)
        )
    )
    assert len({order["order_id"] for order in placed}) == 300
    report = await stack.audit(wait_s=60)
    assert report.clean, report
    assert report.counts["read orders"] >= 300
    assert all(report.counts[f"{instance} orders"] >= 100 for instance in stack.instances)


@pytest.mark.guarantees("G-QUERY-5")
async def test_updates_of_one_aggregate_arrive_in_order(
    stack: RunningStack, http: httpx.AsyncClient, post: Post, product: str
) -> None:
    """Each order takes one piece out of the same stock; the catalog is watched while they come in."""
    urls = list(stack.instances.values())
    seen: list[tuple[int, int, int]] = []

    async def watch() -> None:
        while not seen or seen[-1][2] < 60:
            if shown := await _shown(http, f"{stack.catalog}/products/{product}"):
                seen.append((shown["version"], -shown["stock_available"], shown["stock_reserved"]))
            await asyncio.sleep(0)

    async with asyncio.timeout(120), asyncio.TaskGroup() as group:
        group.create_task(watch())
        for number in range(60):
            lines = [{"product_id": product, "quantity": 1}]
            await post(f"{urls[number % 3]}/orders", user_id="bob", lines=lines)
    assert seen == sorted(seen), "a version went back"
    assert seen[-1] == (61, 60 - 1_000, 60)


async def test_the_history_of_an_order_is_every_version_in_order(
    stack: RunningStack, http: httpx.AsyncClient, post: Post, product: str
) -> None:
    owner = stack.instances["order-2"]
    order = await post(f"{owner}/orders", user_id="bob", lines=[{"product_id": product, "quantity": 2}])

    async def history() -> list[tuple[int, str]]:
        shown = await _shown(http, f"{stack.catalog}/orders/{order['order_id']}/history")
        events = [(event["version"], event["status"]) for event in shown["items"]] if shown else []
        return events if events[-1:] == [(2, "CONFIRMED")] else []

    assert await wait_until(history, what="both versions") == [(1, "PENDING"), (2, "CONFIRMED")]
