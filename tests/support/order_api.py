"""The order service's application on a SQLite file, without Kafka: for what HTTP and one database decide alone."""

import asyncio
import atexit
import contextlib
import shutil
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Connection, inspect, text

from order_service.adapters import schema
from order_service.bootstrap import build
from order_service.entrypoints.server import HttpServer
from order_service.entrypoints.service import Service
from order_service.settings import Settings
from tests.support import order_database
from tests.support.order_cluster import Clock
from tests.support.waiting import wait_until


@dataclass(slots=True, kw_only=True)
class Api:
    """`http` talks to the application directly."""

    settings: Settings
    clock: Clock = field(default_factory=Clock)
    service: Service
    http: httpx.AsyncClient

    async def product(self, product_id: str, *, stock: int = 100) -> None:
        body = {"product_id": product_id, "name": product_id, "unit_price_cents": 450, "stock": stock}
        answer = await self.http.post("/products", json=body)
        assert answer.status_code == 201, answer.text

    async def rows(self, query: str) -> list[dict[str, Any]]:
        return await order_database.rows(self.settings.database_url, query)

    async def trace(self) -> Any:
        """Everything that a command could leave behind."""

        def read(connection: Connection) -> Any:
            tables = ("orders", "products", "outbox", "answers", "claims")
            return [connection.execute(text(f"SELECT * FROM {table} ORDER BY 1")).all() for table in tables]  # noqa: S608 - our own names

        return await order_database.within(self.settings.database_url, read)

    async def forget(self) -> None:
        """Empty every table: the next test begins as on a fresh database."""

        def empty(connection: Connection) -> None:
            for table in set(inspect(connection).get_table_names()) - {"alembic_version"}:
                connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - our own names

        await order_database.within(self.settings.database_url, empty)


@cache
def _migrated() -> Path:
    """A SQLite file with the newest schema, made once per session."""
    file = Path(tempfile.mkdtemp(prefix="order-schema-")) / "order.db"
    asyncio.run(schema.migrate(f"sqlite+aiosqlite:///{file}"))
    atexit.register(shutil.rmtree, file.parent)
    return file


async def migrated_file(directory: Path) -> Path:
    """A fresh SQLite database of an instance, in the directory."""
    shutil.copyfile(await asyncio.to_thread(_migrated), directory / "order.db")
    return directory / "order.db"


@contextlib.asynccontextmanager
async def order_api(directory: Path, **settings: Any) -> AsyncIterator[Api]:
    """Commits run, nothing else does: no relay, no consumer."""
    chosen = Settings(
        instance="order-1",
        database_url=f"sqlite:///{directory}/order.db",
        kafka_bootstrap="127.0.0.1:1",
        **settings,
    )
    await migrated_file(directory)
    clock = Clock()
    async with build(chosen, clock=clock) as service:
        commits = asyncio.create_task(service.commits.serve())
        transport = httpx.ASGITransport(service.app, raise_app_exceptions=False)
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://order-1") as http:
                yield Api(settings=chosen, clock=clock, service=service, http=http)
        finally:
            commits.cancel()
            await asyncio.gather(commits, return_exceptions=True)


@contextlib.contextmanager
def served_api(directory: Path, *, port: int) -> Iterator[str]:
    """The same on a port, in a thread with an event loop of its own; gives its base URL."""
    ready, stop = threading.Event(), threading.Event()

    async def serve() -> None:
        async with order_api(directory) as api:
            await api.product("tea", stock=10**9)
            server = HttpServer(api.service.app, host="127.0.0.1", port=port)
            front = asyncio.create_task(server.serve())
            await wait_until(lambda: server.started, what="the application serves")
            ready.set()
            await asyncio.to_thread(stop.wait)
            server.should_exit = True
            await front

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(timeout=60)
        yield f"http://127.0.0.1:{port}"
    finally:
        stop.set()
        thread.join(timeout=60)
