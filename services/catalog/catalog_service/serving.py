"""Serves what `bootstrap` has built until a signal or the death of a part."""

import asyncio
import gc
import signal
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI

from catalog_service.bootstrap import running
from catalog_service.http.guarded_server import GuardedServer
from catalog_service.http.problems import document
from catalog_service.http.protocol import Limits, agree_on_tls, http_protocol
from catalog_service.http.response_headers import SAFE_HEADERS
from catalog_service.settings import Settings
from catalog_service.tls_files import serve_from_files

log = structlog.get_logger(__name__)

NO_TLS: Mapping[str, Any] = MappingProxyType({})

_DRAIN_S = 3
_KEEP_ALIVE_S = (
    20  # longer than clients keep a connection for (5 s in httpx), so that theirs is the hand that closes it
)


def http_server(
    app: FastAPI,
    *,
    host: str,
    port: int,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    tls: Mapping[str, Any] = NO_TLS,
) -> GuardedServer:
    """What serves the application, not yet running; `tls` are uvicorn's options for it."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http=http_protocol(limits, document=document, headers=SAFE_HEADERS),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # who asks is who is connected, whatever they say
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_DRAIN_S,
        **tls,
    )
    if tls:
        serve_from_files(config)
        agree_on_tls(config)
    return GuardedServer(config)


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        RuntimeError: a background task has ended: better to be restarted than to answer with half the parts.
    """
    async with running(settings) as service:
        limits = Limits(connections=settings.max_connections)
        server = http_server(
            service.app, host=settings.host, port=settings.port, limits=limits, tls=settings.server_tls()
        )
        serving = asyncio.create_task(_serve_until_signal(server, release=service.release), name="http")
        tune_collector()
        log.info("catalog.started", host=settings.host, port=settings.port)
        watched = {serving, *service.tasks}
        ended, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        server.give_up(*ended)
        await serving
        if dead := ended - {serving}:
            task = dead.pop()
            raise RuntimeError(f"the task {task.get_name()} has ended") from task.exception()
        log.info("catalog.stopped")


def tune_collector() -> None:
    """What exists now stays: a full collection would look at all of it again, and whoever is served would wait 100 ms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


async def _serve_until_signal(server: uvicorn.Server, *, release: Callable[[], None]) -> None:
    """`Server.serve` without raising the signal anew after it has been obeyed: the parts still have to be closed."""

    def stop(number: int) -> None:
        release()  # or uvicorn would wait for them, and then end their requests with 500
        server.handle_exit(number, None)

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    await server._serve()  # noqa: SLF001 - `serve` is this behind uvicorn's own signal handlers
