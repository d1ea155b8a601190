"""A TCP proxy in front of a server: a link that can be cut, held one way or both ways, slowed, or reset in mid-answer."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from devservers.ports import HOST

_PIECE = 65_536
_LINGER_S = 30.0
"""How long a server may take over what a client sent that is gone."""


def _passing() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@dataclass(slots=True, eq=False)
class Link:
    """One connection through the proxy. `requests` and `answers` are the two ways: while one is not set, its bytes wait."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    requests: asyncio.Event = field(default_factory=_passing)
    answers: asyncio.Event = field(default_factory=_passing)
    waiting: int = 0
    """Bytes of the client that wait here."""
    answered: int = 0
    """Bytes that the server has said, whether or not they were passed on."""

    def abort(self) -> None:
        """End it with a reset, both ways."""
        for writer in (self.client, self.server):
            writer.transport.abort()


@dataclass(slots=True)
class TcpProxy:
    """`dsn` leads through the proxy. Everything may be called at any time.

    A network that is cut off loses no byte of a connection that lasts: what was sent arrives when it is healed, unless one
    of the two has given up by then. `hold` and `release` do that; `cut` and `open` end and refuse connections instead.
    """

    dsn: str = ""
    is_open: bool = True
    delay_s: float = 0.0
    """What each piece of data waits, either way."""
    jitter_s: float = 0.0
    """Up to how much longer it waits, as `dice` has it. Pieces of one connection keep their order."""
    reset_after: int | None = None
    """After so many bytes of answers a new connection is reset."""
    links: set[Link] = field(default_factory=set)
    dice: random.Random = field(default_factory=random.Random)
    _held: tuple[bool, bool] = (False, False)

    def cut(self) -> None:
        """End every connection and refuse new ones."""
        self.is_open = False
        for link in self.links:
            link.abort()

    def open(self) -> None:
        """Take connections again."""
        self.is_open = True

    def slow(self, *, delay_s: float, jitter_s: float = 0.0) -> None:
        """Have each piece of data wait, either way, `delay_s` and up to `jitter_s` more."""
        self.delay_s, self.jitter_s = delay_s, jitter_s

    def reset_answers(self, *, after: int) -> None:
        """End every connection, and each new one once it has passed on `after` bytes of its server."""
        self.reset_after = after
        for link in self.links:
            link.abort()

    def heal(self) -> None:
        """The link is as it was in the beginning."""
        self.slow(delay_s=0.0)
        self.reset_after = None
        self.open()
        self.release()

    def hold(self, *, requests: bool = True, answers: bool = True, new: bool = True) -> None:
        """Nothing passes any more, in the ways that are named; through `new` connections neither."""
        if new:
            self._held = (requests, answers)
        for link in self.links:
            _hold(link, requests=requests, answers=answers)

    def release(self) -> None:
        """What was held goes on its way, and everything after it passes."""
        self._held = (False, False)
        for link in self.links:
            link.requests.set()
            link.answers.set()

    def join(self, link: Link) -> None:
        """Count a new connection in, held as the others are."""
        requests, answers = self._held
        _hold(link, requests=requests, answers=answers)
        self.links.add(link)


def _hold(link: Link, *, requests: bool, answers: bool) -> None:
    if requests:
        link.requests.clear()
    if answers:
        link.answers.clear()


@asynccontextmanager
async def tcp_proxy(dsn: str, *, port: int = 0, host: str = HOST) -> AsyncIterator[TcpProxy]:
    """Forward a local port, `port` or a free one, to the server of `dsn`; only its host and port have to be there.

    `host` is an address of this machine.
    """
    target = urlsplit(dsn)
    proxy = TcpProxy()

    async def forward(client_in: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        if not proxy.is_open:
            client.transport.abort()
            return
        try:
            server_in, server = await asyncio.open_connection(target.hostname, target.port)
        except OSError:
            client.transport.abort()
            return
        link = Link(client, server)
        proxy.join(link)
        try:
            await _carry(proxy, link, client_in, server_in)
        finally:
            proxy.links.discard(link)
            link.abort()

    listening = await asyncio.start_server(forward, host, port)
    user = target.netloc.rpartition("@")[0]
    place = f"{host}:{listening.sockets[0].getsockname()[1]}"
    proxy.dsn = urlunsplit(target._replace(netloc=f"{user}@{place}" if user else place))
    try:
        yield proxy
    finally:
        proxy.heal()
        proxy.cut()
        listening.close()


async def _carry(
    proxy: TcpProxy, link: Link, client_in: asyncio.StreamReader, server_in: asyncio.StreamReader
) -> None:
    """Until the server has ended the connection, or has nothing more to say to a client that has."""
    requests = asyncio.create_task(_carry_requests(proxy, link, client_in))
    answers = asyncio.create_task(_carry_answers(proxy, link, server_in, limit=proxy.reset_after))
    try:
        await asyncio.wait((requests, answers), return_when=asyncio.FIRST_COMPLETED)
        if not answers.done():
            # What the client sent before it went is still the server's to read: it must not be reset behind it.
            with contextlib.suppress(OSError):
                link.server.write_eof()
            await asyncio.wait((answers,), timeout=_LINGER_S)
    finally:
        for pump in (requests, answers):
            pump.cancel()


async def _carry_requests(proxy: TcpProxy, link: Link, reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_PIECE):
            link.waiting = len(data)
            await link.requests.wait()
            await _pass(proxy, data, link.server)
            link.waiting = 0


async def _carry_answers(
    proxy: TcpProxy, link: Link, reader: asyncio.StreamReader, *, limit: int | None
) -> None:
    """End after `limit` bytes."""
    with contextlib.suppress(OSError):
        while data := await reader.read(_PIECE):
            link.answered += len(data)
            await link.answers.wait()
            left = len(data) if limit is None else limit - (link.answered - len(data))
            await _pass(proxy, data[:left], link.client)
            if left < len(data):
                return


async def _pass(proxy: TcpProxy, data: bytes, writer: asyncio.StreamWriter) -> None:
    if proxy.delay_s or proxy.jitter_s:
        await asyncio.sleep(proxy.delay_s + proxy.dice.uniform(0, proxy.jitter_s))
    writer.write(data)
    await writer.drain()
