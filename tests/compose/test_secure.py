"""The stack of infra/docker/secure.yml: an order is placed, and seen, by whom it belongs to and by nobody else."""

import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.compose import PROJECT, docker, missing_engine, whole_stack_in_containers
from tests.support.waiting import wait_until


def https(url: str) -> str:
    return url.replace("http://", "https://")


@pytest.mark.timeout(480)
async def test_a_stack_with_log_ins_serves_who_has_a_token(tmp_path: Path) -> None:
    if why := missing_engine():
        pytest.skip(f"no Docker engine to run containers on: {why}")
    with whole_stack_in_containers("secure.yml", project=f"{PROJECT}-secure") as stack:
        docker("compose", "cp", "catalog:/run/secrets/ca.pem", str(tmp_path / "ca.pem"))
        trusted = ssl.create_default_context(cafile=tmp_path / "ca.pem")

        def client_of(user: str | None) -> httpx.AsyncClient:
            token = docker("compose", "run", "--rm", "token", user).strip() if user else ""
            headers: dict[str, Any] = {"authorization": f"Bearer {token}"} if user else {}
            return httpx.AsyncClient(verify=trusted, headers=headers, timeout=20)

        catalog, order_2 = https(stack.catalog), https(stack.instances["order-2"])
        basket = {"user_id": "ada", "lines": [{"product_id": "green-tea", "quantity": 1}]}
        async with client_of("ada") as ada, client_of("bob") as bob, client_of(None) as nobody:
            placed = await ada.post(f"{order_2}/orders", json=basket)
            assert placed.status_code == 201, placed.text
            order_id = placed.json()["order_id"]

            async def confirmed() -> bool:
                answer = await ada.get(f"{catalog}/orders/{order_id}")
                return answer.is_success and answer.json()["status"] == "CONFIRMED"

            await wait_until(
                confirmed, what="the catalog shows the confirmed order", timeout_s=60, every_s=0.5
            )
            assert (await bob.get(f"{catalog}/orders/{order_id}")).status_code == 403
            assert (await bob.post(f"{order_2}/orders", json=basket)).status_code == 403
            for url in (catalog, *map(https, stack.instances.values())):
                assert (await nobody.get(f"{url}/orders?user_id=ada")).status_code == 401
                with pytest.raises(httpx.TransportError):
                    await nobody.get(f"{url.replace('https:', 'http:')}/health/live")
