"""Fault: kill -9 of an instance's PostgreSQL amid commands. Invariant: ACK: what was not acknowledged may be gone, what was stays."""

import asyncio
import uuid
from functools import partial
from pathlib import Path

import httpx
import pytest

from devservers.postgres_server import PostgresServer
from tests.conftest import MakeTopic
from tests.integration.order.conftest import built_clusters
from tests.support.order_cluster import Instance, payload
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

CLIENTS, EACH = 8, 25


@pytest.mark.guarantees("G-CMD-1")
async def test_what_was_acknowledged_is_there_after_a_crash_of_the_instances_postgresql(
    session_directory: Path, make_topic: MakeTopic, kafka_bootstrap: str
) -> None:
    server = PostgresServer(directory=session_directory / f"write-{uuid.uuid4().hex[:6]}")

    async def url() -> str:
        return server.admin_dsn.replace("postgresql:", "postgresql+asyncpg:")

    answered: dict[str, str] = {}
    async with server, built_clusters(url, make_topic, kafka_bootstrap) as make:
        cluster = await (await make()).start()
        await cluster[1].product("tea", stock=CLIENTS * EACH)
        async with asyncio.TaskGroup() as rush:
            for client in range(CLIENTS):
                rush.create_task(insist(cluster[1], answered, [f"{client}-{n}" for n in range(EACH)]))
            await wait_until(lambda: len(answered) > CLIENTS * EACH // 4, what="the rush is on")
            await server.kill()
            acknowledged = dict(answered)
            assert len(acknowledged) < CLIENTS * EACH, "killed in the middle"
            await server.__aenter__()  # again, on its data; it ends with the outer block
        orders = await cluster[1].rows("SELECT order_id, user_id FROM orders")
        assert {order["user_id"]: order["order_id"] for order in orders} == answered
        assert len(orders) == CLIENTS * EACH
        assert acknowledged.items() <= answered.items()
        for order in answered.values():
            await cluster[1].reaches(order, "CONFIRMED", timeout_s=60)
        published = await cluster.records("orders", at_least=2 * len(answered))
        assert {payload(record)["order_id"] for record in published} == set(answered.values())


async def insist(instance: Instance, answered: dict[str, str], keys: list[str]) -> None:
    """One client: each command is repeated with its key until it is accepted."""
    for key in keys:
        await wait_until(partial(accepted, instance, answered, key), timeout_s=60, every_s=0.1, what=key)


async def accepted(instance: Instance, answered: dict[str, str], key: str) -> bool:
    try:
        answer = await instance.order(("tea", 1), user_id=key, key=key)
    except httpx.TransportError:
        return False
    assert answer.status_code in (201, 409, 503), answer.text
    if answer.status_code == 201:
        answered[key] = answer.json()["order_id"]
    return answer.status_code == 201
