"""Requests that no client library sends, byte by byte: each is refused in the service's own format, none is a defect."""

import json

import pytest

from tests.support.raw_http import connected, listening, request
from tests.unit.http.conftest import Served

pytestmark = pytest.mark.asyncio(loop_scope="module")

NUMBER = b"7" * 5_000
BODIES = {
    "number without end": b'{"user_id":"ada","lines":[{"product_id":"tea","quantity":' + NUMBER + b"}]}",
    "number without end, elsewhere": b'{"stock":-' + NUMBER + b"}",
    "number beyond floats": b'{"stock":1e400}',
    "half a character as a key": b'{"\\ud800":1}',
    "half a character in a deeper key": b'{"user_id":"ada","lines":[{"\\udfff":1}]}',
    "half a character as a value": b'{"user_id":"\\ud800"}',
    "NUL as a key": b'{"\\u0000":1}',
    "keys without end": b"{" + b",".join(b'"%d":0' % number for number in range(5_000)) + b"}",
    "a text": b'"user_id"',
    "true": b"true",
    "nothing": b"null",
}
TARGETS = {
    "bytes in the query": request("/orders?user_id=\xff"),
    "bytes in the query of nothing": request("/unknown?\xff\xfe"),
    "bytes in the query of a file": request("/docs/none?\xff"),
    "half a percent": request("/orders/%"),
    "percent of nothing": request("/orders/%zz?user_id=%zz"),
    "bytes by percent": request("/orders/%ff%fe?user_id=%ff"),
    "NUL by percent": request("/orders/%00?user_id=%00"),
    "a line by percent": request("/orders/a%0d%0aX-Injected:%20yes"),
    "dots": request("/docs/../../../etc/passwd"),
    "dots by percent": request("/docs/%2e%2e/%2e%2e/etc/passwd"),
    "slashes": request("//evil.example/../.."),
    "backslashes": request("/docs/..\\..\\etc"),
    "an address": request("http://evil.example/unknown"),
    "a star": request("*", method="OPTIONS"),
    "a semicolon": request("/unknown;a=b"),
    "hosts in brackets": b"GET /unknown?x HTTP/1.1\r\nHost: [127.0.0.1]\r\n\r\n",
    "a host of colons": b"GET /unknown HTTP/1.1\r\nHost: [::::]\r\n\r\n",
    "no host": b"GET /unknown HTTP/1.1\r\n\r\n",
    "a file's range": request("/docs/none", "Range: bytes=9-1"),
}
HEADERS = [
    "Accept: application/openmetrics-text; version=none",
    "Accept: application/openmetrics-text; version=1.x; escaping=\xff",
    "Accept: text/plain; version=a.b",
    "Accept: ;;;,,,=",
    "Traceparent: 00-\xff",
    "Forwarded: for=\xff",
    "X-Forwarded-For: , ,\xff",
    "X-Forwarded-Proto: javascript",
    "Content-Type: \xff/\xff; charset=none-such",
    "Range: bytes=9-1",
    "Range: lines=1-2",
    'Cookie: =;=\xff;"; __Host-token=\xff',
    "If-None-Match: \xff",
    "If-Modified-Since: \xff",
    "Expect: the unexpected",
    "Authorization: Bearer \xff",
    "Accept-Encoding: \xff;q=x",
]  # fmt: skip


async def answered(served: Served, *sent: bytes) -> list[tuple[int, str, bytes]]:
    """Status, media type and body of the answer to each."""
    answers = []
    async with listening(served.protocol, served.app) as port:
        for each in sent:
            async with connected(port) as connection:
                connection.send(each)
                answer = await connection.answer()
                answers.append((answer.status, answer.headers.get("content-type", ""), answer.body))
    return answers


def check_refused(status: int, media_type: str, body: bytes) -> None:
    assert 400 <= status < 500, (status, body)
    assert media_type in {"application/problem+json", "application/json"}
    body.decode()
    json.loads(body)


@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
async def test_a_body_of_no_command_is_refused(served: Served, body: bytes) -> None:
    paths = ("/orders", "/products", "/products/tea/restock", "/instances/order-9/orders")
    sent = [request(path, "Content-Type: application/json", method="POST", body=body) for path in paths]
    for answer in await answered(served, *sent):
        check_refused(*answer)


async def test_a_refusal_is_not_larger_than_what_it_refuses(served: Served) -> None:
    query = "&".join(f"p{number}=" for number in range(6_000))
    sent = (
        request("/orders", "Content-Type: application/json", method="POST", body=BODIES["keys without end"]),
        request(f"/orders?{query}"),
    )
    for each, (_, _, body) in zip(sent, await answered(served, *sent), strict=True):
        assert len(body) < len(each)


@pytest.mark.parametrize("sent", TARGETS.values(), ids=list(TARGETS))
async def test_a_target_of_nothing_is_refused(served: Served, sent: bytes) -> None:
    [(status, media_type, body)] = await answered(served, sent)
    if sent.startswith(b"GET /orders?") and status == 200:
        return  # a replacement character is a user nobody is
    if b"/orders" in sent and status == 503:
        assert b"read database" in body  # it was taken for a question; without the database nobody knows
        return
    check_refused(status, media_type, body)
    assert b"root:" not in body


@pytest.mark.parametrize("header", HEADERS)
async def test_a_header_says_something_or_nothing_and_breaks_nothing(served: Served, header: str) -> None:
    method, path = served.command
    sent = [request(path, header) for path in (served.read, "/metrics", "/docs", "/docs/swagger-ui.css")]
    for status, _, body in await answered(served, *sent):
        assert status < 500, body
    [(status, media_type, body)] = await answered(served, request(path, header, method=method))
    if status != 502:  # the catalog's door has nobody behind it
        check_refused(status, media_type, body)


@pytest.mark.parametrize(
    "header", ["Range: bytes=0-1", "Range: bytes=9-1", "Range: bytes=99999999-", "Range: x"]
)
async def test_a_file_is_answered_whole(served: Served, header: str) -> None:
    whole, asked = await answered(
        served, request("/docs/swagger-ui.css"), request("/docs/swagger-ui.css", header)
    )
    assert whole == asked
    assert whole[0] == 200
