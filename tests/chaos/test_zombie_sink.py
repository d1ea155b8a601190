"""A sink worker that is paused past its session and then goes on where it was, as if nothing had happened."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest

from devservers.ports import HOST, free_ports
from sink_connector.cluster.assignment import worker_of
from tests.support.fault_injector import FaultInjector
from tests.support.stack import REPOSITORY
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(280)]

_EPOCHS = "SELECT sum(epoch) FROM sink.offsets_v1 WHERE connector = 'orders'"


def _port_that_leaves_orders_to(first: str) -> int:
    """A free port for a second worker whose address does not earn it the connector `orders`."""
    files = (REPOSITORY / "infra" / "connectors").glob("*.json")
    names = sorted(json.loads(file.read_text())["name"] for file in files)

    def leaves_orders(port: int) -> bool:
        workers = sorted((first, f"{HOST}:{port}"))
        return worker_of("orders", 0, connectors=names, workers=workers) == first

    return next(filter(leaves_orders, free_ports(20)))


@asynccontextmanager
async def _second_worker(injector: FaultInjector, log: Path) -> AsyncIterator[None]:
    """Another worker of the group, on a REST port of its own."""
    sink = await asyncio.to_thread(injector.stack.process, "sink")
    command, environment = sink.cmdline(), sink.environ()
    async with httpx.AsyncClient(trust_env=False) as http:
        port = _port_that_leaves_orders_to(f"{HOST}:{injector.stack.ports.sink}")
        env = environment | {"SINK_REST_PORT": str(port)}
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(*command, env=env, stdout=output, stderr=output)

        async def healthy() -> bool:
            try:
                return (await http.get(f"http://{HOST}:{port}/health")).is_success
            except httpx.TransportError:
                return False

        try:
            await wait_until(healthy, timeout_s=120, what="the second worker is healthy")
            yield
        finally:
            process.terminate()
            await process.wait()


@pytest.mark.guarantees("G-SINK-3")
async def test_a_zombie_sink__the_epoch_fence_refuses_it__ack_ver(
    injector: FaultInjector, tmp_path: Path
) -> None:
    injector.orders = 2_000  # as long as it takes until the group misses the first worker
    read = await asyncpg.connect(injector.stack.owner_dsn)

    async def orders_taken_over() -> bool:
        raised: int = await read.fetchval(_EPOCHS)
        return raised > before

    async def fault() -> None:
        await asyncio.to_thread(injector.stack.signal, "sink", signal.SIGSTOP)
        try:
            await wait_until(orders_taken_over, what="the other worker takes over", timeout_s=60)
        finally:
            await asyncio.to_thread(injector.stack.signal, "sink", signal.SIGCONT)

    async with _second_worker(injector, tmp_path / "second.log"):
        before: int = await read.fetchval(_EPOCHS)
        await injector.inject(fault)
        await injector.recover()
    await injector.recover()
    await read.close()
    assert not injector.turned_away()
