"""Builds the service; the only place that knows all its parts."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import asyncpg
import httpx
from fastapi import APIRouter, FastAPI

from catalog_service.changefeed.feed import Feed
from catalog_service.changefeed.notification_listener import NotificationListener
from catalog_service.changefeed.order_records import OrderRecords
from catalog_service.changefeed.snapshot import Snapshots
from catalog_service.changefeed.sse import EventStreams
from catalog_service.changefeed.topic_reader import TopicReader
from catalog_service.consistency.tokens import TOPICS, TokenGate
from catalog_service.consistency.visibility import ReadModelVisibility
from catalog_service.gateway.command_proxy import instance_routes
from catalog_service.gateway.playground import playground_routes
from catalog_service.http.app import build_app
from catalog_service.http.authentication import TokenVerifier
from catalog_service.http.consistency import holding
from catalog_service.http.guide import guide_routes
from catalog_service.http.health import health_routes
from catalog_service.http.orders import history_routes, order_routes
from catalog_service.http.page import page_routes
from catalog_service.http.products import product_routes
from catalog_service.http.sign_in import SignIn, SignInClient, session_routes
from catalog_service.http.stream import stream_routes
from catalog_service.http.summaries import summary_routes
from catalog_service.http.sync import sync_routes
from catalog_service.http.trace_links import TraceLinks
from catalog_service.http.traces import trace_routes
from catalog_service.monitoring.brokers import Brokers
from catalog_service.monitoring.freshness import Freshness
from catalog_service.monitoring.metrics import Metrics
from catalog_service.monitoring.probes import Probes
from catalog_service.monitoring.sync_status import SyncStatusReporter
from catalog_service.read_model import STATEMENTS, migrations
from catalog_service.read_model.database import Database, DatabaseAwayError
from catalog_service.settings import Settings, checked_dsn


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
        http_client(settings) as http,
        aclosing(Brokers(settings.kafka_bootstrap, security=settings.kafka_security)) as brokers,
    ):
        parts = _parts(settings, database=database, http=http, brokers=brokers)
        tasks = parts.start()
        try:
            yield Service(_app(settings, parts), tasks, parts.release)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Live:
    """What follows the topics and the sink's commits."""

    feed: Feed
    reader: TopicReader
    listener: NotificationListener
    gate: TokenGate
    history_gate: TokenGate
    freshness: Freshness


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """Everything that the routes and the tasks use."""

    database: Database
    http: httpx.AsyncClient
    metrics: Metrics
    live: _Live
    probes: Probes
    reporter: SyncStatusReporter
    streams: EventStreams
    verifier: TokenVerifier | None

    def start(self) -> tuple[asyncio.Task[None], ...]:
        """The tasks, running."""
        runs: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
            "topic-reader": self.live.reader.run,
            "notification-listener": self.live.listener.run,
            "tokens": self.live.gate.run,
            "history-tokens": self.live.history_gate.run,
            "probes": self.probes.run,
        }
        return tuple(asyncio.create_task(run(), name=name) for name, run in runs.items())

    def release(self) -> None:
        """See `Service`."""
        self.streams.close()
        self.live.gate.close()
        self.live.history_gate.close()

    async def missing(self) -> str | None:
        """Why the service cannot answer as it should, in words; None when it can."""
        live = self.live
        return await _schema_missing(self.database) or live.reader.failure or live.listener.failure


def http_client(settings: Settings) -> httpx.AsyncClient:
    """One for all that is asked over HTTP, for whomever: what one answer sets as a cookie goes with no other request."""
    client = httpx.AsyncClient(trust_env=False, verify=settings.client_tls())
    client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))
    return client


def _parts(settings: Settings, *, database: Database, http: httpx.AsyncClient, brokers: Brokers) -> _Parts:
    topics = {settings.topic_prefix + topic: topic for topic in sorted(TOPICS)}
    metrics = Metrics(certificates=settings.certificate_files)
    live = _live(settings, database, topics, metrics)
    probes = Probes(
        order_services=settings.order_services,
        sink_url=settings.sink_url,
        sink_login=settings.sink_login,
        brokers=brokers,
        http=http,
    )
    reporter = SyncStatusReporter(
        database=database,
        topics=topics,
        changes=live.feed,
        kafka=live.reader,
        freshness=live.freshness,
        probes=probes,
    )
    return _Parts(
        database=database,
        http=http,
        metrics=metrics,
        live=live,
        probes=probes,
        reporter=reporter,
        streams=_event_streams(settings, Snapshots(database, topics=topics), live, reporter),
        verifier=_verifier(settings, http),
    )


def _live(settings: Settings, database: Database, topics: dict[str, str], metrics: Metrics) -> _Live:
    feed = Feed(memory=settings.stream_memory, unreadable=metrics.unreadable, visible=metrics.visible)
    gate, history_gate = (
        _token_gate(settings, database, connectors)
        for connectors in (["orders", "products"], ["order-history", "products"])
    )

    def wake() -> None:
        gate.wake()
        history_gate.wake()

    async def know_instances() -> None:
        with contextlib.suppress(asyncpg.UndefinedTableError):  # not migrated yet: there is no product either
            rows = await database.fetch(STATEMENTS["product_instances"])
            feed.know_instances({row["product_id"]: row["instance"] for row in rows})

    def watched() -> bool:
        return feed.is_followed or bool(gate.waiting or history_gate.waiting)

    listener = NotificationListener(
        database, topics=topics, applied=feed.applied, woken=wake, watched=watched, prepare=know_instances
    )
    reader = TopicReader(
        settings.kafka_bootstrap,
        security=settings.kafka_security,
        topics=topics,
        changes=feed,
        known=listener.known,
        unreadable=metrics.unreadable,
    )
    freshness = Freshness(changes=feed, reading=reader, listener=listener)
    return _Live(
        feed=feed, reader=reader, listener=listener, gate=gate, history_gate=history_gate, freshness=freshness
    )


def _token_gate(settings: Settings, database: Database, connectors: list[str]) -> TokenGate:
    visibility = ReadModelVisibility(database, prefix=settings.topic_prefix, connectors=connectors)
    return TokenGate(visibility, max_waiters=settings.max_waiters)


def _event_streams(
    settings: Settings, snapshots: Snapshots, live: _Live, reporter: SyncStatusReporter
) -> EventStreams:
    return EventStreams(
        feed=live.feed,
        snapshots=snapshots,
        report=reporter.encoded,
        lag_ms=live.freshness.lag_ms,
        max_streams=settings.max_streams,
        max_behind=settings.stream_buffer,
        heartbeat_s=settings.stream_heartbeat,
    )


def _app(settings: Settings, parts: _Parts) -> FastAPI:
    live = parts.live
    parts.metrics.watch(
        lag_ms=live.freshness.lag_ms,
        streams=lambda: parts.streams.open,
        waiters=lambda: live.gate.waiting + live.history_gate.waiting,
    )
    return build_app(
        _routes(settings, parts),
        lag_ms=live.freshness.lag_ms,
        seconds=parts.metrics.requests,
        hosts=settings.hosts,
        streams_per_client=settings.streams_per_client,
        guide=settings.guide,
        verifier=parts.verifier,
    )


def _sign_in(settings: Settings, parts: _Parts) -> SignIn | None:
    if parts.verifier is None or settings.auth_client_id is None:
        return None
    secret = settings.auth_client_secret
    client = SignInClient(
        client_id=settings.auth_client_id,
        client_secret=secret.get_secret_value() if secret else None,
        scope=settings.auth_scope,
        redirect_url=settings.auth_redirect_url,
    )
    return SignIn(client=client, verifier=parts.verifier, http=parts.http)


def _verifier(settings: Settings, http: httpx.AsyncClient) -> TokenVerifier | None:
    if settings.auth_issuer is None:
        return None
    return TokenVerifier(
        issuer=settings.auth_issuer,
        audience=settings.auth_audience,
        roles_claim=settings.auth_roles_claim,
        leeway_s=settings.auth_leeway,
        client=http,
    )


def _routes(settings: Settings, parts: _Parts) -> list[APIRouter]:
    hold, hold_history = (
        holding(gate, max_wait_s=settings.max_wait) for gate in (parts.live.gate, parts.live.history_gate)
    )
    links = TraceLinks(settings.trace_url)
    return [
        page_routes(),
        guide_routes(),
        session_routes(parts.verifier, _sign_in(settings, parts)),
        order_routes(parts.database, hold=hold),
        history_routes(parts.database, hold=hold_history),
        trace_routes(parts.database, records=_order_records(settings), links=links),
        product_routes(parts.database, hold=hold),
        summary_routes(parts.database, hold=hold),
        sync_routes(parts.reporter.report),
        stream_routes(parts.streams),
        instance_routes(settings.order_services, parts.http, links),
        playground_routes(settings.playground_url, parts.http),
        health_routes(missing=parts.missing, metrics=parts.metrics.registry, observe=lambda: _observe(parts)),
    ]


def _order_records(settings: Settings) -> OrderRecords:
    return OrderRecords(
        settings.kafka_bootstrap, topic=f"{settings.topic_prefix}orders", security=settings.kafka_security
    )


async def _observe(parts: _Parts) -> None:
    parts.metrics.reported(await parts.reporter.report())


async def _schema_missing(database: Database) -> str | None:
    expected = migrations.head()
    try:
        row = await database.fetch_row(STATEMENTS["revision"])
    except DatabaseAwayError as away:
        return str(away)
    except asyncpg.UndefinedTableError:
        return "the read schema is missing: run `catalog-service migrate`"
    found = row["version_num"] if row else None
    if found == expected:
        return None
    return f"the read schema is at revision {found}, this service needs {expected}"
