"""A TCP proxy in front of a database that can be cut: connections are aborted, and new ones too."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit


@dataclass(slots=True)
class TcpProxy:
    """`dsn` leads through the proxy; `cut` and `open` at any time."""

    dsn: str
    is_open: bool = True
    _through: set[asyncio.StreamWriter] = field(default_factory=set)

    def cut(self) -> None:
        self.is_open = False
        for writer in self._through:
            writer.transport.abort()

    def open(self) -> None:
        self.is_open = True

    def add(self, *writers: asyncio.StreamWriter) -> None:
        self._through.update(writers)

    def remove(self, *writers: asyncio.StreamWriter) -> None:
        self._through.difference_update(writers)
        for writer in writers:
            writer.transport.abort()


@asynccontextmanager
async def tcp_proxy(dsn: str) -> AsyncIterator[TcpProxy]:
    """Forward a local port to the database of `dsn`, while the proxy is open."""
    target = urlsplit(dsn)
    proxy = TcpProxy("")

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not proxy.is_open:
            writer.transport.abort()
            return
        inner_reader, inner_writer = await asyncio.open_connection(target.hostname, target.port)
        proxy.add(writer, inner_writer)
        pumps = [
            asyncio.create_task(_pump(reader, inner_writer)),
            asyncio.create_task(_pump(inner_reader, writer)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            proxy.remove(writer, inner_writer)
            for pump in pumps:
                pump.cancel()

    server = await asyncio.start_server(forward, "127.0.0.1", 0)
    user = target.netloc.rpartition("@")[0]
    place = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    proxy.dsn = urlunsplit(target._replace(netloc=f"{user}@{place}" if user else place))
    try:
        yield proxy
    finally:
        proxy.cut()
        server.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
