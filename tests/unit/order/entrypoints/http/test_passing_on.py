"""Requests that belong to another instance: what is sent on, and what its answers may be."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from order_service.domain.errors import DomainError
from order_service.entrypoints.http import problems, protocol
from order_service.entrypoints.http.claims import NameRegistryClient
from order_service.entrypoints.http.peers import Peers
from order_service.entrypoints.http.problems import ProblemError
from order_service.service_layer.use_cases.reserve_name import ReserveName
from tests.support.order_api import order_api
from tests.support.raw_http import connected, listening, request

ORDER = "/orders/order-2-01JD9Z6Q4W8C3N5T7V9X2B4D6F"
Answer = Callable[[httpx.Request], httpx.Response]


def passing_on(answer: Answer) -> tuple[Peers, FastAPI]:
    """order-1, which passes everything on to order-2."""
    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    peers = Peers(instance="order-1", urls={"order-2": "http://order-2"}, client=client, secret="s")  # noqa: S106 - of this test
    app = FastAPI()
    problems.install(app)

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def forward(request: Request) -> Response:
        return await peers.forward(request, "order-2")

    return peers, app


@pytest.fixture
def seen() -> list[httpx.Request]:
    return []


@pytest.fixture
async def http(seen: list[httpx.Request]) -> AsyncIterator[httpx.AsyncClient]:
    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={})

    _, app = passing_on(answer)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://order-1") as client:
        yield client


@pytest.mark.parametrize(
    "headers",
    [
        [(b"If-None-Match", b"\xff")],
        [(b"Content-Type", b"application/json; charset=\xe9")],
        [(b"Idempotency-Key", b"one"), (b"Idempotency-Key", b"two")],
        [(b"Authorization", b"Bearer \xff"), (b"Authorization", b"Bearer x")],
        [(b"Host", b"localhost"), (b"Connection", b"x-secret"), (b"X-Secret", b"y"), (b"Cookie", b"a=b")],
    ],
)
async def test_headers_are_passed_on_as_they_came(
    http: httpx.AsyncClient, seen: list[httpx.Request], headers: list[tuple[bytes, bytes]]
) -> None:
    await http.post(ORDER, headers=headers)
    known = {b"if-none-match", b"content-type", b"idempotency-key", b"authorization"}
    sent = [(name.lower(), value) for name, value in headers if name.lower() in known]
    passed = [(name.lower(), value) for name, value in seen[0].headers.raw]
    assert [each for each in passed if each[0] in known] == sent
    assert not {b"x-secret", b"cookie"} & {name for name, _ in passed}


async def test_a_question_is_passed_on_without_the_body_that_nobody_has_bounded(
    http: httpx.AsyncClient, seen: list[httpx.Request]
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 2**20
        pytest.fail("the body was read to its end")

    await asyncio.wait_for(http.request("GET", ORDER, content=endless()), timeout=20)
    assert seen[0].content == b""


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(502, text="<html>Bad gateway</html>"),
        httpx.Response(503, json={"error": "no problem"}),
        httpx.Response(307, headers={"Location": "http://elsewhere.example"}),
        httpx.Response(503, content=b"\xff", headers={"Retry-After": "soon"}),
        httpx.Response(200, text="<html>Welcome</html>"),
        httpx.Response(200, json={}),
        httpx.Response(200, json=[]),
        httpx.Response(200, json=[{"instance": "order-2"}] * 3),
        httpx.Response(200, content=b"[" * 100_000),
        httpx.Response(
            503, content=b'{"type":"a","title":"b","status":503,"detail":"c","d":' + b"[" * 100_000
        ),
        httpx.Response(503, json={"type": "a", "title": "b", "status": 42, "detail": "c"}),
        httpx.Response(503, json={"type": "a", "title": "b", "status": 200, "detail": "c"}),
        httpx.Response(503, json={"type": "a", "title": "b", "status": 10**9, "detail": "c"}),
    ],
    ids=lambda answer: f"{answer.status_code} {answer.text[:20]}",
)
async def test_whatever_answers_in_the_place_of_an_instance_every_claim_comes_to_an_end(
    answer: httpx.Response,
) -> None:
    peers, _ = passing_on(lambda _: answer)

    async def call(to: str, body: bytes) -> bytes:
        return await peers.post("/internal/claims", body, to=to)

    claims = NameRegistryClient(call)
    waiting = [
        claims.claim("order-2", ReserveName(name=f"product {number}", instance="order-1", fingerprint=""))
        for number in range(3)
    ]
    async with asyncio.timeout(20):
        ended: list[Any] = await asyncio.gather(*waiting, return_exceptions=True)
    assert [each.kind.name for each in ended if isinstance(each, ProblemError)] == ["home-silent"] * 3
    assert not any(isinstance(each, DomainError) for each in ended)


async def test_a_request_with_any_bytes_is_no_defect_on_its_way(tmp_path: Path) -> None:
    speaks = protocol.http_protocol(protocol.Limits(), document=problems.document, headers={})
    peers = {"order-1": "http://127.0.0.1:1", "order-2": "http://127.0.0.1:1"}
    async with (
        order_api(tmp_path, peers=peers) as api,
        listening(speaks, api.service.app) as port,
        connected(port) as connection,
    ):
        for sent in (
            request(ORDER, "If-None-Match: \xff"),
            request(f"{ORDER}?%ff"),
            request(f"{ORDER}/cancel", "Content-Type: application/json; \xff", method="POST", body=b"{}"),
            request(f"{ORDER}/cancel?" + "%22" * 20_000, method="POST"),
        ):
            connection.send(sent)
            answer = await connection.answer()
            assert answer.status == 503, answer.body
            assert answer.json()["type"] == "/problems/home-unreachable"
