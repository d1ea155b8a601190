"""Builds the service; the only place that knows all its parts."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
import structlog
import uvicorn
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from catalog_service.api.app import build_app
from catalog_service.api.health import health_routes
from catalog_service.api.orders import order_routes
from catalog_service.api.products import product_routes
from catalog_service.api.sync import sync_routes
from catalog_service.live.ends import TopicEnds
from catalog_service.queries import STATEMENTS
from catalog_service.settings import Settings, checked_dsn
from catalog_service.storage.database import Database, DatabaseAwayError
from catalog_service.storage.migrate import expected_revision

log = structlog.get_logger(__name__)

_TOPICS = ("orders", "products")
_DRAIN_S = 3


@dataclass(frozen=True, slots=True)
class Service:
    """The running parts: the application, and the tasks whose death ends the process."""

    app: FastAPI
    tasks: tuple[asyncio.Task[None], ...]


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Service]:
    """Build every part, start the tasks, and take all down again at the end. Connects to nothing that must be there."""
    async with Database(
        checked_dsn(settings.database_url),
        pool_size=settings.pool_size,
        statement_timeout_s=settings.statement_timeout,
    ) as database:
        ends = TopicEnds(settings.kafka_bootstrap, [settings.topic_prefix + topic for topic in _TOPICS])
        app = build_app(
            [
                order_routes(database),
                product_routes(database),
                sync_routes(database, end_offsets=ends.end_offsets),
                health_routes(missing=lambda: _missing(database), metrics=CollectorRegistry()),
            ]
        )
        tasks = (asyncio.create_task(ends.run(), name="topic-ends"),)
        try:
            yield Service(app, tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        RuntimeError: a background task has ended: better to be restarted than to answer with half the parts.
    """
    async with running(settings) as service:
        server = uvicorn.Server(
            uvicorn.Config(
                service.app,
                host=settings.host,
                port=settings.port,
                http="httptools",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=_DRAIN_S,
            )
        )
        serving = asyncio.create_task(_serve_until_signal(server), name="http")
        log.info("catalog.started", host=settings.host, port=settings.port)
        ended, _ = await asyncio.wait({serving, *service.tasks}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
        if dead := ended - {serving}:
            task = dead.pop()
            raise RuntimeError(f"the task {task.get_name()} has ended") from task.exception()
        log.info("catalog.stopped")


async def _serve_until_signal(server: uvicorn.Server) -> None:
    """`Server.serve` without raising the signal anew after it has been obeyed: the parts still have to be closed."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.handle_exit, number, None)
    await server._serve()  # noqa: SLF001 - `serve` is this behind uvicorn's own signal handlers


async def _missing(database: Database) -> str | None:
    expected = expected_revision()
    try:
        row = await database.fetch_row(STATEMENTS["revision"])
    except DatabaseAwayError as away:
        return str(away)
    except asyncpg.UndefinedTableError:
        return "the read schema is missing: run `catalog-service migrate`"
    found = row["version_num"] if row else None
    return (
        None
        if found == expected
        else f"the read schema is at revision {found}, this service needs {expected}"
    )
