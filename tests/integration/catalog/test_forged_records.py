"""Records that contradict themselves, through the real connectors: parked with the name of the rule, and never shown."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from catalog_service.changefeed.change import UnreadableRecordError, read_change
from tests.support.read_model import read_model
from tests.support.read_side import ReadSide, a_product, an_order, envelope_key, serving
from tests.support.waiting import wait_until

SAMPLES = Path(__file__).parents[3] / "contracts" / "samples"
ORDER_ID = "order-1-01JD9Z6Q4W8C3N5T7V9X2B4D6F"


def value(sample: str, **different: Any) -> bytes:
    """The golden record with other values in its payload."""
    envelope = json.loads(json.loads((SAMPLES / f"{sample}.json").read_text())["value"])
    assert set(different) <= set(envelope["payload"])
    envelope["payload"] |= different
    return json.dumps(envelope, separators=(",", ":"), ensure_ascii=False).encode()


def order(**different: Any) -> bytes:
    return value("order.placed.v1", **{"order_id": ORDER_ID, "instance": "order-1"} | different)


def product(**different: Any) -> bytes:
    return value("product.registered.v1", **{"product_id": "tea", "instance": "order-1"} | different)


LINE = {"product_id": "tea", "quantity": 1, "unit_price_cents": 450}
FORGED_ORDERS = {
    "instance_fits_id": [
        order(version=10**12, instance="order-9", status="SHIPPED", total_cents=1),
        order(version=9, instance="order"),
        order(version=9, instance=""),
        order(version=9, instance="order-1-01JD9Z6Q4W8C3N5T7V9X2B4D6F"),
    ],
    "version_in_range": [order(version=2**63 - 1), order(version=10**12 + 1), order(version=0)],
}


async def send(read_side: ReadSide, topic: str, key: str, *values: bytes) -> None:
    """All in one partition, as records of one key are."""
    for each in values:
        await read_side.producer.send_and_wait(
            read_side.prefix + topic, each, key=envelope_key(key), partition=0
        )


@asynccontextmanager
async def whole(read_side: ReadSide, bootstrap: str, dsn: str) -> AsyncIterator[httpx.AsyncClient]:
    """The connectors and a catalog."""
    async with read_model(bootstrap, dsn, prefix=read_side.prefix), serving(read_side.settings) as catalog:
        yield catalog


async def visible(catalog: httpx.AsyncClient, path: str, headers: dict[str, str]) -> httpx.Response:
    """The answer to whoever comes again for as long as a token's version is not visible yet."""

    async def answered() -> httpx.Response | None:
        answer = await catalog.get(path, headers=headers)
        return None if answer.status_code == 503 else answer

    found = await wait_until(answered, timeout_s=90, what=f"{path} shows {headers}")
    assert found is not None
    return found


async def parked(database: asyncpg.Connection, connector: str, many: int) -> list[str] | None:
    found = await database.fetch(
        "SELECT error FROM sink.dead_letters_v1 WHERE connector = $1 ORDER BY id", connector
    )
    return [row["error"] for row in found] if len(found) >= many else None


async def test_a_forged_order_is_parked_and_a_token_never_answered_with_it(
    read_side: ReadSide, database: asyncpg.Connection, read_dsn: str, kafka_bootstrap: str
) -> None:
    forged = [each for group in FORGED_ORDERS.values() for each in group]
    async with whole(read_side, kafka_bootstrap, read_dsn) as catalog:
        await send(
            read_side, "orders", ORDER_ID, order(version=1), *forged, order(version=2, status="CONFIRMED")
        )
        headers = {"Consistency-Token": f"orders:{ORDER_ID}:2", "Prefer": "wait=10"}
        for path in (f"/orders/{ORDER_ID}", f"/orders/{ORDER_ID}/history"):
            answer = await visible(catalog, path, headers)
            assert answer.status_code == 200, answer.text
            state = answer.json() if "items" not in answer.json() else answer.json()["items"][-1]
            assert (state["version"], state["status"], state["instance"]) == (2, "CONFIRMED", "order-1")
        # Of several records with one key in a batch only the newest is written: the others need no dead letter.
        for connector, least in (("orders", 1), ("order-history", len({*FORGED_ORDERS}))):
            errors = await wait_until(partial(parked, database, connector, least), what="they are parked")
            assert errors is not None
            assert all(any(rule in error for rule in FORGED_ORDERS) for error in errors), errors
        # The forgery claims a version the order will reach: its dead letter is not that version's.
        answer = await catalog.get(
            f"/orders/{ORDER_ID}", headers={"Consistency-Token": f"orders:{ORDER_ID}:9"}
        )
        assert answer.json()["type"] == "/problems/not-yet-visible"


async def test_a_product_stays_with_its_instance(
    read_side: ReadSide, database: asyncpg.Connection, read_dsn: str, kafka_bootstrap: str
) -> None:
    async with whole(read_side, kafka_bootstrap, read_dsn) as catalog:
        await send(read_side, "products", "tea", product(version=1))
        headers = {"Consistency-Token": "products:tea:1", "Prefer": "wait=10"}
        assert (await visible(catalog, "/products/tea", headers)).status_code == 200
        await send(
            read_side,
            "products",
            "tea",
            product(version=10**12, instance="order-9", unit_price_cents=1),
            product(version=2, unit_price_cents=500),
        )
        errors = await wait_until(partial(parked, database, "products", 1), what="the forgery is parked")
        assert errors is not None
        assert "belongs to instance order-1, not to order-9" in errors[0]
        headers = {"Consistency-Token": "products:tea:2", "Prefer": "wait=10"}
        shown = (await visible(catalog, "/products/tea", headers)).json()
        assert (shown["version"], shown["instance"], shown["unit_price_cents"]) == (2, "order-1", 500)


@pytest.mark.parametrize("table", ["orders", "order_history"])
@pytest.mark.parametrize(
    "different",
    [
        {},
        {"instance": "order-2"},
        {"instance": "order"},
        {"instance": ""},
        {"instance": "order-1-000000"},
        {"order_id": "order-1-a-b"},
        {"version": 0},
        {"version": 10**12 + 1},
        {"placed_at": datetime(1, 1, 2, tzinfo=UTC)},
        {"user_id": "a" * 128},
        {"user_id": "a" * 129},
        {"order_id": "order-1-" + "0" * 130},
        {"status": "PENDING" * 20},
        {"reason": "x" * 10_000},
        {"reason": "x" * 10_001},
        {"lines": []},
        {"lines": [LINE] * 100},
        {"lines": [LINE] * 101},
        {"lines": [LINE | {"product_id": "\u00e9" * 128}] * 100},
        {"lines": [LINE | {"product_id": "x" * 40_000}]},
        {"lines": [LINE, LINE]},
        {"lines": [LINE | {"colour": "green"}]},
        {"lines": {}},
        {"lines": "tea"},
        {"lines": None},
        {"lines": [None]},
        {"lines": ["tea"]},
        {"lines": [[LINE]]},
        {"lines": [LINE, {}]},
        {"lines": [LINE | {"product_id": 7}]},
        {"lines": [LINE | {"product_id": None}]},
        {"lines": [LINE | {"quantity": "1"}]},
        {"lines": [LINE | {"quantity": 1.5}]},
        {"lines": [LINE | {"quantity": 0}]},
        {"lines": [LINE | {"quantity": 10**6 + 1}]},
        {"lines": [LINE | {"quantity": None}]},
        {"lines": [LINE | {"quantity": True}]},
        {"lines": [LINE | {"quantity": [1]}]},
        {"lines": [LINE | {"unit_price_cents": -1}]},
        {"lines": [LINE | {"unit_price_cents": 2**63 - 1}]},
        {"lines": [LINE | {"unit_price_cents": 2**63}]},
    ],
    ids=lambda different: str(different)[:60],
)
async def test_the_read_tables_and_the_change_feed_refuse_the_same(
    read_side: ReadSide, table: str, different: dict[str, Any]
) -> None:
    row = an_order(0, **different)
    _, record, _ = read_side.record("orders", row)
    if readable("orders", record):
        await read_side.write(table, row)
        return
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await read_side.write(table, row)
    assert (refused.value.constraint_name or "").startswith(f"{table}_")


async def test_an_order_whose_lines_are_none_is_parked_whatever_its_status_and_no_page_is_lost(
    read_side: ReadSide, database: asyncpg.Connection, read_dsn: str, kafka_bootstrap: str
) -> None:
    # An order that does not count is in no sum, so that no projection looks at its lines.
    forged = [
        with_lines(
            order(version=1, status="REJECTED"), {"type": "array", "items": {"type": "string"}}, ["tea"]
        ),
        with_lines(order(version=1, status="REJECTED"), {"type": "string"}, '"tea"'),
    ]
    async with whole(read_side, kafka_bootstrap, read_dsn) as catalog:
        await send(read_side, "orders", ORDER_ID, *forged)
        other = ORDER_ID[:-1] + "G"
        await send(read_side, "orders", other, order(order_id=other, version=1))
        headers = {"Consistency-Token": f"orders:{other}:1", "Prefer": "wait=10"}
        shown = await visible(catalog, "/orders", headers)
        assert [each["order_id"] for each in shown.json()["items"]] == [other]
        for connector in ("orders", "order-history"):
            assert await wait_until(partial(parked, database, connector, 1), what="it is parked")
        assert (await catalog.get(f"/orders/{ORDER_ID}/history")).status_code == 404


def with_lines(record: bytes, schema: dict[str, Any], lines: Any) -> bytes:
    """The record with lines of another schema."""
    envelope = json.loads(record)
    [field] = [each for each in envelope["schema"]["fields"] if each["field"] == "lines"]
    field.clear()
    field |= schema | {"field": "lines", "optional": False}
    envelope["payload"]["lines"] = lines
    return json.dumps(envelope).encode()


def readable(topic: str, record: bytes) -> bool:
    try:
        read_change(topic=topic, partition=0, offset=0, value=record, kind="", timestamp_ms=0, seen_ms=0)
    except UnreadableRecordError:
        return False
    return True


async def test_a_product_may_change_everything_but_its_instance(
    read_side: ReadSide, database: asyncpg.Connection
) -> None:
    await read_side.write("products", a_product("tea"))
    await read_side.write("products", a_product("tea", version=2, name="Tea, green", stock_available=1))
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await read_side.write("products", a_product("tea", version=3, instance="order-2"))
    assert refused.value.constraint_name == "products_instance_stays"
    assert await database.fetchval("SELECT version FROM products") == 2


async def test_a_time_beyond_the_calendar_is_refused_before_it_stops_every_query(
    database: asyncpg.Connection,
) -> None:
    for time in ("infinity", "-infinity", "10000-01-01T00:00:00Z", "0001-01-01 00:00:00+00 BC"):
        with pytest.raises(asyncpg.CheckViolationError):
            await database.execute(
                "INSERT INTO products VALUES ('tea', 'Tea', 1, 1, 0, 1, 'order-1', $1::text::timestamptz)",
                time,
            )
