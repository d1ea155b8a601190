"""A sink worker that is paused past its session and then goes on where it was, as if nothing had happened."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest

from launcher.ports import free_ports
from tests.support.storm import Storm
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(280)]

_EPOCHS = "SELECT sum(epoch) FROM sink.offsets"


@asynccontextmanager
async def _second_worker(storm: Storm, log: Path) -> AsyncIterator[None]:
    """Another process in the same consumer groups, on a REST port of its own."""
    async with httpx.AsyncClient() as http:
        (sink,) = (
            service for service in storm.stack.described.graph(http).services if service.name == "sink"
        )
        (port,) = free_ports(1)
        env = os.environ | sink.env | {"SINK_REST_PORT": str(port)}
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *sink.command, env=env, stdout=output, stderr=output
            )

        async def healthy() -> bool:
            try:
                return (await http.get(f"http://127.0.0.1:{port}/health")).is_success
            except httpx.TransportError:
                return False

        try:
            await wait_until(healthy, what="the second worker is healthy")
            yield
        finally:
            process.terminate()
            await process.wait()


async def test_a_zombie_sink__the_epoch_fence_refuses_it__ack_ver(storm: Storm, tmp_path: Path) -> None:
    read = await asyncpg.connect(storm.stack.described.read.owner_dsn)

    async def epochs_above(before: int) -> int:
        raised: int = await read.fetchval(_EPOCHS)
        return raised if raised > before else 0

    async def fault() -> None:
        await asyncio.to_thread(storm.stack.signal, "sink", signal.SIGSTOP)
        try:
            await wait_until(lambda: epochs_above(joined), what="the other worker takes over", timeout_s=40)
        finally:
            await asyncio.to_thread(storm.stack.signal, "sink", signal.SIGCONT)

    alone: int = await read.fetchval(_EPOCHS)
    async with _second_worker(storm, tmp_path / "second.log"):
        joined = await wait_until(lambda: epochs_above(alone), what="the second worker gets partitions")
        await storm.rage(fault)
        await storm.calm()
    await storm.calm()
    await read.close()
    assert not storm.turned_away()
