"""When every service's server ends by itself, and how it does."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
import uvloop

from catalog_service.http import guarded_server as catalog_server
from catalog_service.http import protocol as catalog
from order_service.entrypoints.http import guarded_server as order_server
from order_service.entrypoints.http import protocol as order
from sink_connector.rest import guarded_server as sink_server
from sink_connector.rest import protocol as sink
from tests.support.raw_http import connected, echo, request
from tests.support.waiting import wait_until

SERVICES = {"order": (order, order_server), "catalog": (catalog, catalog_server), "sink": (sink, sink_server)}


def document(status: int, kind: str, detail: str) -> tuple[str, bytes]:
    return "text/plain", f"{status} {kind}".encode()


@pytest.fixture(params=SERVICES.values(), ids=list(SERVICES))
def service(request: pytest.FixtureRequest) -> Any:
    """What it speaks on a socket, and the module of its server."""
    protocol, guarded = request.param
    http = protocol.http_protocol(protocol.Limits(), document=document, headers={})
    return SimpleNamespace(http=http, guarded=guarded)


@pytest.fixture
def ends(service: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The exit codes with which the last resort, which is not patient here, would have ended this process."""
    codes: list[int] = []
    monkeypatch.setattr(service.guarded, "END_S", 0)
    monkeypatch.setattr(service.guarded.os, "_exit", codes.append)
    return codes


@contextlib.asynccontextmanager
async def guarded(
    service: Any, http: type[asyncio.Protocol]
) -> AsyncIterator[tuple[Any, asyncio.Task[None], int]]:
    """A server as a process has it, the task that it is, and its port."""
    server = service.guarded.GuardedServer(
        uvicorn.Config(echo, port=0, http=http, ws="none", lifespan="off", log_config=None)
    )
    running = asyncio.create_task(server._serve())  # noqa: SLF001 - without signal handlers
    await wait_until(lambda: server.started, what="it listens")
    yield server, running, server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("of_memory", [True, False])
def test_a_server_that_can_take_on_no_connection_any_more_answers_what_it_has_and_ends(
    service: Any, ends: list[int], *, of_memory: bool
) -> None:
    """uvloop stops listening for good when a connection could not be taken on; whoever is deaf has to be started again."""
    bounds: Any = service.http
    taken: list[asyncio.Protocol] = []

    class Second(bounds):  # type: ignore[misc]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            if taken:
                raise MemoryError if of_memory else RuntimeError
            super().__init__(*arguments, **options)
            taken.append(self)

    async def scene() -> None:
        async with guarded(service, Second) as (server, running, port), connected(port) as first:
            first.send(request("/first", method="POST", body=b"ab")[:-1])
            await wait_until(lambda: taken, what="the first is there")
            async with connected(port):
                await wait_until(lambda: server.should_exit, what="it gives up")
                first.send(b"b")
                assert (await first.answer()).json()["body"] == "ab"
                with pytest.raises(service.guarded.BrokenLoopError):
                    await running
        await wait_until(lambda: ends, what="the last resort")

    uvloop.run(scene())
    assert ends == [1]


class NeedingMore:
    """Whose end finds no memory, which nobody can be told."""

    def __del__(self) -> None:
        raise MemoryError


def lose_a_call() -> None:
    def needing_more() -> None:
        raise MemoryError

    asyncio.get_running_loop().call_soon(needing_more)


def lose_an_object() -> None:
    NeedingMore()


def lose_a_connection() -> None:
    context = {"message": "Fatal error on transport", "exception": MemoryError(), "transport": object()}
    asyncio.get_running_loop().call_exception_handler(context)


def lose_more_and_more() -> None:
    for _ in range(3):
        lose_a_call()
        lose_an_object()


def fail_in_a_call() -> None:
    asyncio.get_running_loop().call_soon(lambda: 1 / 0)


@pytest.mark.parametrize(
    ("happens", "breaks"),
    [
        (lose_a_call, True),
        (lose_an_object, True),
        (lose_more_and_more, True),
        (lose_a_connection, False),
        (fail_in_a_call, False),
    ],
)
def test_a_server_ends_where_a_lack_of_memory_has_cost_the_loop_more_than_a_connection(
    service: Any,
    ends: list[int],
    happens: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    *,
    breaks: bool,
) -> None:
    monkeypatch.setattr(
        sys, "unraisablehook", lambda _told: None
    )  # pytest's would make it this test's failure
    http = service.http

    async def scene() -> None:
        async with guarded(service, http) as (server, running, port), connected(port) as client:
            happens()
            client.send(request("/then"))
            assert (await client.answer()).status == 200
            assert server.should_exit is breaks
            if breaks:
                with pytest.raises(service.guarded.BrokenLoopError):
                    await running
                await wait_until(lambda: ends, what="the last resort")

    hook = sys.unraisablehook
    uvloop.run(scene())
    assert ends == [1] * breaks
    assert sys.unraisablehook is hook


@pytest.mark.parametrize(
    ("error", "hurries"),
    [
        (MemoryError(), True),
        (ExceptionGroup("of two tasks", [ValueError(), MemoryError()]), True),
        (ValueError(), False),
        (asyncio.CancelledError(), False),
        (None, False),
    ],
)
async def test_a_server_that_ends_for_another_part_has_little_time_only_if_that_was_for_want_of_memory(
    service: Any, ends: list[int], error: BaseException | None, *, hurries: bool
) -> None:
    async def part() -> None:
        if error is not None:
            raise error

    ended = asyncio.create_task(part())
    await asyncio.wait([ended])
    http = service.http
    async with guarded(service, http) as (server, running, _):
        server.give_up(ended)
        await running
    if hurries:
        await wait_until(lambda: ends, what="the last resort")
    assert ends == [1] * hurries


async def test_a_server_without_the_memory_to_wait_ends(
    service: Any, ends: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    http = service.http
    async with guarded(service, http) as (server, running, _):

        async def no_memory(_counter: int) -> bool:
            raise MemoryError

        monkeypatch.setattr(server, "on_tick", no_memory)
        with pytest.raises(service.guarded.BrokenLoopError):
            await running
        await wait_until(lambda: ends, what="the last resort")
    assert (ends, server.servers[0].sockets) == ([1], ())
