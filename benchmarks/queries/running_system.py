"""Everything that is needed for a question: Kafka with one broker, the sink, the catalog, three order instances."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from benchmarks.queries.dataset import BIN, INSTANCES, write_environment
from demo.home import REPOSITORY
from devservers.kafka_cluster import KafkaCluster
from devservers.ports import free_ports

HOST = "127.0.0.1"
READY_S = 90
CONNECTORS = REPOSITORY / "infra" / "connectors"
TOPICS = REPOSITORY / "infra" / "kafka" / "create_topics.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningSystem:
    """Base URLs of the catalog and of each order instance."""

    catalog: str
    instances: Mapping[str, str]


@contextlib.asynccontextmanager
async def running_system(dsn: str, directory: Path) -> AsyncIterator[RunningSystem]:
    """On the read database at `dsn` and the instances' databases in `directory`; nothing runs any more at the end."""
    async with contextlib.AsyncExitStack() as parts:
        kafka = await parts.enter_async_context(KafkaCluster(directory=directory / "kafka"))
        await _done(sys.executable, str(TOPICS), "--bootstrap", kafka.bootstrap, "--replication", "1")
        await _done(str(BIN / "sink-connector"), "init", "--url", dsn)
        sink, catalog, *orders = free_ports(2 + len(INSTANCES))
        files = sorted(str(file) for file in CONNECTORS.glob("*.json"))
        sink_env = {
            "SINK_BOOTSTRAP_SERVERS": kafka.bootstrap,
            "SINK_REST_PORT": str(sink),
            "SINK_DATABASE_URL": dsn,
            "SINK_TOPIC_PREFIX": "",
            "SINK_LOG_LEVEL": "ERROR",
        }
        catalog_env = {
            "CATALOG_DATABASE_URL": dsn,
            "CATALOG_KAFKA_BOOTSTRAP": kafka.bootstrap,
            "CATALOG_PORT": str(catalog),
            "CATALOG_LOG_LEVEL": "ERROR",
        }
        urls = {name: f"http://{HOST}:{port}" for name, port in zip(INSTANCES, orders, strict=True)}
        programs = [
            _serving(sink, "/health", os.environ | sink_env, "sink-connector", "run", *files),
            _serving(catalog, "/health/ready", os.environ | catalog_env, "catalog-service", "serve"),
        ]
        for name, port in zip(INSTANCES, orders, strict=True):
            env = write_environment(
                directory, name, ORDER_KAFKA_BOOTSTRAP=kafka.bootstrap, ORDER_PORT=str(port)
            )
            programs.append(_serving(port, "/health/ready", env, "order-service", "serve"))
        for program in programs:
            await parts.enter_async_context(program)
        yield RunningSystem(catalog=f"http://{HOST}:{catalog}", instances=urls)


async def _done(*command: str) -> None:
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.DEVNULL)
    if await process.wait():
        raise RuntimeError(f"{' '.join(command[:2])} ended with {process.returncode}")


@contextlib.asynccontextmanager
async def _serving(
    port: int, health: str, environment: Mapping[str, str], program: str, *words: str
) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        BIN / program, *words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        async with httpx.AsyncClient() as http, asyncio.timeout(READY_S):
            while not await _is_ready(http, f"http://{HOST}:{port}{health}"):
                if process.returncode is not None:
                    raise RuntimeError(f"{program} ended with {process.returncode}")
                await asyncio.sleep(0.1)
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _is_ready(http: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(url)).is_success
    except httpx.TransportError:
        return False
