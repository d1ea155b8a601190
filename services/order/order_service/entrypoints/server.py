"""Runs one instance: its HTTP server and its background tasks, until SIGTERM or until one of them ends."""

import asyncio
import contextlib
import gc
import signal
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import structlog
import uvicorn
from starlette.types import ASGIApp

from order_service.entrypoints.http.guarded_server import GuardedServer
from order_service.entrypoints.http.problems import document
from order_service.entrypoints.http.protocol import Limits, agree_on_tls, http_protocol
from order_service.entrypoints.http.response_headers import SAFE_HEADERS
from order_service.entrypoints.service import Service
from order_service.tls_files import serve_from_files

log = structlog.get_logger()

NO_TLS: Mapping[str, Any] = MappingProxyType({})

ANSWER_S = 2
DRAIN_S = 1.5
KEEP_ALIVE_S = (
    20  # longer than clients keep a connection for (5 s in httpx), so that theirs is the hand that closes it
)


class HttpServer(GuardedServer):
    """uvicorn without its own signal handlers: who starts it decides when it ends, by `should_exit`."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        host: str,
        port: int,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        tls: Mapping[str, Any] = NO_TLS,
    ) -> None:
        """Serve `app` at `host` and `port`; 0 is any free port. `tls` are uvicorn's options for it."""
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                log_config=None,
                access_log=False,
                http=http_protocol(limits, document=document, headers=SAFE_HEADERS),
                ws="none",
                lifespan="off",
                timeout_keep_alive=KEEP_ALIVE_S,
                server_header=False,
                proxy_headers=False,  # who asks is who is connected, whatever they say
                timeout_graceful_shutdown=ANSWER_S,
                **tls,
            )
        )
        if tls:
            serve_from_files(self.config)
            agree_on_tls(self.config)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to who starts the server."""
        yield


async def serve(
    service: Service,
    *,
    host: str,
    port: int,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    tls: Mapping[str, Any] = NO_TLS,
) -> None:
    """Run until SIGTERM or SIGINT. Raises when a task ends by itself: nothing here can go on without it."""
    loop = asyncio.get_running_loop()
    http = HttpServer(service.app, host=host, port=port, limits=limits, tls=tls)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    stopping = loop.create_task(stop.wait(), name="stop")
    front = loop.create_task(http.serve(), name="http")
    background = [loop.create_task(run(), name=name) for name, run in service.tasks().items()]
    tune_collector()
    log.info("service.started", host=host, port=port)
    try:
        ended, _ = await asyncio.wait([stopping, front, *background], return_when=asyncio.FIRST_COMPLETED)
        dead = [task for task in ended if task is not stopping]
        http.give_up(*dead)
        await asyncio.wait([front], timeout=ANSWER_S + 1)
        if not dead:
            await _drain(service)
    finally:
        for task in (stopping, front, *background):
            task.cancel()
        await asyncio.gather(stopping, front, *background, return_exceptions=True)
    for task in dead:
        error = task.exception()
        raise RuntimeError(f"the task {task.get_name()} ended by itself") from error
    log.info("service.stopped")


def tune_collector() -> None:
    """What exists now stays: a full collection would look at all of it again, and whoever is served would wait 100 ms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


async def _drain(service: Service) -> None:
    """No requests come any more: finish the commits, then publish their events, then note how far that went."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_S):
            await service.commits.drained()
            await service.relay.drain(timeout_s=DRAIN_S)
            await service.relay.mark_now()
