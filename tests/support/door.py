"""A way to a database that can be shut: what stands is cut off, what knocks is turned away."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit


@dataclass(slots=True)
class Door:
    """`dsn` leads through the door."""

    dsn: str
    is_open: bool = True
    _through: set[asyncio.StreamWriter] = field(default_factory=set)

    def shut(self) -> None:
        self.is_open = False
        for writer in self._through:
            writer.transport.abort()

    def open(self) -> None:
        self.is_open = True

    def enter(self, *writers: asyncio.StreamWriter) -> None:
        self._through.update(writers)

    def leave(self, *writers: asyncio.StreamWriter) -> None:
        self._through.difference_update(writers)
        for writer in writers:
            writer.transport.abort()


@asynccontextmanager
async def door_to(dsn: str) -> AsyncIterator[Door]:
    """Forward a local port to the database of `dsn`, as long as the door is open."""
    target = urlsplit(dsn)
    door = Door("")

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not door.is_open:
            writer.transport.abort()
            return
        inner_reader, inner_writer = await asyncio.open_connection(target.hostname, target.port)
        door.enter(writer, inner_writer)
        ways = [
            asyncio.create_task(_pump(reader, inner_writer)),
            asyncio.create_task(_pump(inner_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            door.leave(writer, inner_writer)
            for way in ways:
                way.cancel()

    server = await asyncio.start_server(forward, "127.0.0.1", 0)
    user = target.netloc.rpartition("@")[0]
    place = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    door.dsn = urlunsplit(target._replace(netloc=f"{user}@{place}" if user else place))
    try:
        yield door
    finally:
        door.shut()
        server.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
