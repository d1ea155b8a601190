"""What the catalog passes on to an order instance: nothing but what was sent, and to no other path."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from catalog_service.gateway.command_proxy import instance_routes
from catalog_service.http import problems, protocol
from catalog_service.http.trace_links import TraceLinks
from tests.support.raw_http import RawConnection, connected, listening, request

ORDERS = "/instances/order-1/orders"


class _Instance:
    """Remembers what it was sent."""

    def __init__(self) -> None:
        self.seen: list[httpx.Request] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        return httpx.Response(200, json={}, headers={"Set-Cookie": "a=b", "X-Secret": "c", "ETag": '"1"'})


@pytest.fixture
def instance() -> _Instance:
    return _Instance()


@pytest.fixture
async def catalog(instance: _Instance) -> AsyncIterator[RawConnection]:
    app = FastAPI(redirect_slashes=False)
    speaks = protocol.http_protocol(protocol.Limits(), document=problems.document, headers={})
    async with httpx.AsyncClient(transport=httpx.MockTransport(instance.answer)) as behind:
        app.include_router(instance_routes({"order-1": "http://order-1/base/"}, behind, TraceLinks(None)))
        problems.install_problems(app)
        async with listening(speaks, app) as port, connected(port) as connection:
            yield connection


@pytest.mark.parametrize(
    "path",
    [
        "/..",
        "/.",
        "/%2e%2e",
        "/%2e%2e/ship",
        "/../cancel",
        "/..%2f..%2fmetrics",
        "/%2e%2e%2fproducts",
        "/%00",
        "/a%0d%0ab",
        "/a?b%23",
        "/%3fx",
        "/%23x",
        "/a;b",
        "/%5c..",
        "//",
        "/" + "a" * 81,
        "/@evil.example",
        "/http:%2f%2fevil.example",
        "/%ff",
    ],
)
async def test_no_path_but_an_order_s_is_passed_on(
    catalog: RawConnection, instance: _Instance, path: str
) -> None:
    for method in ("GET", "POST"):
        catalog.send(request(ORDERS + path, method=method))
        answer = await catalog.answer()
        assert 400 <= answer.status < 500 or path == "/a?b%23", answer.body
    assert {each.url.path for each in instance.seen} <= {"/orders/a"}


@pytest.mark.parametrize(
    ("sent", "passed"),
    [
        ("?user_id=ada&limit=5", "user_id=ada&limit=5"),
        ("?user_id=a&user_id=b", "user_id=a&user_id=b"),
        ("?user_id=a%20b+c%26d", "user_id=a%20b+c%26d"),
        ("?user_id=%E9", "user_id=%E9"),
        ("?" + '"' * 30_000, "%22" * 30_000),
        ("?", ""),
        ("", ""),
    ],
)
async def test_a_question_is_passed_on_as_it_came(
    catalog: RawConnection, instance: _Instance, sent: str, passed: str
) -> None:
    catalog.send(request(ORDERS + sent))
    assert (await catalog.answer()).status == 200
    assert instance.seen[0].url.query.decode() == passed
    assert instance.seen[0].url.path == "/orders"


async def test_of_headers_those_of_a_command_are_passed_on_byte_by_byte(
    catalog: RawConnection, instance: _Instance
) -> None:
    sent = ("Idempotency-Key: \xe9", "Idempotency-Key: b", "If-Match: \xff", "Authorization: Bearer \xff")
    own = (
        "Order-Peer-Secret: x",
        "Order-Forwarded-By: order-2",
        "Connection: x-secret",
        "X-Secret: y",
        "Cookie: a=b",
    )
    catalog.send(request(ORDERS, *sent, *own, method="POST", body=b"{}"))
    answer = await catalog.answer()
    assert answer.status == 200, answer.body
    passed = [(name.decode(), value.decode("latin-1")) for name, value in instance.seen[0].headers.raw]
    expected: list[Any] = [
        (name.lower(), value) for name, _, value in (each.partition(": ") for each in sent)
    ]
    assert [each for each in passed if each[0].lower() in dict(expected)] == expected
    assert not {"order-peer-secret", "order-forwarded-by", "x-secret", "cookie"} & {
        name.lower() for name, _ in passed
    }
    assert answer.headers["etag"] == '"1"'
    assert not {"set-cookie", "x-secret"} & answer.headers.keys()


async def test_half_a_body_is_no_command_and_no_defect(instance: _Instance) -> None:
    app = FastAPI(redirect_slashes=False)
    async with httpx.AsyncClient(transport=httpx.MockTransport(instance.answer)) as behind:
        app.include_router(instance_routes({"order-1": "http://order-1"}, behind, TraceLinks(None)))
        problems.install_problems(app)
        come: list[Any] = [
            {"type": "http.disconnect"},
            {"type": "http.request", "body": b"{", "more_body": True},
        ]
        said: list[Any] = []

        async def receive() -> Any:
            return come.pop()

        async def send(message: Any) -> None:
            said.append(message)

        scope = {"type": "http", "method": "POST", "path": ORDERS, "headers": [], "query_string": b""}
        await app(scope, receive, send)
    assert said[0]["status"] == 400
    assert instance.seen == []
