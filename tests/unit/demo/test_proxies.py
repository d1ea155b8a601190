"""A proxy in the caller's environment is for the way out: what is on this machine is asked directly."""

import asyncio
import sys
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from demo.cli import status
from demo.home import REPOSITORY
from devservers.ports import free_ports
from devservers.process import ChildProcess, minimal_environment
from rebuild.connect_client import worker

SYNC = {"lag": 0, "lag_ms": 1, "dead_letters": 0, "connectors": []}


@pytest.fixture(autouse=True)
def proxy(monkeypatch: pytest.MonkeyPatch) -> str:
    """A proxy that does not answer."""
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    return url


@pytest.fixture
async def server() -> AsyncIterator[str]:
    """Has a lag, no connectors, and every product."""

    async def answer(request: web.Request) -> web.Response:
        return web.json_response(SYNC if request.path == "/sync" else {})

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    async with TestServer(app) as running:
        yield str(running.make_url("")).rstrip("/")


async def test_status_asks_the_catalog_directly(server: str) -> None:

    parts = {"catalog": {"state": "ready", "url": server}}
    said = await asyncio.to_thread(status.read_side, {"phase": "ready", "parts": parts})
    assert said == "0 records behind, 1 ms old"


async def test_a_rebuild_asks_the_worker_directly(server: str) -> None:
    async with worker(server) as sink:
        await sink.delete("orders-next")


async def test_the_seed_asks_the_instances_directly(
    server: str, tmp_path_factory: pytest.TempPathFactory, proxy: str
) -> None:

    log = tmp_path_factory.mktemp("seed") / "log"
    script = str(REPOSITORY / "infra" / "docker" / "seed.py")
    env = minimal_environment() | {"HTTP_PROXY": proxy}
    child = await ChildProcess.start(
        (sys.executable, script, server, server, server), log=log, env=env, cwd=REPOSITORY
    )
    assert await child.wait() == 0, log.read_text()
