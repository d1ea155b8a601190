"""What a load sends, how it counts and what it calls late."""

import argparse
import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from auditor.journal import read_journal, write_journal
from loadgen import cli
from loadgen.load import Destination
from loadgen.schedule import Generator, Sent, load_client
from loadgen.seed_data import Basket, Customers
from loadgen.summary import Latency, Summary

Handler = Callable[[web.Request], Coroutine[None, None, web.Response]]
BASKET = Basket(user_id="ada", lines=(("tea", 2),))
CREATED = {"order_id": "order-1-1", "placed_at": "2026-11-22T08:26:40.123Z"}


@asynccontextmanager
async def _served(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_post("/orders", handler)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


async def _sent(url: str, *, orders: int = 1, rate: float = 1000.0, timeout_s: float = 30.0) -> list[Sent]:
    ended: list[Sent] = []
    async with load_client(timeout_s=timeout_s) as client:
        generator = Generator(
            client=client, instances={"order-1": url, "order-2": url}, answered=ended.append
        )
        sent = await generator.send_all(orders=orders, rate=rate, draw=lambda: BASKET)
    assert sorted(ended, key=lambda order: order.number) == sent
    return sent


async def test_every_order_due_in_a_stall_is_charged_for_it() -> None:
    stalled_until = asyncio.get_running_loop().time() + 0.4

    async def stall(_request: web.Request) -> web.Response:
        await asyncio.sleep(stalled_until - asyncio.get_running_loop().time())
        return web.json_response(CREATED, status=201)

    async with _served(stall) as url:
        sent = await _sent(url, orders=20, rate=100)
    for order in sent:
        assert order.answer_s > 0.4 - order.number / 100 - 0.02, "from when it was due"


async def test_instances_take_turns() -> None:
    async def accept(_request: web.Request) -> web.Response:
        return web.json_response(CREATED, status=201)

    async with _served(accept) as url:
        assert [order.instance for order in await _sent(url, orders=4)] == ["order-1", "order-2"] * 2


async def _created(_request: web.Request) -> web.Response:
    return web.json_response(CREATED, status=201)


async def _refused(_request: web.Request) -> web.Response:
    return web.json_response({"type": "/problems/unknown-product"}, status=422)


async def _gone(_request: web.Request) -> web.Response:
    return web.Response(text="gone", status=503)


async def _late(_request: web.Request) -> web.Response:
    await asyncio.sleep(2)
    raise AssertionError("nobody waits for this")


async def _cut(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@pytest.mark.parametrize(
    ("handler", "outcome", "reason"),
    [
        (_created, "ok", ""),
        (_refused, "failed", "422 /problems/unknown-product"),
        (_gone, "unknown", "503"),
        (_late, "unknown", "SocketTimeoutError"),
        (_cut, "unknown", "ClientOSError|ServerDisconnectedError"),
    ],
)
async def test_an_answer_decides_what_is_known_of_a_command(
    handler: Handler, outcome: str, reason: str
) -> None:
    async with _served(handler) as url:
        (order,) = await _sent(url, timeout_s=0.5 if handler is _late else 30)
    assert order.outcome == outcome
    assert order.reason in reason.split("|")
    assert (order.order_id == "order-1-1") is (outcome == "ok")


async def test_an_order_that_never_left_has_failed() -> None:
    async with _served(_created) as url:
        pass
    (order,) = await _sent(url)
    assert (order.outcome, order.reason) == ("failed", "ClientConnectorError")


def test_alike_dice_make_alike_orders_and_few_products_make_most_of_them() -> None:
    first, second = (Customers(run="x", users=100, dice=random.Random(7)) for _ in range(2))  # noqa: S311
    baskets = [first.basket() for _ in range(2_000)]
    assert baskets == [second.basket() for _ in range(2_000)]
    wanted = Counter(product for basket in baskets for product, _ in basket.lines)
    users = Counter(basket.user_id for basket in baskets)
    assert wanted["load-00"] > 10 * wanted["load-39"] > 0
    assert users["x-00000"] > 10 * users["x-00099"] > 0
    assert all(len({product for product, _ in basket.lines}) == len(basket.lines) for basket in baskets)


def test_percentiles_are_samples_that_happened() -> None:
    latency = Latency.of([number / 1000 for number in range(100, 0, -1)])
    assert latency == Latency(samples=100, p50=50.0, p95=95.0, p99=99.0, highest=100.0)
    assert Latency.of([]) is None


def _order(number: int, outcome: str, order_id: str | None = None) -> Sent:
    return Sent(
        number=number, instance="order-1", basket=BASKET, late_s=0.0, answer_s=0.002, outcome=outcome,
        reason="" if outcome == "ok" else "503", order_id=order_id, placed_at=10.0 if order_id else None,
    )  # fmt: skip


def test_a_load_is_good_only_when_all_is_accepted_and_visible() -> None:
    good = Summary.of([_order(0, "ok", "a")], seen={"a": 10.005}, seconds=1)
    assert good.good
    assert good.visible is not None
    assert good.visible.p99 == 5.0
    assert not Summary.of([_order(0, "ok", "a")], seen={}, seconds=1).good
    assert not Summary.of([_order(0, "ok", "a"), _order(1, "unknown")], seen={"a": 11}, seconds=1).good


def test_a_journal_reads_as_it_was_written(tmp_path: Path) -> None:
    commands = [_order(0, "ok", "a").command(), _order(1, "failed").command()]
    write_journal(tmp_path / "journal", commands)
    assert list(read_journal(tmp_path / "journal")) == commands


async def test_an_order_under_way_when_a_load_is_cancelled_is_in_its_journal_as_unknown() -> None:
    arrived = asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        arrived.set()
        await asyncio.sleep(3_600)
        return web.Response()

    ended: list[Sent] = []
    async with _served(hang) as url, load_client(timeout_s=60) as client:
        generator = Generator(client=client, instances={"order-1": url}, answered=ended.append)
        sending = asyncio.create_task(generator.send_all(orders=1, rate=1_000, draw=lambda: BASKET))
        await arrived.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
    assert [(order.outcome, order.reason) for order in ended] == [("unknown", "interrupted")]
    assert ended[0].command().outcome == "unknown"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b'{"order_id":7}', b"\xff", b"[" * 5_000 + b"]" * 5_000]
)
@pytest.mark.parametrize(("status", "outcome"), [(201, "unknown"), (422, "failed"), (503, "unknown")])
async def test_an_answer_of_any_content_is_counted_and_ends_nothing(
    body: bytes, status: int, outcome: str
) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, body=body, content_type="application/json")

    async with _served(answer) as url:
        (order,) = await _sent(url)
    assert order.outcome == outcome


def test_a_journal_that_cannot_be_written_is_said_before_anything_is_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    cli.add_arguments(parser)
    args = parser.parse_args(["--journal", str(tmp_path / "nosuch" / "journal")])
    nowhere = Destination(
        instances={"order-1": "http://127.0.0.1:1"}, read_dsn="postgresql://127.0.0.1:1/read"
    )
    assert cli.run(args, nowhere) == cli.NO_LOAD
    assert "the journal cannot be written, so nothing was sent" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["--orders", "abc"], ["--orders", "1.5"], ["--rate", "x"], ["--rate", "nan"], ["--users", "0"]]
)
def test_a_number_that_is_none_is_said_in_words(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    parser = argparse.ArgumentParser()
    cli.add_arguments(parser)
    with pytest.raises(SystemExit, match="2"):
        parser.parse_args(words)
    said = capsys.readouterr().err
    assert "is not a" in said or "is not above 0" in said
