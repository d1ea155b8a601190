"""Transactions of others that stay open: what they keep an instance from taking in makes it unready, and it goes on after."""

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from order_service.adapters.postgres import storage
from order_service.entrypoints import inbox_consumer
from tests.integration.order.conftest import MakeCluster
from tests.integration.order.test_relay_refusals import is_unready
from tests.support.order_cluster import Instance
from tests.support.waiting import wait_until


@pytest.mark.parametrize("backend", ["sqlite"])
@pytest.mark.parametrize("topic", ["products", "inbox.order-1"])
async def test_an_open_transaction_in_a_topic_is_told_of(
    make_cluster: MakeCluster, kafka_bootstrap: str, monkeypatch: pytest.MonkeyPatch, topic: str, backend: str
) -> None:
    monkeypatch.setattr(inbox_consumer, "CHECK_EVERY_S", 0.5)
    cluster = await (await make_cluster()).start()
    await cluster[1].product("tea")
    name = cluster.prefix + topic
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, transactional_id=name) as other:
        await other.begin_transaction()
        await other.send_and_wait(name, b"no message", key=b"none", partition=0)
        order_id = await cluster[1].placed(("tea", 1))
        await is_unready(cluster[1], f"topic {name}", "open transaction", f"{name}/0/")
        await other.abort_transaction()
    await cluster[1].reaches(order_id, "CONFIRMED")
    await cluster[1].ready()


async def placed(instance: Instance) -> str:
    """The id of one order, taken at the latest by an earlier call; none when what holds others held this command up, too."""
    answer = await instance.order(("tea", 1), key="beside-the-lock")
    assert answer.status_code in {201, 503}, answer.text
    order_id: str = answer.json().get("order_id", "")
    return order_id


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_an_open_transaction_that_holds_an_instance_s_position_is_told_of(
    make_cluster: MakeCluster, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    monkeypatch.setattr(storage, "COMMAND_TIMEOUT_S", 3.0)
    cluster = await (await make_cluster()).start()
    await cluster[1].product("tea")
    await cluster[1].reaches(await cluster[1].placed(("tea", 1)), "CONFIRMED")
    url = cluster[1].settings.database_url.replace("postgresql+asyncpg:", "postgresql:")
    locking = await asyncpg.connect(url)
    async with locking.transaction():
        await locking.execute("SELECT * FROM positions FOR UPDATE")
        order_id = await wait_until(lambda: placed(cluster[1]), what="an order is taken beside the lock")
        await is_unready(cluster[1], "topic", "the database does not take its records")
    await locking.close()
    await cluster[1].reaches(order_id, "CONFIRMED")
    await cluster[1].ready()
