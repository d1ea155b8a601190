"""Builds one instance of the service out of its settings; nothing connects before its task runs."""

import contextlib
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from functools import partial

import httpx
from fastapi import FastAPI
from prometheus_client import Gauge
from ulid_transform import ulid_now

from order_service import telemetry
from order_service.adapters import migrations
from order_service.adapters.kafka.consumer import open_topic
from order_service.adapters.kafka.decoding import Decoding
from order_service.adapters.kafka.publisher import kafka_publisher
from order_service.adapters.outbox_reader import OutboxReader
from order_service.adapters.queries import Queries
from order_service.adapters.serialization import RecordMaker
from order_service.adapters.storage import Database, open_database
from order_service.certificates import EXPIRY_TEXT, watch
from order_service.entrypoints.expiry import Expiry
from order_service.entrypoints.http import claims, tracing
from order_service.entrypoints.http.admission import Admission
from order_service.entrypoints.http.app import build_app
from order_service.entrypoints.http.authentication import TokenVerifier
from order_service.entrypoints.http.claims import NameRegistryClient, claims_router
from order_service.entrypoints.http.commands import Commands
from order_service.entrypoints.http.health import Check, health_router
from order_service.entrypoints.http.orders import orders_router
from order_service.entrypoints.http.peers import Peers
from order_service.entrypoints.http.products import products_router
from order_service.entrypoints.inbox_consumer import InboxConsumer
from order_service.entrypoints.outbox_monitor import OutboxMonitor
from order_service.entrypoints.outbox_relay import Relay
from order_service.entrypoints.reminders import ReminderScheduler
from order_service.entrypoints.republish import Republished, republish
from order_service.entrypoints.service import Service
from order_service.service_layer.apply_once import RecordDeadLetter
from order_service.service_layer.backlog import Backlog
from order_service.service_layer.command_runner import CommandRunner
from order_service.service_layer.errors import StorageUnavailableError
from order_service.service_layer.message_bus import MessageBus
from order_service.service_layer.name_registry import NameRegistry
from order_service.service_layer.outbox_log import LogPosition, Refused
from order_service.service_layer.unit_of_work import UseCase
from order_service.service_layer.use_cases.mark_relayed import MarkRelayed, SetRecordsAside
from order_service.settings import Settings

CERTIFICATE_EXPIRY = Gauge("order_certificate_expiry_timestamp_seconds", EXPIRY_TEXT, ["setting"])

RELAY = "kafka"
CONNECT_TIMEOUT_S = (
    1.5  # a process that is gone refuses at once; this is for a machine that is, or is very busy
)


def now_ms() -> int:
    """Milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


@contextlib.asynccontextmanager
async def build(settings: Settings, *, clock: Callable[[], int] = now_ms) -> AsyncIterator[Service]:
    """All parts, not yet running; closes what they opened at the end."""
    watch(CERTIFICATE_EXPIRY, settings.certificate_files)
    async with contextlib.AsyncExitStack() as stack:
        database = _open_database(settings)
        stack.push_async_callback(database.close)
        timeout = httpx.Timeout(settings.forward_timeout_s, connect=CONNECT_TIMEOUT_S)
        client = await stack.enter_async_context(
            httpx.AsyncClient(timeout=timeout, trust_env=False, verify=settings.client_tls())
        )
        yield _service(settings, database, client, clock)


def _service(
    settings: Settings, database: Database, client: httpx.AsyncClient, clock: Callable[[], int]
) -> Service:
    backlog = Backlog(limit=settings.outbox_limit)
    queries = Queries(database)
    commits = MessageBus(
        storage=database,
        instance=settings.instance,
        clock=clock,
        new_id=ulid_now,
        committed=backlog.committed,
    )
    reader = OutboxReader(database=database, instance=settings.instance)
    relay = _relay(settings, commits, backlog, reader)
    monitor = _monitor(settings, reader, relay, clock)
    consumers = _consumers(settings, commits, queries)
    runner = CommandRunner(commits=commits, backlog=backlog, outcome_of=queries.outcome)
    checks = _checks(queries, relay, monitor, consumers)
    return Service(
        app=_app(settings, client, runner, queries, checks),
        commits=commits,
        relay=relay,
        monitor=monitor,
        consumers=consumers,
        reminders=_reminders(commits, queries, clock),
        expiry=Expiry(database=database, clock=clock),
    )


def _app(
    settings: Settings,
    client: httpx.AsyncClient,
    runner: CommandRunner,
    queries: Queries,
    checks: Mapping[str, Check],
) -> FastAPI:
    peers = Peers(
        instance=settings.instance,
        urls=settings.other_instances,
        client=client,
        secret=settings.shared_secret,
        other_secret=settings.other_secret,
    )
    registry = NameRegistry(
        instance=settings.instance,
        owner_of=peers.owner_of,
        others=NameRegistryClient(lambda owner, body: peers.post(claims.PATH, body, to=owner)),
        commits=runner.commits,
    )
    admission = Admission(settings.commands_at_once)
    commands = Commands(admission=admission, registry=registry, runner=runner, peers=peers)
    return build_app(
        instance=settings.instance,
        routers=(
            orders_router(commands, queries, peers),
            products_router(commands, queries, peers),
            claims_router(registry, peers),
            health_router(checks),
        ),
        body_limit=settings.body_limit,
        hosts=settings.hosts,
        verifier=_verifier(settings, client),
    )


def _verifier(settings: Settings, client: httpx.AsyncClient) -> TokenVerifier | None:
    if settings.auth_issuer is None:
        return None
    return TokenVerifier(
        issuer=settings.auth_issuer,
        audience=settings.auth_audience,
        roles_claim=settings.auth_roles_claim,
        leeway_s=settings.auth_leeway,
        client=client,
    )


async def republish_log(settings: Settings, *, topics: Collection[str] = ()) -> Republished:
    """Send the event log again, or only its records for `topics`."""
    wanted = {settings.topic_prefix + topic for topic in topics}
    database = _open_database(settings)
    try:
        async with kafka_publisher(
            settings.kafka_bootstrap,
            f"{settings.instance}-republish",
            identity=f"{_identity(settings)}.republish",
            security=settings.kafka_security,
        ) as publisher:
            reader = OutboxReader(database=database, instance=settings.instance)
            return await republish(reader, publisher, wanted=lambda topic: not wanted or topic in wanted)
    finally:
        await database.close()


def _identity(settings: Settings) -> str:
    """Who publishes, for Kafka: the outbox, whichever process reads it. Access lists name it (docs/security.md)."""
    return f"{settings.topic_prefix}outbox.{settings.instance}"


def _open_database(settings: Settings) -> Database:
    records = RecordMaker(instance=settings.instance, prefix=settings.topic_prefix)
    return open_database(settings.database_url, records)


def _relay(settings: Settings, commits: MessageBus, backlog: Backlog, reader: OutboxReader) -> Relay:
    async def note(position: LogPosition) -> None:
        await commits.run(MarkRelayed(RELAY, position), trace="")

    async def set_aside(refused: Sequence[Refused]) -> None:
        await commits.run(SetRecordsAside(tuple(refused)), trace="")

    return Relay(
        name=RELAY,
        reader=reader,
        backlog=backlog,
        publishers=lambda: kafka_publisher(
            settings.kafka_bootstrap,
            settings.instance,
            identity=_identity(settings),
            security=settings.kafka_security,
        ),
        note=note,
        set_aside=set_aside,
    )


def _monitor(
    settings: Settings, reader: OutboxReader, relay: Relay, clock: Callable[[], int]
) -> OutboxMonitor:
    return OutboxMonitor(
        reader=reader,
        position=lambda: relay.position if relay.began else None,
        clock=clock,
        max_age_s=settings.outbox_max_age_s,
    )


def _reminders(commits: MessageBus, queries: Queries, clock: Callable[[], int]) -> ReminderScheduler:
    async def run(use_case: UseCase[frozenset[str]]) -> frozenset[str]:
        with telemetry.begin("remind", parent="") as span:
            return await commits.run(use_case, trace=span.traceparent or tracing.new())

    return ReminderScheduler(overdue=lambda limit: queries.overdue(now=clock(), limit=limit), run=run)


def _consumers(settings: Settings, commits: MessageBus, queries: Queries) -> tuple[InboxConsumer, ...]:
    async def run(
        use_case: UseCase[tuple[RecordDeadLetter, ...] | None],
    ) -> tuple[RecordDeadLetter, ...] | None:
        return await commits.run(use_case, trace="")

    decoding = Decoding(
        instance=settings.instance,
        instances=frozenset((settings.instance, *settings.other_instances)),
    )
    return tuple(
        InboxConsumer(
            topic=settings.topic_prefix + topic,
            consumers=partial(
                open_topic,
                settings.kafka_bootstrap,
                settings.topic_prefix + topic,
                security=settings.kafka_security,
            ),
            effect_of=effect_of,
            run=run,
            positions=queries.positions,
            gather_s=gather_s,
        )
        for topic, effect_of, gather_s in (
            # The first record is applied at once; under load those behind it share a commit, a message to Kafka and its
            # way through the brokers. An order waits for its inbox; names and prices may come a little later.
            ("products", decoding.product, 0.5),
            (f"inbox.{settings.instance}", decoding.inbox, 0.1),
        )
    )


def _checks(
    queries: Queries, relay: Relay, monitor: OutboxMonitor, consumers: Sequence[InboxConsumer]
) -> dict[str, Check]:
    async def kafka() -> str | None:
        return None if relay.connected else "the relay has no connection"

    async def outbox() -> str | None:
        try:
            return await monitor.missing()
        except StorageUnavailableError as error:
            return str(error)

    return {
        "database": _database_check(queries),
        "kafka": kafka,
        "outbox": outbox,
        **{f"topic {consumer.topic}": _consumer_check(consumer) for consumer in consumers},
    }


def _database_check(queries: Queries) -> Check:
    expected = migrations.head()

    async def check() -> str | None:
        try:
            revision = await queries.revision()
        except StorageUnavailableError as error:
            return str(error)
        if revision == expected:
            return None
        return f"at revision {revision}, not {expected}: run `order-service migrate`"

    return check


def _consumer_check(consumer: InboxConsumer) -> Check:
    async def check() -> str | None:
        return consumer.missing()

    return check
