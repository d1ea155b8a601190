"""Builds the service; the only place that knows all its parts."""

import asyncio
import contextlib
import gc
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

import asyncpg
import httpx
import structlog
import uvicorn
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, Counter, Gauge

from catalog_service.changefeed.feed import Feed
from catalog_service.changefeed.notification_listener import NotificationListener
from catalog_service.changefeed.snapshot import Snapshots
from catalog_service.changefeed.sse import EventStreams
from catalog_service.changefeed.topic_reader import TopicReader
from catalog_service.consistency.tokens import TOPICS, TokenGate
from catalog_service.consistency.visibility import ReadModelVisibility
from catalog_service.gateway.command_proxy import instance_routes
from catalog_service.http.app import build_app
from catalog_service.http.consistency import holding
from catalog_service.http.health import health_routes
from catalog_service.http.orders import order_routes
from catalog_service.http.page import page_routes
from catalog_service.http.problems import document
from catalog_service.http.products import product_routes
from catalog_service.http.protocol import Limits, http_protocol
from catalog_service.http.response_headers import SAFE_HEADERS
from catalog_service.http.stream import stream_routes
from catalog_service.http.sync import sync_routes
from catalog_service.monitoring.brokers import Brokers
from catalog_service.monitoring.freshness import Freshness
from catalog_service.monitoring.probes import Probes
from catalog_service.monitoring.sync_status import SyncStatusReporter
from catalog_service.read_model import STATEMENTS
from catalog_service.read_model.database import Database, DatabaseAwayError
from catalog_service.read_model.migrate import expected_revision
from catalog_service.settings import Settings, checked_dsn

log = structlog.get_logger(__name__)

_DRAIN_S = 3
_KEEP_ALIVE_S = (
    20  # longer than clients keep a connection for (5 s in httpx), so that theirs is the hand that closes it
)


@dataclass(frozen=True, slots=True)
class Service:
    """The running parts: the application, and the tasks whose death ends the process.

    `release` ends what would keep a connection open for long: streams, and queries that wait.
    """

    app: FastAPI
    tasks: tuple[asyncio.Task[None], ...]
    release: Callable[[], None]


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Service]:
    """Build every part, start the tasks, and take all down again at the end. Connects to nothing that must be there."""
    async with (
        Database(
            checked_dsn(settings.database_url),
            pool_size=settings.pool_size,
            statement_timeout_s=settings.statement_timeout,
        ) as database,
        httpx.AsyncClient(trust_env=False) as http,
        aclosing(Brokers(settings.kafka_bootstrap)) as brokers,
    ):
        metrics = CollectorRegistry()
        live = _live(settings, database, metrics)
        probes = Probes(
            order_services=settings.order_services, sink_url=settings.sink_url, brokers=brokers, http=http
        )
        reporter = SyncStatusReporter(
            database=database,
            topics=_topics(settings),
            changes=live.feed,
            kafka=live.reader,
            freshness=live.freshness,
            probes=probes,
        )
        streams = _event_streams(settings, database=database, live=live, reporter=reporter)
        app = _app(
            settings,
            database=database,
            live=live,
            reporter=reporter,
            streams=streams,
            http=http,
            metrics=metrics,
        )

        def release() -> None:
            streams.close()
            live.gate.close()
            live.history_gate.close()

        tasks = tuple(
            asyncio.create_task(run(), name=name)
            for name, run in {
                "topic-reader": live.reader.run,
                "notification-listener": live.listener.run,
                "tokens": live.gate.run,
                "history-tokens": live.history_gate.run,
                "probes": probes.run,
            }.items()
        )
        try:
            yield Service(app, tasks, release)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Live:
    feed: Feed
    reader: TopicReader
    listener: NotificationListener
    gate: TokenGate
    history_gate: TokenGate
    freshness: Freshness


def _topics(settings: Settings) -> dict[str, str]:
    return {settings.topic_prefix + topic: topic for topic in sorted(TOPICS)}


def _live(settings: Settings, database: Database, metrics: CollectorRegistry) -> _Live:
    topics = _topics(settings)
    unreadable = Counter(
        "catalog_unreadable_records",
        "Records of Kafka that were passed over, or shown without their type, because they could not be read",
        ["topic", "reason"],
        registry=metrics,
    )

    def count(topic: str, reason: str) -> None:
        unreadable.labels(topic, reason).inc()

    feed = Feed(memory=settings.stream_memory, unreadable=count)
    gate, history_gate = (
        TokenGate(
            ReadModelVisibility(database, prefix=settings.topic_prefix, connectors=connectors),
            max_waiters=settings.max_waiters,
        )
        for connectors in (["orders", "products"], ["order-history", "products"])
    )

    def wake() -> None:
        gate.wake()
        history_gate.wake()

    async def know_instances() -> None:
        with contextlib.suppress(asyncpg.UndefinedTableError):  # not migrated yet: there is no product either
            rows = await database.fetch(STATEMENTS["product_instances"])
            feed.know_instances({row["product_id"]: row["instance"] for row in rows})

    listener = NotificationListener(
        database, topics=topics, applied=feed.applied, woken=wake, prepare=know_instances
    )
    reader = TopicReader(
        settings.kafka_bootstrap, topics=topics, changes=feed, known=listener.known, unreadable=count
    )
    freshness = Freshness(changes=feed, reading=reader, listener=listener)
    return _Live(
        feed=feed, reader=reader, listener=listener, gate=gate, history_gate=history_gate, freshness=freshness
    )


def _event_streams(
    settings: Settings, *, database: Database, live: _Live, reporter: SyncStatusReporter
) -> EventStreams:
    return EventStreams(
        feed=live.feed,
        snapshots=Snapshots(database, topics=_topics(settings)),
        report=reporter.encoded,
        lag_ms=live.freshness.lag_ms,
        max_streams=settings.max_streams,
        max_behind=settings.stream_buffer,
        heartbeat_s=settings.stream_heartbeat,
    )


def _app(  # noqa: PLR0913 - everything that the routes use
    settings: Settings,
    *,
    database: Database,
    live: _Live,
    reporter: SyncStatusReporter,
    streams: EventStreams,
    http: httpx.AsyncClient,
    metrics: CollectorRegistry,
) -> FastAPI:
    hold, hold_history = (
        holding(gate, max_wait_s=settings.max_wait) for gate in (live.gate, live.history_gate)
    )
    for name, text, value in (
        ("catalog_sync_lag_ms", "Upper bound of the read model's age", live.freshness.lag_ms),
        ("catalog_streams", "Open streams", lambda: streams.open),
        ("catalog_waiters", "Queries that wait for a consistency token", lambda: live.gate.waiting),
        ("catalog_changes_published", "Changes seen to become visible", lambda: live.feed.published),
    ):
        Gauge(name, text, registry=metrics).set_function(value)
    routes = [
        page_routes(),
        order_routes(database, hold=hold, hold_history=hold_history),
        product_routes(database, hold=hold),
        sync_routes(reporter.report),
        stream_routes(streams),
        instance_routes(settings.order_services, http),
        health_routes(missing=lambda: _missing(database, live), metrics=metrics),
    ]
    return build_app(
        routes,
        lag_ms=live.freshness.lag_ms,
        metrics=metrics,
        hosts=settings.hosts,
        streams_per_client=settings.streams_per_client,
    )


def http_server(app: FastAPI, *, host: str, port: int, limits: Limits = Limits()) -> uvicorn.Server:  # noqa: B008 - frozen
    """What serves the application, not yet running."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http=http_protocol(limits, document=document, headers=SAFE_HEADERS),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=_KEEP_ALIVE_S,
            timeout_graceful_shutdown=_DRAIN_S,
        )
    )


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        RuntimeError: a background task has ended: better to be restarted than to answer with half the parts.
    """
    async with running(settings) as service:
        limits = Limits(connections=settings.max_connections)
        server = http_server(service.app, host=settings.host, port=settings.port, limits=limits)
        serving = asyncio.create_task(_serve_until_signal(server, release=service.release), name="http")
        _tune_collector()
        log.info("catalog.started", host=settings.host, port=settings.port)
        ended, _ = await asyncio.wait({serving, *service.tasks}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving
        if dead := ended - {serving}:
            task = dead.pop()
            raise RuntimeError(f"the task {task.get_name()} has ended") from task.exception()
        log.info("catalog.stopped")


def _tune_collector() -> None:
    """What exists now stays: a full collection would look at all of it again, and every stream would wait meanwhile."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


async def _serve_until_signal(server: uvicorn.Server, *, release: Callable[[], None]) -> None:
    """`Server.serve` without raising the signal anew after it has been obeyed: the parts still have to be closed."""

    def stop(number: int) -> None:
        release()  # or uvicorn would wait for them, and then end their requests with 500
        server.handle_exit(number, None)

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    await server._serve()  # noqa: SLF001 - `serve` is this behind uvicorn's own signal handlers


async def _missing(database: Database, live: _Live) -> str | None:
    return await _schema_missing(database) or live.reader.failure or live.listener.failure


async def _schema_missing(database: Database) -> str | None:
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
