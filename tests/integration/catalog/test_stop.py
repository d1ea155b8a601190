"""A catalog that is asked to stop: nobody waits for it, and nobody is answered with an error of its own."""

import asyncio
import os
import sys
import time
from pathlib import Path

import httpx

from devservers.ports import free_ports
from tests.support.read_side import ReadModel, streaming
from tests.support.waiting import wait_until

SERVE = Path(sys.executable).with_name("catalog-service")


async def test_waiting_queries_and_streams_end_at_once_when_it_stops(read_model: ReadModel) -> None:
    settings = read_model.settings
    (port,) = free_ports(1)
    environment = os.environ | {
        "CATALOG_DATABASE_URL": settings.database_url.get_secret_value(),
        "CATALOG_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "CATALOG_TOPIC_PREFIX": settings.topic_prefix,
        "CATALOG_PORT": str(port),
    }
    process = await asyncio.create_subprocess_exec(
        SERVE, "serve", env=environment, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=40) as client:

            async def serves(metric: str = "") -> bool:
                try:
                    return metric in (await client.get("/metrics")).text
                except httpx.TransportError:
                    return False

            await wait_until(serves, timeout_s=90, what="it listens")
            headers = {"Consistency-Token": "orders:order-1-A:1", "Prefer": "wait=30"}
            waiting = asyncio.create_task(client.get("/orders", headers=headers))
            async with streaming(client) as events:
                assert (await anext(events)).name == "snapshot"
                await wait_until(lambda: serves("catalog_waiters 1.0"), what="the query waits")
                began = time.monotonic()
                process.terminate()
                answer = await waiting
                assert (answer.status_code, answer.json()["type"]) == (503, "/problems/not-yet-visible")
                assert answer.headers["retry-after"] == "1"
                assert [event async for event in events] == []
            assert await asyncio.wait_for(process.wait(), timeout=60) == 0
            assert time.monotonic() - began < 25
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
