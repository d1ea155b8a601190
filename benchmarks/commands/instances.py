"""One order instance on a database and topics of its own, as the service starts it or with some parts left out."""

import asyncio
import contextlib
import os
import sqlite3
import subprocess
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import httpx
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from devservers.ports import free_ports

DATABASES = ("sqlite", "postgresql")
SERVICE = (sys.executable, "-m", "order_service")
WHOLE = (*SERVICE, "serve")
"""The service's own command: relay, consumers, reminders and HTTP in one process."""
BARE = (sys.executable, "-m", "benchmarks.commands.serve")
"""HTTP and commits only (`serve.py`)."""
START_ATTEMPTS, START_PAUSE_S = 400, 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A migrated, empty database and a prefix whose topics exist."""

    url: str
    prefix: str

    @property
    def file(self) -> str | None:
        """Path of the database; None when it is not SQLite's."""
        scheme, _, path = self.url.partition(":///")
        return path if scheme.startswith("sqlite") else None

    @property
    def dsn(self) -> str:
        """Address of the database on PostgreSQL."""
        return f"postgresql://{self.url.partition('://')[2]}"

    async def orders(self) -> int:
        """How many orders the database holds."""
        if self.file is not None:
            with contextlib.closing(sqlite3.connect(self.file)) as file:
                return int(file.execute("SELECT count(*) FROM orders").fetchone()[0])
        connection = await asyncpg.connect(self.dsn)
        try:
            return int(await connection.fetchval("SELECT count(*) FROM orders"))
        finally:
            await connection.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """A process that serves and has a product with stock for everyone."""

    pid: int
    port: int


@contextlib.asynccontextmanager
async def place(database: str, *, kafka: str, postgres: str) -> AsyncIterator[Place]:
    """Make database and topics; both are removed afterwards."""
    name = f"bench_{uuid.uuid4().hex[:8]}"
    prefix = f"{name}."
    topics = {f"{prefix}orders": 6, f"{prefix}products": 6, f"{prefix}inbox.order-1": 1}
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics([NewTopic(topic, count, 3) for topic, count in topics.items()])
    server = await asyncpg.connect(postgres)
    with tempfile.TemporaryDirectory(prefix="orders-") as directory:
        if database == "sqlite":
            url = f"sqlite+aiosqlite:///{directory}/orders.db"
        else:
            await server.execute(f"CREATE DATABASE {name}")
            url = f"postgresql+asyncpg://{postgres.partition('://')[2].rpartition('/')[0]}/{name}"
        try:
            where = Place(url=url, prefix=prefix)
            migrating = await asyncio.create_subprocess_exec(
                *SERVICE, "migrate", env=_environment(where, kafka=kafka), stdout=subprocess.DEVNULL
            )
            if await migrating.wait():
                raise RuntimeError("the database could not be migrated")
            yield where
        finally:
            await admin.delete_topics(list(topics))
            await admin.close()
            await server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            await server.close()


@contextlib.asynccontextmanager
async def instance(
    program: tuple[str, ...], where: Place, *, kafka: str, registers_product: bool = True
) -> AsyncIterator[Instance]:
    """Run `program` as order-1 until the end of the block."""
    port = free_ports(1)[0]
    environment = _environment(where, kafka=kafka) | {"ORDER_PORT": str(port)}
    process = await asyncio.create_subprocess_exec(*program, env=environment)
    try:
        if registers_product:
            await _prepare(port)
        yield Instance(pid=process.pid, port=port)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _environment(where: Place, *, kafka: str) -> dict[str, str]:
    return os.environ | {
        "ORDER_INSTANCE": "order-1",
        "ORDER_DATABASE_URL": where.url,
        "ORDER_KAFKA_BOOTSTRAP": kafka,
        "ORDER_TOPIC_PREFIX": where.prefix,
        "ORDER_OUTBOX_LIMIT": "10000000",
        "ORDER_LOG_LEVEL": "WARNING",
    }


async def _prepare(port: int) -> None:
    """Wait until the instance serves, and register the product."""
    product = {"product_id": "tea", "name": "Tea", "unit_price_cents": 450, "stock": 10**9}
    async with httpx.AsyncClient(trust_env=False) as http:
        for _ in range(START_ATTEMPTS):
            with contextlib.suppress(httpx.TransportError):
                if (await http.post(f"http://127.0.0.1:{port}/products", json=product)).status_code == 201:
                    return
            await asyncio.sleep(START_PAUSE_S)
    raise RuntimeError("the instance does not serve")
