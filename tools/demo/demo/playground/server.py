"""The control's HTTP: `GET /` says how it is, `POST /` asks for something, on loopback and for no web page.

The page reaches it through the catalog. Whatever a browser sends here by itself, from whichever page, is refused.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from aiohttp import web

from demo.playground.control import Control
from demo.playground.errors import PlaygroundError
from devservers.ports import HOST

_MAX_BODY = 16 * 1024
_CONTROL = web.AppKey("control", Control)
_NAMES = (HOST, "localhost")


def application(control: Control, *, port: int) -> web.Application:
    """The routes, and the guard before them."""
    hosts = {f"{name}:{port}" for name in _NAMES}

    @web.middleware
    async def guard(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if request.headers.get("Host") not in hosts:  # a name that a page has had resolve to this machine
            return _problem(HTTPStatus.BAD_REQUEST, "unknown-host", "this is not called so")
        foreign = "Origin" in request.headers or request.headers.get("Sec-Fetch-Site", "none") != "none"
        if foreign or (request.method == "POST" and request.content_type != "application/json"):
            return _problem(HTTPStatus.FORBIDDEN, "foreign-origin", "commands of web pages are not taken")
        try:
            return await handler(request)
        except web.HTTPException as refused:
            return _refused(refused)

    app = web.Application(middlewares=[guard], client_max_size=_MAX_BODY)
    app[_CONTROL] = control
    app.add_routes([web.get("/", _state), web.post("/", _do), web.get("/health", _health)])
    return app


async def _health(_: web.Request) -> web.Response:
    return web.json_response({"status": "ready"})


async def _state(request: web.Request) -> web.Response:
    return web.json_response(await request.app[_CONTROL].state())


async def _do(request: web.Request) -> web.Response:
    control = request.app[_CONTROL]
    try:
        asked: Any = json.loads(await request.text())
    except (ValueError, RecursionError, LookupError, web.RequestPayloadError):
        asked = None  # a LookupError is of a charset that nobody knows
    if not isinstance(asked, dict):
        return _problem(HTTPStatus.BAD_REQUEST, "malformed-json", "the body is not a JSON object")
    try:
        await control.do(asked)
    except PlaygroundError as error:
        return _problem(HTTPStatus(error.status), error.kind, str(error))
    return web.json_response(await control.state())


def _refused(refused: web.HTTPException) -> web.Response:
    """What aiohttp says by itself in plain text."""
    status = HTTPStatus(refused.status)
    answer = _problem(status, status.phrase.lower().replace(" ", "-"), refused.text or status.description)
    if "Allow" in refused.headers:
        answer.headers["Allow"] = refused.headers["Allow"]
    return answer


def _problem(status: HTTPStatus, kind: str, detail: str) -> web.Response:
    content = {"type": f"/problems/{kind}", "title": status.phrase, "status": status.value, "detail": detail}
    return web.json_response(content, status=status, content_type="application/problem+json")


async def serve(control: Control, *, port: int, until: asyncio.Event) -> None:
    """Serve until the event; then nothing that it has thrown stays so, as far as it can still be taken back."""
    runner = web.AppRunner(application(control, port=port), access_log=None)
    await runner.setup()
    watching = asyncio.create_task(control.readers.watch(control.looked_at))
    try:
        await web.TCPSite(runner, HOST, port).start()
        await control.switches.forget()
        await until.wait()
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await control.work.stop()
        await control.switches.release()
        await runner.cleanup()
