"""Whatever arrives on `orders` and `products`: counted, passed over, and over; nothing restarts and nothing goes blind."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.record._protocols import MemoryRecordsProtocol
from aiokafka.record.memory_records import MemoryRecords, _MemoryRecordsPy

from catalog_service.changefeed.record_batches import LenientRecords
from tests.support.read_side import Event, ReadSide, a_product, an_order, serving, streaming
from tests.support.record_batches import RawRecord, send_batch
from tests.support.waiting import wait_until

DEEP = 5_000


def value_of(read_side: ReadSide, topic: str, **different: object) -> bytes:
    """An honest record's value, but for what is different."""
    row = an_order(7) if topic == "orders" else a_product("tea")
    return read_side.record(topic, row | different)[1]


def malformed(read_side: ReadSide, topic: str) -> dict[str, RawRecord]:
    """One record of each kind that is no change."""
    good = value_of(read_side, topic)
    return {
        "no value": RawRecord(value=None, key=b"k"),
        "nothing at all": RawRecord(value=None),
        "not utf-8": RawRecord(value=b"\xff\xfe"),
        "cut": RawRecord(value=good[: len(good) // 2]),
        "deep": RawRecord(value=b'{"schema":' + b"[" * DEEP + b"]" * DEEP + b',"payload":' + good + b"}"),
        "deep and open": RawRecord(value=b'{"schema":' + b"[" * DEEP),
        "beyond bigint": RawRecord(value=value_of(read_side, topic, version=2**63)),
        "beyond every version": RawRecord(value=value_of(read_side, topic, version=2**62)),
        "U+0000": RawRecord(value=value_of(read_side, topic, instance="order-1\x00")),
        "another type": RawRecord(value=b'{"schema":{},"payload":{"payment_id":"1","version":1}}'),
        "a list": RawRecord(value=b"[]"),
        "the name of a header": RawRecord(value=good, headers=[(b"\xff\xfe", b"x")]),
        "the name of a header, U+0000": RawRecord(value=b"{}", headers=[(b"\x00", b"x")]),
    }


async def unreadable(catalog: httpx.AsyncClient, topic: str) -> float:
    """How many records of `topic` were counted, whatever the reason."""
    metrics = (await catalog.get("/metrics")).text
    found = re.findall(
        rf'^catalog_unreadable_records_total{{reason="\w+",topic="{topic}"}} (\S+)$', metrics, re.MULTILINE
    )
    return sum(map(float, found))


async def next_change(events: AsyncIterator[Event]) -> Event:
    async with asyncio.timeout(60):
        while (event := await anext(events)).name in {"snapshot", "report"}:
            pass
        return event


@pytest.mark.guarantees("G-STREAM-6")
@pytest.mark.parametrize("topic", ["orders", "products"])
@pytest.mark.parametrize("decoder", ["extension", "python"])
async def test_a_malformed_record_is_counted_and_its_neighbours_are_shown(
    read_side: ReadSide, topic: str, decoder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if decoder == "python":
        monkeypatch.setattr(LenientRecords, "strict", _MemoryRecordsPy)
    name = read_side.prefix + topic
    records = malformed(read_side, topic)
    good = [an_order(0), an_order(1)] if topic == "orders" else [a_product("mug"), a_product("cup")]
    wrapped = [RawRecord(value=read_side.record(topic, row)[1]) for row in good]
    async with serving(read_side.settings) as catalog, streaming(catalog) as events:
        await wait_until(lambda: in_touch(catalog), what="the catalog knows its topics")
        begin = await send_batch(read_side.producer, name, [wrapped[0], *records.values(), wrapped[1]])
        ends = {(0, begin): good[0], (0, begin + len(records) + 1): good[1]}
        await wait_until(lambda: counted(catalog, topic, len(records)), what="every one is counted")
        await read_side.commit(topic, ends)
        told = [await next_change(events) for _ in good]
        assert [each.data["offset"] for each in told] == [begin, begin + len(records) + 1]
        await wait_until(lambda: in_touch(catalog), what="nothing is left to read")
        await wait_until(lambda: ready(catalog, 200), what="it is ready")


async def in_touch(catalog: httpx.AsyncClient) -> bool:
    return (await catalog.get("/health/live")).headers["sync-lag-ms"] == "0"


async def counted(catalog: httpx.AsyncClient, topic: str, many: int) -> bool:
    return await unreadable(catalog, topic) == many


@pytest.mark.parametrize("value", [None, b"\xff\xfe", b"x" * 256], ids=["null", "not utf-8", "without end"])
async def test_an_event_without_a_readable_type_is_shown_without_it_and_counted(
    catalog: httpx.AsyncClient, read_side: ReadSide, value: bytes | None
) -> None:
    product = a_product("tea")
    record = RawRecord(
        value=read_side.record("products", product)[1], headers=[(b"traceparent", None), (b"ce_type", value)]
    )
    async with streaming(catalog) as events:
        offset = await send_batch(read_side.producer, f"{read_side.prefix}products", [record])
        await read_side.commit("products", {(0, offset): product})
        event = await next_change(events)
        assert (event.data["kind"], event.data["product"]["product_id"]) == ("", "tea")
        assert await unreadable(catalog, "products") == 1


async def test_a_product_does_not_change_its_instance_in_the_stream(
    catalog: httpx.AsyncClient, read_side: ReadSide
) -> None:
    await read_side.go("products", a_product("tea"), kind="product.registered.v1")
    async with streaming(catalog) as events:
        forged = await read_side.publish("products", a_product("tea", instance="order-9", version=10**12))
        honest = await read_side.publish("products", a_product("tea", version=2))
        await read_side.commit("products", {forged: a_product("tea"), honest: a_product("tea", version=2)})
        event = await next_change(events)
        assert (event.data["product"]["instance"], event.data["product"]["version"]) == ("order-1", 2)
        assert await unreadable(catalog, "products") == 1


async def test_a_product_keeps_the_instance_that_was_known_before_the_start(read_side: ReadSide) -> None:
    await read_side.write("products", a_product("tea"))
    async with serving(read_side.settings) as catalog, streaming(catalog) as events:
        forged = await read_side.publish("products", a_product("tea", instance="order-9", version=7))
        honest = await read_side.publish("products", a_product("tea", version=2))
        await read_side.commit("products", {forged: a_product("tea"), honest: a_product("tea", version=2)})
        assert (await next_change(events)).data["product"]["instance"] == "order-1"


async def test_a_partition_that_cannot_be_read_makes_the_catalog_unready_and_is_named(
    read_side: ReadSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A broker refuses a damaged batch, so the damage happens on the way: the checksum of one order's batch is wrong.
    def damaged(data: bytes) -> MemoryRecordsProtocol:
        return MemoryRecords(data[:-2] + b"\xff\xff" if b"order-1-000000" in data else data)

    async with serving(read_side.settings) as catalog:
        await wait_until(lambda: in_touch(catalog), what="the catalog knows its topics")
        monkeypatch.setattr(LenientRecords, "strict", staticmethod(damaged))
        at = await read_side.publish("orders", an_order(0))

        async def is_named() -> bool:
            answer = await catalog.get("/health/ready")
            return answer.status_code == 503 and f"{read_side.prefix}orders" in answer.json()["detail"]

        await wait_until(is_named, what="the catalog is not ready, and names the topic")
        await wait_until(lambda: behind(catalog), what="it does not call itself up to date")
        assert (await catalog.get("/orders")).status_code == 200, "queries need no Kafka"
        monkeypatch.setattr(LenientRecords, "strict", MemoryRecords)
        await read_side.commit("orders", {at: an_order(0)})
        await wait_until(lambda: ready(catalog, 200), what="it is over")
        await wait_until(lambda: in_touch(catalog), what="and nothing was missed")


async def test_what_a_transaction_took_back_is_not_shown_and_an_open_one_is_lag(
    catalog: httpx.AsyncClient, read_side: ReadSide, kafka_bootstrap: str
) -> None:
    name, value, key = read_side.record("orders", an_order(0))
    _, later, later_key = read_side.record("orders", an_order(1))
    async with (
        streaming(catalog) as events,
        AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, transactional_id=name) as other,
    ):
        await other.begin_transaction()
        await other.send_and_wait(name, value, key=key, partition=0)
        honest = await read_side.producer.send_and_wait(name, later, key=later_key, partition=0)
        await wait_until(lambda: behind(catalog), what="the open transaction is lag")
        await other.abort_transaction()
        await read_side.commit("orders", {(0, honest.offset): an_order(1)})
        assert (await next_change(events)).data["offset"] == honest.offset
        await wait_until(lambda: in_touch(catalog), what="nothing is left")


async def ready(catalog: httpx.AsyncClient, status: int) -> bool:
    return (await catalog.get("/health/ready")).status_code == status


FORGED: list[Callable[[str], str]] = [
    lambda name: json.dumps({"connector": "orders", "topics": {name: {"0": 10**9, "1": 10**9}}}),
    lambda name: json.dumps({"connector": "orders", "topics": {name: {"x": 1}}}),
    lambda name: json.dumps({"connector": "orders", "topics": {name: {"0": 2**70}}, "taken_ms": 2**70}),
    lambda name: json.dumps({"connector": "orders", "topics": [name]}),
    lambda _: "[" * 7_000,
    lambda _: "\ufffd",
    lambda _: "",
    lambda name: json.dumps({"connector": "orders", "topics": {}}) + name,
]


async def test_a_forged_notification_makes_nothing_visible(
    catalog: httpx.AsyncClient, read_side: ReadSide, database: asyncpg.Connection
) -> None:
    async with streaming(catalog) as events:
        at = await read_side.publish("orders", an_order(0))
        for forged in FORGED:
            await database.execute("SELECT pg_notify('read_model', $1)", forged(f"{read_side.prefix}orders"))
        await wait_until(lambda: behind(catalog), what="the record has been read")
        await read_side.go("products", a_product("tea"), kind="product.registered.v1")
        assert (await next_change(events)).name == "product", "heard after the forged ones, and only this"
        report = (await catalog.get("/sync")).json()
        assert report["published"] == 1
        assert report["lag_ms"] > 0
        await read_side.commit("orders", {at: an_order(0)})
        assert (await next_change(events)).data["order"]["order_id"] == "order-1-000000"
        await wait_until(lambda: in_touch(catalog), what="nothing is left")
        await wait_until(lambda: ready(catalog, 200), what="it is ready")


async def behind(catalog: httpx.AsyncClient) -> bool:
    return not await in_touch(catalog)
