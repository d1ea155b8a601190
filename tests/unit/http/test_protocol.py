"""What every service's HTTP does with requests to upgrade, and with clients that send too much or too slowly."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from catalog_service.http import protocol as catalog
from order_service.entrypoints.http import protocol as order
from sink_connector.rest import protocol as sink
from tests.support.raw_http import RawConnection, connected, echo, listening, request
from tests.support.waiting import wait_until

SERVICES = {"order": order, "catalog": catalog, "sink": sink}
MEGABYTES = 24  # of an answer: sockets hold a few
SMUGGLED = request("/internal/claims", method="POST", body=b"[]")


def document(status: int, kind: str, detail: str) -> tuple[str, bytes]:
    return "text/plain", f"{status} {kind}".encode()


@pytest.fixture(params=SERVICES.values(), ids=list(SERVICES))
def service(request: pytest.FixtureRequest) -> Any:
    return request.param


def served(service: Any, *, app: ASGIApp = echo, **limits: float) -> AbstractAsyncContextManager[int]:
    bounds = service.Limits(**limits)
    return listening(service.http_protocol(bounds, document=document, headers={"X-Safe": "yes"}), app)


@pytest.fixture
async def connection(service: Any) -> AsyncIterator[RawConnection]:
    async with served(service) as port, connected(port) as connection:
        yield connection


@pytest.mark.parametrize("to", ["h2c", "websocket", "TLS/1.0", "anything, h2c"])
@pytest.mark.parametrize(
    "names", [("Upgrade", "Connection"), ("upgrade", "connection"), ("UPGRADE", "CONNECTION")]
)
async def test_a_request_to_upgrade_is_an_ordinary_one_with_its_body(
    connection: RawConnection, to: str, names: tuple[str, str]
) -> None:
    asked = (
        f"{names[0]}: {to}",
        f"{names[1]}: keep-alive, Upgrade, HTTP2-Settings",
        "HTTP2-Settings: AAMAAABk",
    )
    connection.send(request("/orders?a=b", *asked, method="POST", body=SMUGGLED))
    seen = (await connection.answer()).json()
    assert (seen["method"], seen["path"], seen["body"]) == ("POST", "/orders", SMUGGLED.decode())
    connection.send(request("/next"))
    assert (await connection.answer()).json()["path"] == "/next"


async def test_bodies_in_chunks_and_requests_behind_each_other_survive_an_upgrade(
    connection: RawConnection,
) -> None:
    chunked = request(
        "/chunked", "Connection: Upgrade", "Upgrade: h2c", "Transfer-Encoding: chunked", method="PUT"
    )
    with_length = request("/length", "Connection: Upgrade", "Upgrade: h2c", method="POST", body=b"abc")
    connection.send(chunked + b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n" + with_length + request("/last"))
    seen = [(await connection.answer()).json() for _ in range(3)]
    assert [(each["path"], each["body"]) for each in seen] == [
        ("/chunked", "hello world"),
        ("/length", "abc"),
        ("/last", ""),
    ]


async def test_an_upgrade_that_comes_byte_by_byte_is_understood(connection: RawConnection) -> None:
    whole = request("/slow", "Connection: Upgrade", "Upgrade: h2c", method="POST", body=SMUGGLED)
    for place in range(len(whole)):
        connection.send(whole[place : place + 1])
        await connection.writer.drain()
        await asyncio.sleep(0)
    assert (await connection.answer()).json()["body"] == SMUGGLED.decode()


@pytest.mark.parametrize(
    "sent",
    [
        b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/1.1\nHost: x\n\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
async def test_what_is_no_request_is_refused_in_the_service_s_format(
    connection: RawConnection, sent: bytes
) -> None:
    connection.send(sent)
    answer = await connection.answer()
    assert (answer.status, answer.body) == (400, b"400 malformed-request")
    assert (answer.headers["connection"], answer.headers["x-safe"]) == ("close", "yes")
    assert await connection.rest() == b""


@pytest.mark.parametrize("step", ["on_url", "on_header", "on_headers_complete", "on_body"])
async def test_a_request_that_there_is_no_memory_for_is_not_called_wrong(
    service: Any, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    async with served(service) as port, connected(port) as connection:
        monkeypatch.setattr(service.HttpToolsProtocol, step, fail)
        connection.send(request("/orders", method="POST", body=b"{}"))
        answer = await connection.answer()
        assert (answer.status, answer.body) == (503, b"503 out-of-memory")
        assert await connection.rest() == b""


@pytest.mark.parametrize(
    "head",
    [
        request("/", f"X-Long: {'x' * 70_000}"),
        request(f"/{'x' * 70_000}"),
        request("/", *(f"X-{number}: y" for number in range(300))),
        request("/", *(f"X-{number}: {'y' * 1000}" for number in range(70))),
        request("/")[:-2] + b"X-Endless: " + b"x" * 300_000,
        request("/")[:-2] + b"X" * 300_000,
        b"GET /" + b"x" * 300_000,
    ],
    ids=["value", "target", "lines", "sum", "endless value", "endless name", "endless target"],
)
async def test_a_head_over_its_bound_is_refused(connection: RawConnection, head: bytes) -> None:
    for place in range(0, len(head), 10_000):
        connection.send(head[place : place + 10_000])
    answer = await connection.answer()
    assert (answer.status, answer.body) == (431, b"431 head-too-large")
    assert await connection.rest() == b""


async def test_a_head_within_its_bound_is_served_however_it_is_cut(connection: RawConnection) -> None:
    head = request("/", *(f"X-{number}: {'y' * 1000}" for number in range(60)))
    for place in range(0, len(head), 1_000):
        connection.send(head[place : place + 1_000])
        await connection.writer.drain()
    assert (await connection.answer()).status == 200


async def test_lines_after_a_body_are_bounded_and_say_nothing_of_the_request(
    connection: RawConnection,
) -> None:
    chunked = request("/", "Transfer-Encoding: chunked", method="POST") + b"2\r\n{}\r\n0\r\n"
    connection.send(chunked + b"Idempotency-Key: late\r\n\r\n")
    seen = (await connection.answer()).json()
    assert (seen["body"], [name for name, _ in seen["headers"]]) == ("{}", ["host", "transfer-encoding"])
    connection.send(chunked + b"X-Endless: ")
    for _ in range(30):
        connection.send(b"x" * 10_000)
        await connection.writer.drain()
    assert (await connection.answer()).status == 431


ENDLESS = {
    "head": (b"GET / HTTP/1.1\r\nHost: ", b"x"),
    "body": (request("/", "Content-Length: 1000000", method="POST"), b"x"),
    "chunks": (request("/", "Transfer-Encoding: chunked", method="POST"), b"1\r\nx\r\n"),
    "upgrade": (
        request("/", "Transfer-Encoding: chunked", "Connection: Upgrade", "Upgrade: h2c", method="POST"),
        b"1\r\nx\r\n",
    ),
}


async def test_a_request_that_does_not_end_is_refused_in_time(service: Any) -> None:
    async with served(service, head_s=0.1, body_s=0.1) as port:
        await asyncio.gather(*(refused_in_time(port, *each) for each in ENDLESS.values()))


async def refused_in_time(port: int, begun: bytes, trickle: bytes) -> None:
    async with connected(port) as connection:
        connection.send(begun)
        answering = asyncio.create_task(connection.answer())

        def sent_on() -> bool:
            connection.send(trickle)
            return answering.done()

        await wait_until(sent_on, every_s=0.01, what="an answer although more keeps coming")
        answer = await answering
        assert (answer.status, answer.body) == (408, b"408 request-too-slow")
        assert await connection.rest() == b""


async def test_a_connection_that_says_nothing_is_closed(service: Any) -> None:
    async with served(service, head_s=0.2) as port, connected(port) as silent, connected(port) as answered:
        answered.send(request("/"))
        await answered.answer()
        for connection in (silent, answered):
            connection.send(b"\r\n")
        assert [await each.rest() for each in (silent, answered)] == [b"", b""]


async def test_a_connection_too_many_is_refused_and_its_place_is_given_back(service: Any) -> None:
    async with served(service, connections=2) as port:
        async with connected(port) as first, connected(port) as second:
            for each in (first, second):
                each.send(request("/"))
                assert (await each.answer()).status == 200
            async with connected(port) as third:
                third.send(request("/", method="POST", body=b"x" * 100_000))
                answer = await third.answer()
                assert (answer.status, answer.body) == (503, b"503 too-many-connections")
                assert answer.headers["connection"] == "close"
                assert await third.rest() == b""
            first.send(request("/still"))
            assert (await first.answer()).json()["path"] == "/still"

        async def taken() -> bool:
            async with connected(port) as fourth:
                fourth.send(request("/"))
                return (await fourth.answer()).status == 200

        await wait_until(taken, what="a place that was given back")


async def unread(_scope: Scope, _receive: Receive, send: Send) -> None:
    """More than a socket's buffers hold, in pieces."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(MEGABYTES):
        await send({"type": "http.response.body", "body": b"x" * 2**20, "more_body": True})
    await send({"type": "http.response.body"})


async def unread_at_once(_scope: Scope, _receive: Receive, send: Send) -> None:
    """The same, given to the transport before any of it is taken."""
    length = [(b"content-length", b"%d" % (MEGABYTES << 20))]
    await send({"type": "http.response.start", "status": 200, "headers": length})
    await send({"type": "http.response.body", "body": b"x" * (MEGABYTES << 20)})


@pytest.mark.parametrize("app", [unread, unread_at_once])
@pytest.mark.parametrize("then", ["keep-alive", "close"])
async def test_a_client_that_does_not_take_its_answer_is_cut_off(
    service: Any, app: ASGIApp, then: str
) -> None:
    async with served(service, app=app, answer_s=0.2, connections=1) as port, connected(port) as idle:
        idle.send(request("/", f"Connection: {then}"))

        async def its_place_is_free() -> bool:
            async with connected(port) as other:
                other.send(request("/"))
                return (await other.reader.readline()).split()[1] == b"200"

        await wait_until(its_place_is_free, what="the place of a client that does not read")


async def test_a_client_that_takes_its_answer_slowly_gets_all_of_it(service: Any) -> None:
    async with served(service, app=unread_at_once, answer_s=2.0) as port, connected(port) as slow:
        slow.send(request("/", "Connection: close"))
        taken = 0
        async with asyncio.timeout(60):
            while piece := await slow.reader.read(2**20):
                taken += len(piece)
                await asyncio.sleep(0.01)  # its pace
        assert taken > MEGABYTES << 20


async def test_requests_that_wait_behind_one_another_are_bounded(service: Any) -> None:
    held: list[asyncio.Event] = []

    async def one_at_a_time(scope: Scope, receive: Receive, send: Send) -> None:
        held.append(asyncio.Event())
        if len(held) == 1:
            await held[0].wait()
        await echo(scope, receive, send)

    async with served(service, app=one_at_a_time, pipelined=5) as port, connected(port) as connection:
        connection.send(b"".join(request(f"/{number}") for number in range(3_000)))
        await wait_until(lambda: bool(held), what="the first one is under way")
        held[0].set()
        paths = [(await connection.answer()).json()["path"] for _ in range(6)]
        assert paths == [f"/{number}" for number in range(6)]
        assert await connection.rest() == b""


async def test_an_answer_under_way_is_not_broken_by_what_comes_behind_it(connection: RawConnection) -> None:
    connection.send(request("/first") + b"no request at all\r\n\r\n")
    assert (await connection.answer()).json()["path"] == "/first"
    assert await connection.rest() == b""
