"""Connections that still agree on TLS: they count among an instance's connections, and have as long as a head."""

import asyncio
import contextlib
import errno
import os
import ssl
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
import uvicorn
import uvloop

from catalog_service.http import protocol as catalog
from devservers.certificates import Authority
from order_service.entrypoints.http import protocol as order
from sink_connector.rest import protocol as sink
from tests.support.raw_http import connected, listening, request
from tests.support.waiting import wait_until

SERVICES = {"order": order, "catalog": catalog, "sink": sink}
CLIENT_HELLO_BEGINS = b"\x16\x03\x01\x02"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority")).make()


@pytest.fixture(params=SERVICES.values(), ids=list(SERVICES))
def service(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(params=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> Iterator[asyncio.Runner]:
    """The services run on uvloop, and the tests' own clients on either."""
    make = asyncio.new_event_loop if request.param == "asyncio" else uvloop.new_event_loop
    with asyncio.Runner(loop_factory=make) as runner:
        yield runner


def as_it_is(protocol: type[asyncio.Protocol]) -> type[asyncio.Protocol]:
    return protocol


@contextlib.asynccontextmanager
async def served(
    service: Any,
    authority: Authority,
    *,
    derived: Callable[[Any], type[asyncio.Protocol]] = as_it_is,
    **limits: float,
) -> AsyncIterator[tuple[int, ssl.SSLContext]]:
    """A service's protocol over TLS, or what is `derived` from it: its port, and what a client trusts."""

    def document(status: int, kind: str, _: str) -> tuple[str, bytes]:
        return "text/plain", f"{status} {kind}".encode()

    def prepare(config: uvicorn.Config) -> None:
        service.agree_on_tls(config)
        config.http_protocol_class = derived(config.http_protocol_class)

    http = service.http_protocol(service.Limits(**limits), document=document, headers={})
    certificate = str(authority.issue("server"))
    async with listening(http, prepare=prepare, ssl_certfile=certificate) as port:
        yield port, authority.client_context()


async def answered(port: int, tls: ssl.SSLContext) -> tuple[int, bytes]:
    async with connected(port, tls) as connection:
        connection.send(request("/"))
        answer = await connection.answer()
        return answer.status, answer.body


async def requests_behind_each_other_are_answered(service: Any, authority: Authority) -> None:
    async with served(service, authority) as (port, tls), connected(port, tls) as connection:
        for path in ("/first", "/second"):
            connection.send(request(path, method="POST", body=b"x" * 100_000))
            assert (await connection.answer()).json()["path"] == path


async def has_a_place_again(port: int, tls: ssl.SSLContext) -> None:
    async def served_again() -> bool:
        with contextlib.suppress(OSError, EOFError):  # cut off, while there is none
            return (await answered(port, tls))[0] == 200
        return False

    await wait_until(served_again, what="a place for a connection")


async def handshakes_that_do_not_end_count(service: Any, authority: Authority) -> None:
    async with (
        served(service, authority, connections=2) as (port, tls),
        connected(port),
        connected(port) as slow,
    ):
        slow.send(CLIENT_HELLO_BEGINS)
        assert await answered(port, tls) == (503, b"503 too-many-connections")


async def handshakes_that_do_not_end_are_ended(service: Any, authority: Authority) -> None:
    async with served(service, authority, connections=2, head_s=1.0) as (port, tls):
        async with connected(port) as silent, connected(port) as slow:
            slow.send(CLIENT_HELLO_BEGINS)
            assert [await each.rest() for each in (silent, slow)] == [b"", b""]
        await has_a_place_again(port, tls)


async def handshakes_that_fail_give_their_places_back(service: Any, authority: Authority) -> None:
    async with served(service, authority, connections=1) as (port, tls):
        for sent in (b"GET / HTTP/1.1\r\n\r\n", CLIENT_HELLO_BEGINS, b""):
            async with connected(port) as failing:
                failing.send(sent)
                failing.writer.write_eof()
                await failing.rest()
        await has_a_place_again(port, tls)


async def beyond_what_can_be_told_connections_are_closed(service: Any, authority: Authority) -> None:
    async with served(service, authority, connections=1) as (port, _), contextlib.AsyncExitStack() as stack:
        for _number in range(1 + service.TOLD_AT_ONCE):
            await stack.enter_async_context(connected(port))
        async with connected(port) as last:
            with contextlib.suppress(ConnectionResetError):
                assert await last.rest() == b""


async def a_server_that_ends_ends_handshakes(service: Any, authority: Authority) -> None:
    async with contextlib.AsyncExitStack() as stack:
        async with served(service, authority) as (port, _):
            silent = await stack.enter_async_context(connected(port))
            await stack.enter_async_context(connected(port))
        with contextlib.suppress(ConnectionResetError):
            assert await silent.rest() == b""


async def without_a_descriptor_for_it_a_connection_is_closed(service: Any, authority: Authority) -> None:
    def none_left(_: int) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    async with served(service, authority, connections=1) as (port, tls):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "dup", none_left)
            async with connected(port) as unlucky:
                with contextlib.suppress(ConnectionResetError):
                    assert await unlucky.rest() == b""
        await has_a_place_again(port, tls)


async def a_handshake_ended_before_it_begins_gives_its_place_back(service: Any, authority: Authority) -> None:
    ended: list[asyncio.Protocol] = []

    def derived(protocol: Any) -> type[asyncio.Protocol]:
        class FirstEnded(protocol):  # type: ignore[misc]
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                super().connection_made(transport)
                if not ended:
                    ended.append(self)
                    self.shutdown()

        return FirstEnded

    async with served(service, authority, derived=derived, connections=1) as (port, tls):
        async with connected(port) as first:
            with contextlib.suppress(ConnectionResetError):
                assert await first.rest() == b""
        await has_a_place_again(port, tls)
    assert len(ended) == 1


async def what_stood_for_a_handshake_is_gone_when_requests_are_answered(
    service: Any, authority: Authority
) -> None:
    handshakes: list[weakref.ref[asyncio.Protocol]] = []

    def derived(protocol: Any) -> type[asyncio.Protocol]:
        class Remembered(protocol):  # type: ignore[misc]
            def __init__(self, **options: Any) -> None:
                super().__init__(**options)
                handshakes.append(weakref.ref(self))

        return Remembered

    async with served(service, authority, derived=derived) as (port, tls), connected(port, tls) as connection:
        connection.send(request("/"))
        assert (await connection.answer()).status == 200
        await wait_until(
            lambda: [ref() for ref in handshakes] == [None], what="a handshake to be forgotten", timeout_s=30
        )


@pytest.mark.parametrize(
    "rule",
    [
        requests_behind_each_other_are_answered,
        handshakes_that_do_not_end_count,
        handshakes_that_do_not_end_are_ended,
        handshakes_that_fail_give_their_places_back,
        beyond_what_can_be_told_connections_are_closed,
        a_server_that_ends_ends_handshakes,
        without_a_descriptor_for_it_a_connection_is_closed,
        a_handshake_ended_before_it_begins_gives_its_place_back,
        what_stood_for_a_handshake_is_gone_when_requests_are_answered,
    ],
)
def test_of_connections_over_tls(
    runner: asyncio.Runner,
    service: Any,
    authority: Authority,
    rule: Callable[[Any, Authority], Awaitable[None]],
) -> None:
    reported: list[dict[str, Any]] = []

    async def within_bounds() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
        async with asyncio.timeout(60):
            await rule(service, authority)

    runner.run(within_bounds())
    assert reported == []
