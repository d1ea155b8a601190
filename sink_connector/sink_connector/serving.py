"""Running a worker's parts side by side: the death of any of them ends the process, and nothing is left behind."""

import asyncio
import gc
import signal
import socket
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI

from sink_connector.config.worker import DEFAULT, WorkerConfig
from sink_connector.errors import PortTakenError
from sink_connector.rest.errors import document
from sink_connector.rest.guarded_server import GuardedServer
from sink_connector.rest.protocol import Limits, agree_on_tls, http_protocol
from sink_connector.rest.response_headers import SAFE_HEADERS

FAILED = 1
EVERY = {False: "0.0.0.0", True: "::"}  # noqa: S104 - all addresses of IPv4, and of IPv6
KEEP_ALIVE_S = (
    20  # longer than clients keep a connection for (5 s in httpx), so that theirs is the hand that closes it
)


@asynccontextmanager
async def background(*parts: Coroutine[Any, Any, None]) -> AsyncIterator[list["asyncio.Task[None]"]]:
    """Run parts that have no end of their own; they are cancelled with the block."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def serve(
    config: WorkerConfig,
    app: FastAPI,
    *,
    listeners: Sequence[socket.socket],
    watched: Sequence["asyncio.Task[None]"],
    failed: asyncio.Event,
) -> int:
    """Answer HTTP until SIGTERM or SIGINT: 0. Ends with 1 when `failed` is set, and raises what a watched part has raised.

    `listeners` are those of `listening`.
    """
    _tune_collector()
    server = _Server(
        uvicorn.Config(
            app,
            host=config.rest_host,
            port=config.rest_port,
            log_config=None,
            access_log=False,
            http=http_protocol(
                Limits(connections=config.max_connections), document=document, headers=SAFE_HEADERS
            ),
            ws="none",
            server_header=False,
            proxy_headers=False,  # who asks is who is connected, whatever they say
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=1,
        )
    )
    server.config.load()
    server.config.ssl = config.rest.server_context()
    agree_on_tls(server.config)
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    async with background(
        server.serve(sockets=listened_at(listeners, server.config.backlog)), _until(asked), _until(failed)
    ) as parts:
        serving, asking, failing = parts
        await asyncio.wait([*parts, *watched], return_when=asyncio.FIRST_COMPLETED)
        server.give_up(*(task for task in (serving, *watched) if task.done()))
        await serving
        for task in watched:
            if task.done():
                task.result()
        return FAILED if failing.done() or not asking.done() else 0


@contextmanager
def listening(config: WorkerConfig) -> Iterator[list[socket.socket]]:
    """The sockets of the REST interface, bound before anything else is done, so that nobody else can be at their addresses.

    Raises:
        PortTakenError: With the setting that names another one.
    """
    with ExitStack() as ending:
        yield [
            ending.enter_context(_bound(host, port, config)) for host, port in _uncovered(config.listeners)
        ]


def _uncovered(listeners: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """The addresses without those that a listener at all addresses answers, too: it keeps them from being bound."""
    return [
        (host, port)
        for host, port in listeners
        if port == 0 or host in EVERY.values() or (EVERY[":" in host], port) not in listeners
    ]


def _bound(host: str, port: int, config: WorkerConfig) -> socket.socket:
    beside = {":" in other for other, at in config.listeners if at == port}
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        if len(beside) > 1 and ":" in host:
            # Else all of IPv6 is all of IPv4, too, which another listener is for.
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        # A predecessor's connections end slowly.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        # Who asks for it, too, could share the address until somebody listens there.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    except (OSError, UnicodeError) as error:  # the latter for a host that is no name
        listener.close()
        raise _taken(host, port, error, config.address_settings) from error
    return listener


def listened_at(listeners: Sequence[socket.socket], backlog: int) -> list[socket.socket]:
    """The sockets, listening. Their connections inherit that the address may be shared, and so do not keep a successor away.

    Raises:
        PortTakenError: Somebody has used the moment in which it may be shared and nobody listens.
    """
    for listener in listeners:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.listen(backlog)
        except OSError as error:
            host, port, *_ = listener.getsockname()
            raise _taken(host, port, error, DEFAULT.address_settings) from error
    return list(listeners)


def _taken(host: str, port: int, error: Exception, settings: Sequence[str]) -> PortTakenError:
    reason = getattr(error, "strerror", None) or error
    written = " and ".join(f"{each} (SINK_{each.upper().replace('.', '_')})" for each in settings)
    return PortTakenError(
        f"{host}:{port} cannot be listened at ({reason}); another address is chosen by {written}"
    )


class _Server(GuardedServer):
    """Leaves the signals alone: uvicorn raises one anew when it has ended, and the tasks would never get to stop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _until(event: asyncio.Event) -> None:
    await event.wait()


def _tune_collector() -> None:
    """What exists now stays; batches hold many objects and no cycles, so the collector need not look at them often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
