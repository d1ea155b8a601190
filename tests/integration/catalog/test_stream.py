"""`GET /stream`: a snapshot, then every change once, in order, when it is visible and not before."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from functools import partial
from urllib.parse import urlsplit

import httpx
import pytest

from catalog_service.http import stream
from tests.support.read_side import Event, ReadSide, a_product, an_order, serving, streaming
from tests.support.waiting import wait_until


async def take(events: AsyncIterator[Event], many: int) -> list[Event]:
    async with asyncio.timeout(60):
        return [await anext(events) for _ in range(many)]


def versions(events: list[Event]) -> list[tuple[str, int]]:
    return [(each.data["order"]["order_id"], each.data["order"]["version"]) for each in events]


async def test_a_stream_begins_with_the_picture_and_goes_on_with_what_changes(
    catalog: httpx.AsyncClient, read_side: ReadSide
) -> None:
    await read_side.go("orders", an_order(0))
    await read_side.go("products", a_product("tea"), kind="product.registered.v1")
    async with streaming(catalog) as events:
        (snapshot,) = await take(events, 1)
        assert snapshot.name == "snapshot"
        assert [each["order_id"] for each in snapshot.data["orders"]] == ["order-1-000000"]
        assert [each["name"] for each in snapshot.data["products"]] == ["Tea"]
        await read_side.go("orders", an_order(0, version=2, status="CONFIRMED"), kind="order.confirmed.v1")
        await read_side.go("products", a_product("tea", version=2, stock_available=8))
        # Of different topics, in whatever order they were fetched.
        confirmed, reserved = sorted(await take(events, 2), key=lambda each: each.name)
    assert (confirmed.name, confirmed.data["kind"], confirmed.data["order"]["status"]) == (
        "order",
        "order.confirmed.v1",
        "CONFIRMED",
    )
    assert confirmed.data["journey"]["total"] >= 0
    assert (reserved.name, reserved.data["product"]["stock_available"]) == ("product", 8)


@pytest.mark.guarantees("G-QUERY-4", "G-STREAM-1")
async def test_nobody_hears_of_a_change_that_a_query_would_not_find(
    catalog: httpx.AsyncClient, read_side: ReadSide
) -> None:
    async with streaming(catalog) as events:
        await take(events, 1)
        at = await read_side.publish("orders", an_order(0))
        await wait_until(lambda: _lag(catalog, at_least=1), what="the record has been read")
        telling = asyncio.ensure_future(take(events, 1))
        await asyncio.wait({telling}, timeout=0.5)
        assert not telling.done()
        await read_side.commit("orders", {at: an_order(0)})
        assert versions(await telling) == [("order-1-000000", 1)]
        assert (await catalog.get("/orders/order-1-000000")).status_code == 200


async def _lag(catalog: httpx.AsyncClient, *, at_least: int) -> bool:
    return int((await catalog.get("/health/live")).headers["sync-lag-ms"]) >= at_least


@pytest.mark.guarantees("G-STREAM-3")
@pytest.mark.parametrize("restarted", [False, True], ids=["same process", "after a restart"])
async def test_a_stream_resumes_at_any_event_with_nothing_lost_or_doubled(
    read_side: ReadSide, *, restarted: bool
) -> None:
    async with serving(read_side.settings) as first, streaming(first) as events:
        begun = await take(events, 1)
        for number in range(12):
            await read_side.go("orders", an_order(number % 4, version=1 + number // 4))
        told = await take(events, 12)
        # The very first snapshot was taken before there was a position to resume at.
        assert begun[0].id is None
        again = contextlib.nullcontext(first) if not restarted else serving(read_side.settings)
        async with again as second:
            for number, event in enumerate(told[:-1]):
                async with streaming(second, last_event_id=event.id) as resumed:
                    rest = await take(resumed, len(told) - number - 1)
                missed = sorted(versions(told[number + 1 :]))
                assert [each.name for each in rest] == ["order"] * len(missed)
                assert sorted(versions(rest)) == missed, event.id
                for order in {order for order, _ in missed}:
                    in_order = [version for each, version in versions(rest) if each == order]
                    assert in_order == sorted(in_order)


@pytest.mark.guarantees("G-STREAM-2")
async def test_a_change_between_the_snapshot_and_the_stream_is_told_once(
    catalog: httpx.AsyncClient, read_side: ReadSide
) -> None:
    writing = asyncio.create_task(_write(read_side, 45))
    async with contextlib.AsyncExitStack() as open_streams:
        streams = []
        while not writing.done():
            streams.append(await open_streams.enter_async_context(streaming(catalog)))
            await asyncio.sleep(0)
        for events in streams:
            (snapshot,) = await take(events, 1)
            known = [each["order_id"] for each in snapshot.data["orders"]]
            more = [order for order, _ in versions(await take(events, 45 - len(known)))]
            assert sorted(known + more) == [f"order-1-{number:06d}" for number in range(45)]
    await writing


async def _write(read_side: ReadSide, many: int) -> None:
    for number in range(many):
        await read_side.go("orders", an_order(number))


@pytest.mark.guarantees("G-STREAM-5")
async def test_a_stream_of_one_user_holds_nothing_of_others(
    catalog: httpx.AsyncClient, read_side: ReadSide
) -> None:
    await read_side.go("orders", an_order(0))
    await read_side.go("orders", an_order(1, user_id="bob"))
    async with streaming(catalog, "/stream?user_id=bob") as events:
        (snapshot,) = await take(events, 1)
        assert [each["user_id"] for each in snapshot.data["orders"]] == ["bob"]
        await read_side.go("orders", an_order(2))
        await read_side.go("orders", an_order(3, user_id="bob"))
        (event,) = await take(events, 1)
        assert event.data["order"]["order_id"] == "order-1-000003"
        assert event.id is not None
    async with streaming(catalog, "/stream?user_id=bob", last_event_id=event.id) as events:
        await read_side.go("orders", an_order(4, user_id="bob"))
        assert versions(await take(events, 1)) == [("order-1-000004", 1)]


@pytest.mark.guarantees("G-STREAM-4")
async def test_a_position_nobody_remembers_gets_the_whole_picture_instead_of_a_gap(
    read_side: ReadSide,
) -> None:
    settings = read_side.settings.model_copy(update={"stream_memory": 3})
    async with serving(settings) as client, streaming(client) as events:
        await take(events, 1)
        for number in range(6):
            await read_side.go("orders", an_order(number))
        told = await take(events, 6)
        async with streaming(client, last_event_id=told[0].id) as resumed:
            (snapshot,) = await take(resumed, 1)
            assert (snapshot.name, len(snapshot.data["orders"])) == ("snapshot", 6)
        async with streaming(client, last_event_id=told[4].id) as resumed:
            assert versions(await take(resumed, 1)) == versions(told[5:])


@pytest.mark.guarantees("G-STREAM-4")
@pytest.mark.parametrize(
    "never_reached", ["orders:9223372036854775807", "orders:0.1", "orders:9999999999999999999", "payments:1"]
)
async def test_a_position_that_was_never_reached_hides_nothing(
    catalog: httpx.AsyncClient, read_side: ReadSide, never_reached: str
) -> None:
    """Of topics that were made anew since, say, which a page that was left open outlives."""
    await read_side.go("orders", an_order(0))
    async with streaming(catalog, last_event_id=never_reached) as events:
        (snapshot,) = await take(events, 1)
        assert (snapshot.name, len(snapshot.data["orders"])) == ("snapshot", 1)
        await read_side.go("orders", an_order(1))
        assert versions(await take(events, 1)) == [("order-1-000001", 1)]


async def test_reports_come_along_every_second(catalog: httpx.AsyncClient, read_side: ReadSide) -> None:
    async with streaming(catalog, "/stream?reports=true") as events:
        reports = [event for event in await take(events, 4) if event.name == "report"]
    assert len(reports) >= 3
    assert {"lag_ms", "legs", "connectors", "parts", "dead_letters"} <= reports[0].data.keys()
    assert reports[0].id is None


@pytest.mark.slow
async def test_five_hundred_streams_hear_the_same(read_side: ReadSide) -> None:
    # Heartbeats of the usual tests would keep half a processor busy with so many streams.
    settings = read_side.settings.model_copy(update={"stream_heartbeat": 5.0})
    async with serving(settings) as catalog, contextlib.AsyncExitStack() as open_streams:

        async def is_up_to_date() -> bool:
            return (await catalog.get("/health/live")).headers["sync-lag-ms"] == "0"

        await wait_until(is_up_to_date, what="the catalog knows its topics")
        streams = [await open_streams.enter_async_context(streaming(catalog)) for _ in range(500)]
        await asyncio.gather(*(take(events, 1) for events in streams))
        for number in range(5):
            await read_side.go("orders", an_order(number))
        told = await asyncio.gather(*(take(events, 5) for events in streams))
    (heard,) = {tuple(versions(each)) for each in told}
    assert sorted(heard) == [(f"order-1-{number:06d}", 1) for number in range(5)]


async def test_no_more_streams_open_than_allowed(read_side: ReadSide) -> None:
    settings = read_side.settings.model_copy(update={"max_streams": 1})
    async with serving(settings) as client, streaming(client) as events:
        await take(events, 1)
        answer = await client.get("/stream")
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/too-many-streams")


async def test_one_client_has_so_many_streams_and_gets_each_place_back(read_side: ReadSide) -> None:
    settings = read_side.settings.model_copy(update={"streams_per_client": 2})
    async with serving(settings) as client:
        async with streaming(client) as first, streaming(client) as second:
            await take(first, 1)
            await take(second, 1)
            for method in ("GET", "HEAD"):
                answer = await client.request(method, "/stream")
                assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")
            assert (await client.get("/stream")).json()["type"] == "/problems/too-many-streams"
            assert (await client.get("/health/live")).status_code == 200

        async def opens(method: str) -> bool:
            async with client.stream(method, "/stream") as answer:
                return answer.status_code == 200

        for method in ("GET", "HEAD") * 4:
            await wait_until(partial(opens, method), what="a place that was given back")


@pytest.mark.guarantees("G-STREAM-4")
async def test_a_reader_that_does_not_read_is_told_so_and_let_go(
    read_side: ReadSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        stream, "_SEND_PATIENCE_S", 120.0
    )  # nor is its connection given up before it reads again
    settings = read_side.settings.model_copy(update={"stream_buffer": 20})
    big = [{"product_id": "x" * 128, "quantity": 1, "unit_price_cents": 1}] * 100
    orders = [an_order(number, lines=big) for number in range(500)]
    async with serving(settings) as client:
        slow = _never_reads(client)
        try:
            await wait_until(lambda: _streams(client, 1), what="the slow stream is open")
            sent = [await read_side.producer.send(*read_side.record("orders", order)) for order in orders]
            at = [((await each).partition, (await each).offset) for each in sent]
            for begin in range(0, len(orders), 10):
                here = slice(begin, begin + 10)
                await read_side.commit("orders", dict(zip(at[here], orders[here], strict=True)))
            # It reads again before the connection is given up: what was on its way, then why it ends.
            text = await asyncio.to_thread(_read_all, slow)
            assert text.count(b"event: order\n") < len(orders)
            assert (
                b'event: cut-off\ndata: {"reason":"too slow: reconnect with Last-Event-ID"}\n\n'
                in text[-200:]
            )
            await wait_until(lambda: _streams(client, 0), what="the slow stream is closed")
        finally:
            slow.close()


def _never_reads(client: httpx.AsyncClient) -> socket.socket:
    address = urlsplit(str(client.base_url))
    slow = socket.socket()
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    slow.connect((address.hostname, address.port))
    slow.sendall(b"GET /stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    return slow


def _read_all(slow: socket.socket) -> bytes:
    slow.settimeout(60)
    text = bytearray()
    while b"event: cut-off" not in text[-400:]:
        piece = slow.recv(1 << 20)
        assert piece, "the connection was closed without a word"
        text += piece
    return bytes(text)


async def _streams(client: httpx.AsyncClient, many: int) -> bool:
    return f"catalog_streams {many}.0" in (await client.get("/metrics")).text
