"""What Kafka refuses stops nothing but itself, is published when Kafka takes it, and is told of."""

import asyncio
from typing import Any

import asyncpg
import httpx
import pytest

from order_service.entrypoints import outbox_relay
from tests.conftest import MakeTopic
from tests.integration.order.conftest import MakeCluster
from tests.support import order_database
from tests.support.order_cluster import Instance, OrderCluster, Record, payload
from tests.support.waiting import wait_until


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was set aside is looked at often."""
    monkeypatch.setattr(outbox_relay, "SET_ASIDE_EVERY_S", 0.2)
    monkeypatch.setattr(outbox_relay, "TOO_LARGE_EVERY_S", 0.5)


async def put(instance: Instance, topic: str, *keys: str, size: int = 10) -> None:
    """Records into the instance's outbox, as if use cases had."""
    await order_database.execute(
        instance.settings.database_url,
        "INSERT INTO outbox (topic, key, value, headers) VALUES (:topic, :key, :value, :headers)",
        *[
            {
                "topic": topic,
                "key": key.encode(),
                "value": b"v" * size,
                "headers": '{"ce_time": "2025-11-22T08:26:40.123Z"}',
            }
            for key in keys
        ],
    )


async def is_unready(instance: Instance, *words: str) -> str:
    async def detail() -> str | None:
        answer = await instance.http.get("/health/ready")
        told = answer.json().get("detail", "")
        return told if answer.status_code == 503 and all(word in told for word in words) else None

    return await wait_until(detail, timeout_s=60, what=f"{instance.name} is not ready: {words}") or ""


async def keys(cluster: OrderCluster, topic: str, at_least: int) -> list[str]:
    return [record.key.decode() for record in await cluster.records(topic, at_least=at_least)]


async def metric(http: httpx.AsyncClient, line: str) -> bool:
    return line in (await http.get("/metrics")).text


@pytest.mark.guarantees("G-RELAY-4")
async def test_a_topic_that_does_not_exist_stops_no_other_and_is_filled_when_it_appears(
    cluster: OrderCluster, make_topic: MakeTopic
) -> None:
    missing = f"{cluster.prefix}inbox.nowhere"
    await put(cluster[1], missing, "1", "2")
    await cluster[1].product("tea")
    await put(cluster[1], missing, "3")
    order_id = await cluster[1].placed(("tea", 1))
    await cluster[1].reaches(order_id, "CONFIRMED")
    detail = await is_unready(cluster[1], "outbox", missing)
    assert "does not exist" in detail
    await wait_until(
        lambda: metric(cluster[1].http, f'order_outbox_set_aside{{topic="{missing}"}} 3.0'),
        what="the records set aside are counted",
    )
    await make_topic(name=missing)
    # What was sent and not noted as sent when something went wrong is sent again.
    assert list(dict.fromkeys(await keys(cluster, "inbox.nowhere", 3))) == ["1", "2", "3"]
    await cluster[1].ready()

    async def nothing_is_aside() -> bool:
        return not await cluster[1].rows("SELECT * FROM set_aside")

    await wait_until(nothing_is_aside, what="nothing is set aside any more")


@pytest.mark.guarantees("G-RELAY-5")
async def test_what_is_set_aside_survives_a_restart(make_cluster: MakeCluster, make_topic: MakeTopic) -> None:
    cluster = await make_cluster()
    missing = f"{cluster.prefix}late"
    await put(cluster[1], missing, "1")
    await cluster[1].start()

    async def aside() -> Any:
        return await cluster[1].rows("SELECT topic FROM set_aside")

    await wait_until(aside, what="the record is set aside")
    await cluster[1].stop()
    await make_topic(name=missing)
    await cluster[1].start()
    assert set(await keys(cluster, "late", 1)) == {
        "1"
    }  # twice when the position was not stored before the stop


@pytest.mark.guarantees("G-RELAY-4")
async def test_a_record_that_is_too_large_is_passed_alone(
    cluster: OrderCluster, make_topic: MakeTopic
) -> None:
    name = f"{cluster.prefix}narrow"
    await make_topic(name=name, config={"max.message.bytes": "2000"})
    await put(cluster[1], name, "before")
    await put(cluster[1], name, "large", size=5_000)
    await put(cluster[1], name, "after", "later")
    await cluster[1].product("tea")

    def published(records: list[Record]) -> bool:
        return list(dict.fromkeys(record.key for record in records)) == [b"before", b"after", b"later"]

    await cluster.records("narrow", until=published)
    await is_unready(cluster[1], name, "MessageSizeTooLarge")
    order_id = await cluster[1].placed(("tea", 1))
    await cluster[1].reaches(order_id, "CONFIRMED")
    assert [row["topic"] for row in await cluster[1].rows("SELECT topic FROM set_aside")] == [name]


async def test_an_order_for_an_instance_without_an_inbox_harms_no_other_order(
    make_cluster: MakeCluster, kafka_bootstrap: str
) -> None:
    """A fourth instance whose inbox nobody made: it is a peer, and its offers are learnt."""
    cluster = await make_cluster(2)
    peers = cluster[1].settings.peers | {"order-4": "http://127.0.0.1:1"}
    cluster[1].settings = cluster[1].settings.model_copy(update={"peers": peers})
    await cluster.start()
    await cluster[2].product("tea")
    await cluster.know("tea")
    honest, *_ = await cluster.records("products", at_least=1)
    await order_database.execute(
        cluster[1].settings.database_url,
        "INSERT INTO offers (product_id, name, unit_price_cents, instance, version)"
        " VALUES ('cake', 'Cake', 5, 'order-4', 1)",
    )
    stuck = await cluster[1].placed(("cake", 1))
    order_id = await cluster[1].placed(("tea", 1))
    await cluster[1].reaches(order_id, "CONFIRMED")
    assert payload(honest)["product_id"] == "tea"
    assert (await cluster[1].http.get(f"/orders/{stuck}")).json()["status"] == "PENDING"


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_a_transaction_that_holds_the_relay_back_is_told_of(
    make_cluster: MakeCluster, postgres_admin_dsn: str, backend: str
) -> None:
    cluster = await (await make_cluster(outbox_max_age_s=1)).start()
    foreign = await asyncpg.connect(postgres_admin_dsn)
    async with foreign.transaction():
        await foreign.execute("SELECT pg_current_xact_id()")
        await cluster[1].product("tea")
        await is_unready(cluster[1], "open transaction")
        await wait_until(lambda: metric(cluster[1].http, "order_outbox_held_back 1.0"), what="it is told")
    await foreign.close()
    await cluster[1].ready()


@pytest.mark.parametrize("backend", ["postgresql"])
async def test_reads_that_are_slow_are_answered_503_and_end_no_task(
    make_cluster: MakeCluster, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from order_service.adapters.postgres import storage  # noqa: PLC0415

    monkeypatch.setattr(storage, "COMMAND_TIMEOUT_S", 3.0)
    cluster = await (await make_cluster()).start()
    await cluster[1].product("tea")
    url = cluster[1].settings.database_url.replace("postgresql+asyncpg:", "postgresql:")
    locking = await asyncpg.connect(url)

    async with locking.transaction():
        await locking.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        answers = await asyncio.gather(
            *(cluster[1].http.get("/orders", params={"user_id": "ada"}) for _ in range(24))
        )
        assert {answer.status_code for answer in answers} == {503}
    await locking.close()
    await put(cluster[1], f"{cluster.prefix}orders", "afterwards")
    assert set(await keys(cluster, "orders", 1)) == {"afterwards"}
    assert (await cluster[1].http.get("/orders", params={"user_id": "ada"})).status_code == 200
    await cluster[1].ready()
