"""A row that a hand has spoilt harms only itself: no part of an instance ends, goes blind or waits for it."""

from typing import Any

import pytest

from order_service.entrypoints import outbox_relay
from tests.integration.order.conftest import MakeCluster
from tests.support import order_database
from tests.support.order_cluster import Instance, OrderCluster
from tests.support.waiting import wait_until

MINUTES = 60_000


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was set aside is looked at often."""
    monkeypatch.setattr(outbox_relay, "SET_ASIDE_EVERY_S", 0.2)
    monkeypatch.setattr(outbox_relay, "UNREADABLE_EVERY_S", 0.2)


async def spoil(instance: Instance, statement: str, **parameters: Any) -> None:
    await order_database.execute(instance.settings.database_url, statement, parameters)


async def still_works(cluster: OrderCluster, product: str) -> None:
    """An order goes all the way: commit, relay, inbox, answer."""
    await cluster[1].product(product)
    order_id = await cluster[1].placed((product, 1))
    await cluster[1].reaches(order_id, "CONFIRMED")
    await cluster[1].ready()


OUTBOX = "INSERT INTO outbox (topic, key, value, headers) VALUES (:topic, :key, :value, :headers)"
SPOILT_RECORDS: list[dict[str, Any]] = [
    {"headers": "no JSON"},
    {"headers": '{"ce_time": null}'},
    {"headers": '{"ce_type": "\\ud800"}'},
    {"headers": "[]"},
    {"topic": "no such topic!"},
    {"topic": "t" * 100_000},
    {"topic": ""},
    {"topic": "."},
]
SPOILT_IN_SQLITE: list[dict[str, Any]] = [
    {"key": "text where bytes belong"},
    {"value": 5},
    {"topic": b"\xff"},
    {"headers": b"\xff"},
    {"headers": 7},
]


async def test_records_that_are_none_are_set_aside_and_those_behind_them_go_on(
    cluster: OrderCluster, backend: str
) -> None:
    spoilt = SPOILT_RECORDS + (SPOILT_IN_SQLITE if backend == "sqlite" else [])
    for changed in spoilt:
        row = {"topic": f"{cluster.prefix}orders", "key": b"1", "value": b"1", "headers": "{}"} | changed
        await spoil(cluster[1], OUTBOX, **row)
    await still_works(cluster, "tea")
    aside = await cluster[1].rows("SELECT reason FROM set_aside")
    assert len(aside) == len(spoilt)
    assert all(row["reason"].startswith("unreadable: ") for row in aside)


async def test_a_record_that_was_mended_is_sent(cluster: OrderCluster) -> None:
    row = {"topic": f"{cluster.prefix}orders", "key": b"mended", "value": b"1", "headers": "no JSON"}
    await spoil(cluster[1], OUTBOX, **row)

    async def aside() -> int:
        return len(await cluster[1].rows("SELECT record FROM set_aside"))

    await wait_until(aside, what="the record is set aside")
    await spoil(cluster[1], "UPDATE outbox SET headers = '{}'")
    assert [record.key for record in await cluster.records("orders", at_least=1)] == [b"mended"]


async def test_a_row_of_what_is_set_aside_under_another_name_is_sent_once_and_forgotten(
    cluster: OrderCluster,
) -> None:
    row = {"topic": f"{cluster.prefix}orders", "key": b"again", "value": b"1", "headers": "{}"}
    await spoil(cluster[1], OUTBOX, **row)
    await cluster.records("orders", at_least=1)
    await spoil(
        cluster[1],
        "INSERT INTO set_aside (record, xid, id, topic, reason) SELECT 'odd', 0, id, topic, 'odd' FROM outbox",
    )

    async def forgotten() -> bool:
        return not await cluster[1].rows("SELECT record FROM set_aside")

    await wait_until(forgotten, timeout_s=20, what="nothing is set aside")
    await still_works(cluster, "tea")
    assert len([each for each in await cluster.records("orders", at_least=2) if each.key == b"again"]) <= 3


SPOILT_ORDERS = (
    "status = 'LOST'",
    "lines = '{}'",
    "lines = 'null'",
    """holds = '[{"home": 5}]'""",
    """holds = '[{"home": "order-1", "product_ids": ["unknown"]}]'""",
    "asks = -7",
    "updated_at = 9000000000000000000",
)
SPOILT_ORDERS_IN_SQLITE = (
    "lines = 'no JSON'",
    "lines = CAST(x'ff' AS TEXT)",
    "status = x'ff'",
    "asks = 'often'",
    "version = 'two'",
    "ask_again_at = 'soon'",
    "user_id = CAST(x'ff' AS TEXT)",
    "order_id = CAST(order_id AS BLOB)",
)


async def test_orders_that_are_none_keep_no_other_from_its_reminder(
    make_cluster: MakeCluster, backend: str
) -> None:
    cluster = await make_cluster()
    await cluster[1].start(without=lambda task: "inbox" in task)
    await cluster[1].product("tea")
    spoilt = SPOILT_ORDERS + (SPOILT_ORDERS_IN_SQLITE if backend == "sqlite" else ())
    ids = [await cluster[1].placed(("tea", 1)) for _ in (*spoilt, "sound")]
    *bad, sound = ids
    for order_id, change in zip(bad, spoilt, strict=True):
        await spoil(
            cluster[1],
            f"UPDATE orders SET ask_again_at = 1, {change} WHERE order_id = :id"  # noqa: S608 - our own
            if "ask_again_at" not in change
            else f"UPDATE orders SET {change} WHERE order_id = :id",  # noqa: S608 - likewise
            id=order_id,
        )
    cluster[1].clock.offset_ms = 1 * MINUTES

    async def reminded() -> bool:
        found = await cluster[1].rows("SELECT asks FROM orders WHERE order_id = :id", id=sound)
        return bool(found[0]["asks"])

    await wait_until(reminded, what="the sound order's owner is asked again")
    listed = await cluster[1].http.get("/orders", params={"user_id": "ada", "limit": 500})
    assert listed.status_code == 200
    assert sound in {order["order_id"] for order in listed.json()["items"]}
    answer = await cluster[1].http.get(f"/orders/{bad[0]}")
    assert answer.json()["type"] == "/problems/unreadable-state"
    assert bad[0] in answer.json()["detail"]


async def test_an_order_that_was_asked_for_as_often_as_can_be_counted_stops_no_reminder(
    make_cluster: MakeCluster,
) -> None:
    cluster = await make_cluster()
    await cluster[1].start(without=lambda task: "inbox" in task)
    await cluster[1].product("tea")
    often, sound = [await cluster[1].placed(("tea", 1)) for _ in range(2)]
    await spoil(cluster[1], "UPDATE orders SET asks = 32767, ask_again_at = 1 WHERE order_id = :id", id=often)
    cluster[1].clock.offset_ms = 1 * MINUTES

    async def reminded() -> bool:
        found = await cluster[1].rows("SELECT ask_again_at FROM orders WHERE order_id = :id", id=often)
        asked = await cluster[1].rows("SELECT asks FROM orders WHERE order_id = :id", id=sound)
        return bool(found[0]["ask_again_at"] > 1 and asked[0]["asks"])

    await wait_until(reminded, what="both owners are asked again")


async def test_products_reservations_and_offers_that_are_none_stop_no_inbox(
    cluster: OrderCluster, backend: str
) -> None:
    await cluster[1].product("tea")
    await cluster[1].product("cake")
    order_id = await cluster[1].placed(("tea", 1))
    await cluster[1].reaches(order_id, "CONFIRMED")
    await spoil(cluster[1], "UPDATE reservations SET held = 'LOST'")
    await spoil(cluster[1], "UPDATE products SET updated_at = -1 WHERE product_id = 'cake'")
    if backend == "sqlite":
        await spoil(cluster[1], "UPDATE products SET name = x'ff' WHERE product_id = 'cake'")
        await spoil(cluster[1], "UPDATE offers SET version = 'x' WHERE product_id = 'tea'")
        await spoil(cluster[1], "UPDATE claims SET claimed_at = 'x'")
    await cluster[1].http.post(f"/orders/{order_id}/cancel")  # its release meets the reservation
    lost = await cluster[1].order(("cake", 1))
    assert lost.status_code == 201
    await still_works(cluster, "milk")
    answer = await cluster[1].http.get("/products/cake")
    assert answer.json()["type"] == "/problems/unreadable-state"


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_positions_that_are_none_are_as_good_as_none(make_cluster: MakeCluster, backend: str) -> None:
    cluster = await (await make_cluster()).start()
    await still_works(cluster, "tea")
    await cluster[1].stop()
    await spoil(cluster[1], "UPDATE positions SET next_offset = 'x'")
    await spoil(cluster[1], "UPDATE relay_position SET id = 'x'")
    await cluster[1].start()
    await still_works(cluster, "milk")
