"""The way to a playground's switches: there where the setting names their control, and for no other site's page."""

import contextlib
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from aiohttp import web
from pydantic import SecretStr, ValidationError

from catalog_service.bootstrap import running
from catalog_service.settings import Settings
from devservers.ports import free_ports


def settings(playground_url: str | None = None, **more: str) -> Settings:
    return Settings.model_validate(
        {
            "database_url": SecretStr("postgresql://nobody@127.0.0.1:1/none"),
            "kafka_bootstrap": "127.0.0.1:1",
            "playground_url": playground_url,
            **more,
        }
    )


@contextlib.asynccontextmanager
async def catalog(playground_url: str | None = None) -> AsyncIterator[httpx.AsyncClient]:
    async with running(settings(playground_url)) as service:
        transport = httpx.ASGITransport(service.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            yield client


@pytest.fixture
async def control() -> AsyncIterator[tuple[str, list[web.Request]]]:
    """A control that says what it was asked for; its address, and the requests it got."""
    asked: list[web.Request] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request)
        told = await request.text()
        if "busy" in told:
            return web.json_response({"type": "/problems/playground-busy"}, status=409)
        return web.json_response({"open": True, "asked": told})

    app = web.Application()
    app.router.add_route("*", "/", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    (port,) = free_ports(1)
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield f"http://127.0.0.1:{port}", asked
    await runner.cleanup()


async def test_without_the_setting_there_are_no_switches() -> None:
    async with catalog() as client:
        assert (await client.get("/playground")).json() == {"open": False}
        answer = await client.post("/playground", json={"do": "kill", "part": "kafka-1"})
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/no-playground")


async def test_what_is_asked_for_goes_to_the_control_and_its_answer_back(
    control: tuple[str, list[web.Request]],
) -> None:
    url, asked = control
    async with catalog(url) as client:
        assert (await client.get("/playground")).json() == {"open": True, "asked": ""}
        command = {"do": "kill", "part": "kafka-1"}
        done = await client.post("/playground", json=command, headers={"Origin": "http://127.0.0.1:8000"})
        busy = await client.post("/playground", json={"do": "busy"})
    assert json.loads(done.json()["asked"]) == command
    assert done.headers["cache-control"] == "no-store"
    assert (busy.status_code, busy.json()["type"]) == (409, "/problems/playground-busy")
    assert all("Origin" not in request.headers for request in asked), "the control takes none of a browser's"


async def test_no_other_site_s_page_throws_a_switch(control: tuple[str, list[web.Request]]) -> None:
    url, asked = control
    async with catalog(url) as client:
        for foreign in ({"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}):
            answer = await client.post("/playground", json={"do": "audit"}, headers=foreign)
            assert (answer.status_code, answer.json()["type"]) == (403, "/problems/foreign-origin")
    assert asked == []


async def test_a_control_that_is_away_is_said_to_be() -> None:
    async with catalog("http://127.0.0.1:1") as client:
        answer = await client.get("/playground")
    assert (answer.status_code, answer.json()["type"]) == (502, "/problems/playground-away")


@pytest.mark.parametrize(
    ("url", "more"),
    [
        ("http://127.0.0.1:8095", {"auth_issuer": "https://issuer.example"}),
        ("http://127.0.0.1:8095", {"host": "0.0.0.0", "allow_anonymous": "true"}),  # noqa: S104 - what is refused
        ("http://control.example:8095", {}),
    ],
    ids=["log-ins", "open to others", "a control elsewhere"],
)
def test_a_playground_that_others_could_reach_is_refused(url: str, more: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="CATALOG_PLAYGROUND_URL"):
        settings(url, **more)
