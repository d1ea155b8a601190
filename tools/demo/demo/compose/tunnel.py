"""A port of a container that is published to nobody, for as long as a block lasts: `docker exec` carries the bytes.

The order databases stand on networks of their own, and stay there: only who may command the engine gets in this way.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from demo.compose.containers import Container
from devservers.ports import HOST

# Both ways until either side hangs up. The end of a child is awaited here: left over, it would go to the container's
# first process, and a PostgreSQL that is this takes the death of a child it does not know for a crash.
_CARRY = 'exec 3<>"/dev/tcp/127.0.0.1/$1"; cat <&3 & cat <&0 >&3 & wait -n; kill $(jobs -p); wait'
_BLOCK = 65536


@asynccontextmanager
async def tunnel(container: Container, port: int) -> AsyncIterator[int]:
    """Give a port of this machine whose connections end at `port` inside `container`."""
    carried: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        carried.add(asyncio.create_task(_carry(container, port, reader, writer)))

    server = await asyncio.start_server(accept, HOST, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in carried:
            task.cancel()
        await asyncio.gather(*carried, return_exceptions=True)


async def _carry(
    container: Container, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    process = await asyncio.create_subprocess_exec(
        "docker", "exec", "--interactive", container.id, "bash", "-c", _CARRY, "bash", str(port),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdin is not None  # noqa: S101  asked for above
    assert process.stdout is not None  # noqa: S101  likewise
    try:
        await asyncio.gather(_pump(reader, process.stdin), _pump(process.stdout, writer))
    finally:
        process.stdin.close()  # by which it ends
        await process.wait()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while block := await source.read(_BLOCK):
            sink.write(block)
            await sink.drain()
    sink.close()
