"""A way to PostgreSQL that loses the answer to a COMMIT: the database has committed, its client will never know."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

COMMIT = b"COMMIT;\x00"
ANSWERED = b"C\x00\x00\x00\x0bCOMMIT\x00"


@dataclass(slots=True)
class LossyWay:
    """`lose_at` are the commits (counted from 1) whose answer is thrown away together with the connection."""

    dsn: str
    lose_at: frozenset[int]
    commits: int = 0
    lost: int = 0


@asynccontextmanager
async def lossy_way(dsn: str, *, lose_at: frozenset[int]) -> AsyncIterator[LossyWay]:
    """Forward a local port to the database of `dsn`."""
    target = urlsplit(dsn)
    way = LossyWay(dsn="", lose_at=lose_at)

    async def forward(client_in: asyncio.StreamReader, client_out: asyncio.StreamWriter) -> None:
        server_in, server_out = await asyncio.open_connection(target.hostname, target.port)
        losing = False

        async def upstream() -> None:
            nonlocal losing
            while data := await client_in.read(65536):
                if COMMIT in data:
                    way.commits += 1
                    losing = way.commits in way.lose_at
                server_out.write(data)
                await server_out.drain()

        async def downstream() -> None:
            while data := await server_in.read(65536):
                if losing and ANSWERED in data:
                    way.lost += 1
                    return
                client_out.write(data)
                await client_out.drain()

        both = [asyncio.create_task(upstream()), asyncio.create_task(downstream())]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for task in both:
            task.cancel()
        for writer in (client_out, server_out):
            with contextlib.suppress(OSError):
                writer.transport.abort()

    server = await asyncio.start_server(forward, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    user, _, _ = target.netloc.rpartition("@")
    way.dsn = urlunsplit(target._replace(netloc=f"{user}@127.0.0.1:{port}" if user else f"127.0.0.1:{port}"))
    try:
        yield way
    finally:
        server.close()
