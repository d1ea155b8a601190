"""What is no message becomes a dead letter, with its bytes and a reason; the records beside it take effect."""

import asyncio
import json
from typing import Any

import pytest

from tests.integration.order.conftest import MakeCluster
from tests.support import order_database
from tests.support.order_cluster import OrderCluster, Record, payload
from tests.support.record_batches import RawRecord, send_raw
from tests.support.waiting import wait_until

ORDER = "order-2-01JD9Z6Q4W8C3N5T7V9X2B4D6F"


def envelope(payload: Any, schema: Any = None) -> bytes:
    return json.dumps({"schema": schema or {"type": "any"}, "payload": payload}).encode()


def like(record: Record, *headers: tuple[str | bytes, bytes | None], **changes: Any) -> RawRecord:
    """An honest record with some fields, or headers, that are not."""
    value = json.loads(record.value)
    value["payload"] |= changes
    kept = {name: content for name, content in record.headers if name not in dict(headers)}
    return RawRecord(record.key, json.dumps(value).encode(), [*kept.items(), *headers])


def request(order_id: str = ORDER, *, type_: str = "reserve-stock.v1", **changes: Any) -> RawRecord:
    payload = {
        "order_id": order_id,
        "order_version": 1,
        "instance": "order-2",
        "home": "order-1",
        "wanted": "RESERVED",
        "goods": [{"product_id": "tea-1", "quantity": 1}],
    }
    return RawRecord(envelope(order_id), envelope(payload | changes), [("ce_type", type_.encode())])


def bad_requests(good: RawRecord) -> list[RawRecord]:
    deep = b'{"schema":' + b"[" * 5_000 + b"]" * 5_000 + b',"payload":{}}'
    return [
        RawRecord(good.key, good.value, [("ce_type", None)]),
        RawRecord(good.key, good.value, [("ce_type", b"\xff")]),
        RawRecord(good.key, good.value, [*good.headers, ("traceparent", None)]),
        RawRecord(good.key, good.value, [*good.headers, (b"\xff\xfe", b"1")]),
        RawRecord(good.key, deep, good.headers),
        RawRecord(good.key, None, good.headers),
        RawRecord(good.key, (good.value or b"")[:-9], good.headers),
        RawRecord(None, good.value, good.headers),
        RawRecord(envelope("order-2-x"), good.value, good.headers),
        request(order_version=2**63),
        request(goods=[{"product_id": "tea-1", "quantity": -5}]),
        request(goods=[{"product_id": "tea-1\0", "quantity": 1}]),
        request(instance="nowhere", order_id="nowhere-01JD9Z6Q4W8C3N5T7V9X2B4D6F"),
        request(instance="order-1"),
        request(home="order-2"),
        request(type_="order.placed.v1"),
    ]


async def parked(cluster: OrderCluster, topic: str, count: int) -> list[dict[str, Any]]:
    source = f"{cluster.prefix}{topic}/0/"

    async def all_of_them() -> Any:
        found = await cluster[1].rows("SELECT record, key, value, headers, reason FROM dead_letters")
        found = [row for row in found if row["record"].startswith(source)]
        return found if len(found) >= count else None

    found = await wait_until(all_of_them, what=f"{count} dead letters of {topic}")
    return sorted(found, key=lambda row: int(row["record"].rpartition("/")[2]))


async def taken_in(cluster: OrderCluster, source: str) -> int:
    rows = await cluster[1].rows("SELECT next_offset FROM positions WHERE source = :source", source=source)
    return int(rows[0]["next_offset"]) if rows else 0


async def test_in_an_inbox(kafka_bootstrap: str, make_cluster: MakeCluster) -> None:
    pair = await (await make_cluster(2)).start()
    await pair[1].product("tea-1", stock=10)
    good = request(ORDER[:-1] + "A")
    bad = bad_requests(good)
    later = request(ORDER[:-1] + "B")
    topic = f"{pair.prefix}inbox.order-1"
    await send_raw(kafka_bootstrap, topic, [good, *bad, later])
    found = await parked(pair, "inbox.order-1", len(bad))
    assert [(row["key"], row["value"]) for row in found] == [(record.key, record.value) for record in bad]
    assert all(row["reason"] for row in found)
    await pair[1].has_stock("tea-1", (8, 2))
    assert await taken_in(pair, f"{topic}/0") == len(bad) + 2
    await pair[1].ready()
    metrics = (await pair[1].http.get("/metrics")).text
    assert f'order_dead_letters_total{{topic="{topic}"}} {len(bad)}.0' in metrics


async def test_among_the_products(make_cluster: MakeCluster, kafka_bootstrap: str) -> None:
    pair = await (await make_cluster(2)).start()
    await pair[2].product("tea-2", price=450)
    await pair[1].knows("tea-2")
    (honest,) = await pair.records("products", at_least=1)
    bad = [
        like(honest, ("ce_type", None), version=2),
        like(honest, (b"\xfe", b""), version=2),
        like(honest, version=2**63),
        like(honest, version=9, instance="order-9"),
        like(honest, version=9, instance="order-1"),
        like(honest, version=9, unit_price_cents=-1),
        like(honest, version=9, name="te\0a"),
        like(honest, version=9, product_id="coffee"),
    ]
    news = like(honest, version=3, unit_price_cents=500)
    await send_raw(kafka_bootstrap, f"{pair.prefix}products", [*bad, news], partition=0)
    source = f"{pair.prefix}products/0/"

    async def all_of_them() -> Any:
        found = await pair[1].rows("SELECT record, value FROM dead_letters")
        return [row["value"] for row in found if row["record"].startswith(source)]

    async def as_many() -> bool:
        return len(await all_of_them()) >= len(bad)

    await wait_until(as_many, what="all of them are dead letters")
    assert set(await all_of_them()) == {record.value for record in bad}

    async def offers() -> Any:
        return await pair[1].rows("SELECT unit_price_cents, instance, version FROM offers")

    async def has_the_news() -> bool:
        return [row["version"] for row in await offers()] == [3]

    await wait_until(has_the_news, what="what is behind them is learnt")
    assert await offers() == [{"unit_price_cents": 500, "instance": "order-2", "version": 3}]
    await pair[1].ready()


async def test_an_answer_of_an_instance_that_does_not_own_the_goods(cluster_of_three: OrderCluster) -> None:
    await cluster_of_three[2].stop()
    order_id = await cluster_of_three[1].placed(("tea-2", 1))
    payload = {
        "order_id": order_id,
        "order_version": 1,
        "instance": "order-1",
        "home": "order-3",
        "held": "REFUSED",
        "reason": "forged",
    }
    forged = RawRecord(envelope(order_id), envelope(payload), [("ce_type", b"stock-refused.v1")])
    ahead = payload | {"home": "order-2", "order_version": 99}
    too_new = RawRecord(envelope(order_id), envelope(ahead), [("ce_type", b"stock-refused.v1")])
    await send_raw(cluster_of_three.bootstrap, f"{cluster_of_three.prefix}inbox.order-1", [forged, too_new])
    found = await parked(cluster_of_three, "inbox.order-1", 2)
    assert "order-3 owns none of the goods" in found[0]["reason"]
    assert "version 1, not 99" in found[1]["reason"]
    assert (await cluster_of_three[1].http.get(f"/orders/{order_id}")).json()["status"] == "PENDING"
    await cluster_of_three[2].start()
    await cluster_of_three[1].reaches(order_id, "CONFIRMED")


async def test_honest_commands_beside_a_flood_of_bad_messages_are_all_carried_out(
    make_cluster: MakeCluster, kafka_bootstrap: str
) -> None:
    cluster = await (await make_cluster(2)).start()
    await cluster[1].product("tea-1", stock=1_000)
    bad = [request(goods=[{"product_id": "tea-1\0", "quantity": 1}]), request(order_version=2**63)] * 50
    sending = asyncio.create_task(send_raw(kafka_bootstrap, f"{cluster.prefix}inbox.order-1", bad))
    answers = await asyncio.gather(*(cluster[1].order(("tea-1", 1)) for _ in range(100)))
    await sending
    assert {answer.status_code for answer in answers} == {201}
    await parked(cluster, "inbox.order-1", len(bad))


@pytest.mark.parametrize("topic", ["inbox.order-1"])
async def test_a_position_of_another_topic_of_the_same_name_does_not_count(
    make_cluster: MakeCluster, kafka_bootstrap: str, topic: str
) -> None:
    """The topic was deleted and made anew, and is longer already than the stored position."""
    cluster = await make_cluster(2)
    await order_database.execute(
        cluster[1].settings.database_url,
        "INSERT INTO positions (source, next_offset, topic_id) VALUES (:source, 1, 'another')",
        {"source": f"{cluster.prefix}{topic}/0"},
    )
    asked = {ORDER, f"{ORDER[:-1]}B"}
    await send_raw(kafka_bootstrap, f"{cluster.prefix}{topic}", [request(each) for each in sorted(asked)])
    await cluster.start()
    await cluster.records(
        "inbox.order-2", until=lambda answers: {payload(each)["order_id"] for each in answers} == asked
    )
