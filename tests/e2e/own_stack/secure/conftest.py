"""One stack of `./demo up --secure` for the tests of this folder, and who asks it."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.stack import RunningStack, whole_stack


@pytest.fixture(scope="package")
def secure_stack(session_directory: Path) -> Iterator[RunningStack]:
    with whole_stack(session_directory / "secure-stack", "--secure") as running:
        yield running


def client_of(stack: RunningStack, user: str | None) -> httpx.AsyncClient:
    """Asks as `user`, with a token; as nobody, without one."""
    headers = {"authorization": f"Bearer {stack.token(user)}"} if user else {}
    context = ssl.create_default_context(cafile=stack.addresses["cafile"])
    return httpx.AsyncClient(timeout=60, verify=context, headers=headers)


def basket(user: str) -> dict[str, Any]:
    return {"user_id": user, "lines": [{"product_id": "green-tea", "quantity": 1}]}


async def place_order(stack: RunningStack, user: str, *, instance: str = "order-1") -> str:
    """The id of an order that `user` has placed there; the catalog shows it to them."""
    async with client_of(stack, user) as client:
        placed = await client.post(f"{stack.instances[instance]}/orders", json=basket(user))
        order_id = str(placed.raise_for_status().json()["order_id"])
        waiting = {"Consistency-Token": placed.headers["consistency-token"], "Prefer": "wait=30"}
        seen = await client.get(f"{stack.catalog}/orders/{order_id}", headers=waiting)
        assert seen.status_code == httpx.codes.OK, seen.text
    return order_id
