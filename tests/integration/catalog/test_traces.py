"""`GET /orders/{order_id}/trace`: the real things along an order's way, and never more work than is bounded."""

import asyncio
import json
import time
from datetime import timedelta
from typing import Any

import httpx
import pytest
from ulid_transform import ulid_at_time

from catalog_service.changefeed.order_records import BusyError, OrderRecords
from catalog_service.changefeed.topic_consumer import KafkaUnavailableError
from devservers.ports import free_ports
from tests.support.read_side import ReadSide, Row, an_order, serving
from tests.support.spans import REQUEST, UNRECORDED


def a_real_order(**different: Any) -> Row:
    """One with an id as an instance gives it, placed just now."""
    return an_order(0, **({"order_id": f"order-1-{ulid_at_time(time.time())}"} | different))


async def test_an_order_is_shown_as_it_lies_in_kafka_and_in_the_read_database(
    catalog: httpx.AsyncClient, read_side: ReadSide
) -> None:
    placed = a_real_order()
    confirmed = placed | {
        "status": "CONFIRMED",
        "version": 2,
        "updated_at": placed["updated_at"] + timedelta(seconds=1),
    }
    first = await read_side.go("orders", placed)
    await read_side.publish("orders", a_real_order(order_id=f"order-2-{ulid_at_time(time.time())}"))
    second = await read_side.publish("orders", confirmed, kind="order.confirmed.v1")
    found = (await catalog.get(f"/orders/{placed['order_id']}/trace")).raise_for_status().json()
    assert [(each["partition"], each["offset"]) for each in found["records"]] == [first, second]
    assert [each["headers"]["ce_type"] for each in found["records"]] == [
        "order.placed.v1",
        "order.confirmed.v1",
    ]
    assert json.loads(found["records"][1]["value"])["payload"]["status"] == "CONFIRMED"
    assert json.loads(found["records"][0]["key"])["payload"] == placed["order_id"]
    assert found["row"]["version"] == 1, "the sink has written the first only"
    assert [[reader["is_past"] for reader in each["readers"]] for each in found["records"]] == [
        [True],
        [False],
    ]
    assert found["complete"] is True
    await read_side.commit("orders", {second: confirmed})
    found = (await catalog.get(f"/orders/{placed['order_id']}/trace")).json()
    assert found["row"]["version"] == 2
    assert [reader["is_past"] for reader in found["records"][1]["readers"]] == [True]


async def test_a_record_of_a_recorded_trace_leads_to_it_where_the_trace_store_is_known(
    catalog: httpx.AsyncClient, read_side: ReadSide
) -> None:
    order = a_real_order()
    await read_side.publish("orders", order, trace=REQUEST)
    await read_side.publish("orders", order | {"version": 2}, trace=UNRECORDED)
    store = {"trace_url": "https://traces.example/of/{trace_id}?full"}
    async with serving(read_side.settings.model_copy(update=store)) as knowing:
        told = (await knowing.get(f"/orders/{order['order_id']}/trace")).raise_for_status().json()
    assert [each["trace_url"] for each in told["records"]] == [
        f"https://traces.example/of/{REQUEST[3:35]}?full",
        None,
    ]
    told = (await catalog.get(f"/orders/{order['order_id']}/trace")).raise_for_status().json()
    assert [each["trace_url"] for each in told["records"]] == [None, None]


async def test_an_order_whose_record_is_a_dead_letter_says_why(
    catalog: httpx.AsyncClient, read_side: ReadSide
) -> None:
    order = a_real_order()
    at = await read_side.publish("orders", order)
    await read_side.park("orders", at, order, value=None)
    found = (await catalog.get(f"/orders/{order['order_id']}/trace")).raise_for_status().json()
    assert found["row"] is None
    (letter,) = found["dead_letters"]
    assert (letter["partition"], letter["offset"], letter["error"]) == (*at, "integer out of range")


async def test_an_order_that_nobody_knows_is_not_found(catalog: httpx.AsyncClient) -> None:
    for order_id in ("order-1-x", f"order-1-{ulid_at_time(time.time())}"):
        answer = await catalog.get(f"/orders/{order_id}/trace")
        assert (answer.status_code, answer.json()["type"]) == (404, "/problems/unknown-order")


async def test_bytes_that_are_no_text_are_shown_as_far_as_they_are(
    catalog: httpx.AsyncClient, read_side: ReadSide
) -> None:
    order = a_real_order()
    topic, _, key = read_side.record("orders", order)
    sent = await read_side.producer.send_and_wait(
        topic, b"\xff" * 20_000, key=key, headers=[("ce_type", b"\xfe"), ("none", b"")]
    )
    (record,) = (await catalog.get(f"/orders/{order['order_id']}/trace")).raise_for_status().json()["records"]
    assert record["offset"] == sent.offset
    assert record["headers"] == {"ce_type": "\N{REPLACEMENT CHARACTER}", "none": ""}
    assert record["value"] == "\N{REPLACEMENT CHARACTER}" * 16_384


async def test_no_more_records_are_read_than_the_bound_allows(read_side: ReadSide) -> None:
    order = a_real_order()
    at = await read_side.publish("orders", order)
    topic, _, _ = read_side.record("orders", order)
    for _ in range(12):  # more than one answer of a broker holds
        await read_side.producer.send_and_wait(topic, b"x" * 300_000, key=b"other", partition=at[0])
    late = await read_side.publish("orders", order | {"version": 2})
    bounded = OrderRecords(read_side.settings.kafka_bootstrap, topic=topic, bound=1)
    found = await bounded.find(order["order_id"])
    assert [each.offset for each in found.records] == [at[1]]
    assert found.complete is False
    whole = await OrderRecords(read_side.settings.kafka_bootstrap, topic=topic).find(order["order_id"])
    assert [each.offset for each in whole.records] == [at[1], late[1]]
    assert whole.complete is True


async def test_only_a_few_look_at_once_and_none_waits_for_a_kafka_that_is_away(
    read_side: ReadSide,
) -> None:
    order_id = a_real_order()["order_id"]
    records = OrderRecords(f"127.0.0.1:{free_ports(1)[0]}", topic="orders", patience_s=1.0)
    asked = await asyncio.gather(*(records.find(order_id) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(each, BusyError) for each in asked) == 1
    assert sum(isinstance(each, KafkaUnavailableError) for each in asked) == 4
    with pytest.raises(KafkaUnavailableError):  # nobody is counted any more
        await records.find(order_id)
