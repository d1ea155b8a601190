"""The control's door: the stack's own programs may come in, web pages may not."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, cast

import httpx
import pytest
from aiohttp import web

from demo.playground.control import Control
from demo.playground.errors import BusyError, PlaygroundError
from demo.playground.server import application
from devservers.ports import free_ports


class _Control:
    """Remembers what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, Any]] = []

    async def state(self) -> dict[str, Any]:
        return {"open": True}

    async def do(self, asked: Mapping[str, Any]) -> None:
        self.asked.append(asked)
        if asked.get("do") == "walk":
            raise BusyError("busy with: audit")
        if asked.get("do") == "fly":
            raise PlaygroundError("not understood: 'fly'")


@pytest.fixture
def control() -> _Control:
    return _Control()


@pytest.fixture
async def client(control: _Control) -> AsyncIterator[httpx.AsyncClient]:
    (port,) = free_ports(1)
    runner = web.AppRunner(application(cast(Control, control), port=port))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        yield client
    await runner.cleanup()


@pytest.mark.parametrize(
    ("asked", "content", "coding", "status"),
    [
        ("POST /", b"no gzip", "gzip", 400),
        ("POST /", b"no deflate", "deflate", 400),
        ("POST /", b"x" * 20_000, "identity", 413),
        ("PUT /", b"{}", "identity", 405),
        ("POST /none", b"{}", "identity", 404),
    ],
)
async def test_what_is_no_request_is_refused_as_a_problem(
    client: httpx.AsyncClient, asked: str, content: bytes, coding: str, status: int
) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    method, path = asked.split()
    answer = await client.request(method, path, content=content, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["detail"]
    assert ("allow" in answer.headers) == (status == 405)


async def test_a_program_asks_and_is_told_the_new_state(client: httpx.AsyncClient, control: _Control) -> None:
    answer = await client.post("/", json={"do": "audit"})
    assert (answer.status_code, answer.json()) == (200, {"open": True})
    assert (await client.get("/")).json() == {"open": True}
    assert control.asked == [{"do": "audit"}]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://127.0.0.1:8000"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Content-Type": "text/plain"},
    ],
    ids=str,
)
async def test_what_a_web_page_can_send_is_refused(
    client: httpx.AsyncClient, control: _Control, headers: dict[str, str]
) -> None:
    answer = await client.post("/", content=b'{"do": "audit"}', headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/foreign-origin")
    assert control.asked == []


async def test_a_name_that_a_page_has_made_its_own_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.get("/", headers={"Host": "rebound.example"})
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/unknown-host")


@pytest.mark.parametrize(
    ("asked", "status", "kind"),
    [({"do": "walk"}, 409, "playground-busy"), ({"do": "fly"}, 422, "playground-refused")],
)
async def test_what_cannot_be_done_is_said_as_a_problem(
    client: httpx.AsyncClient, asked: dict[str, str], status: int, kind: str
) -> None:
    answer = await client.post("/", json=asked)
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{kind}")


@pytest.mark.parametrize(
    ("body", "charset"),
    [(b"{", "utf-8"), (b"[]", "utf-8"), (b"[" * 5000, "utf-8"), (b"\xff", "utf-8"), (b"{}", "none-such")],
)
async def test_a_body_that_is_no_object_is_refused(
    client: httpx.AsyncClient, body: bytes, charset: str
) -> None:
    media_type = f"application/json; charset={charset}"
    answer = await client.post("/", content=body, headers={"Content-Type": media_type})
    assert answer.status_code == 400
