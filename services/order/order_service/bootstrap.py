"""Builds one instance of the service out of its settings; nothing connects before its task runs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI
from ulid_transform import ulid_now

from order_service.adapters import schema
from order_service.adapters.database import open_database
from order_service.adapters.errors import StorageUnavailable
from order_service.adapters.expiry import Expiry
from order_service.adapters.kafka.decoding import inbox_effect, product_effect
from order_service.adapters.kafka.publisher import kafka_publisher
from order_service.adapters.outbox_reader import LogPosition, OutboxReader
from order_service.adapters.peers import Peers
from order_service.adapters.queries import Queries
from order_service.adapters.serialization import RecordMaker
from order_service.entrypoints.http import claims, tracing
from order_service.entrypoints.http.admission import Admission
from order_service.entrypoints.http.app import build_app
from order_service.entrypoints.http.claims import Courier
from order_service.entrypoints.http.dispatch import Dispatch
from order_service.entrypoints.http.health import Check
from order_service.entrypoints.inbox_consumer import Intake
from order_service.entrypoints.outbox_relay import Relay
from order_service.entrypoints.reminders import Asker
from order_service.entrypoints.republish import republish
from order_service.service_layer.backlog import Backlog
from order_service.service_layer.message_bus import GroupCommit
from order_service.service_layer.unit_of_work import UseCase
from order_service.service_layer.use_cases.mark_relayed import MarkRelayed
from order_service.settings import Settings

RELAY = "kafka"
CONNECT_TIMEOUT_S = (
    1.5  # a process that is gone refuses at once; this is for a machine that is, or is very busy
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The built parts that run."""

    app: FastAPI
    commits: GroupCommit
    relay: Relay
    intakes: tuple[Intake, ...]
    asker: Asker
    expiry: Expiry

    def tasks(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """Everything that runs in the background, by name."""
        return {
            "commits": self.commits.serve,
            "relay": self.relay.serve,
            "relay.mark": self.relay.mark,
            "asker": self.asker.serve,
            "expiry": self.expiry.serve,
            **{f"intake.{intake.topic}": intake.serve for intake in self.intakes},
        }


def now_ms() -> int:
    """Milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


@contextlib.asynccontextmanager
async def build(settings: Settings, *, clock: Callable[[], int] = now_ms) -> AsyncIterator[Service]:
    """All parts, not yet running; closes what they opened at the end."""
    async with contextlib.AsyncExitStack() as stack:
        database = open_database(settings.database_url)
        stack.push_async_callback(database.close)
        timeout = httpx.Timeout(settings.forward_timeout_s, connect=CONNECT_TIMEOUT_S)
        client = await stack.enter_async_context(httpx.AsyncClient(timeout=timeout, trust_env=False))

        backlog = Backlog(limit=settings.outbox_limit)
        queries = Queries(database)
        commits = GroupCommit(
            database=database,
            records=RecordMaker(instance=settings.instance, prefix=settings.topic_prefix),
            clock=clock,
            new_id=ulid_now,
            committed=backlog.committed,
        )
        relay = _relay(
            settings, commits, backlog, OutboxReader(database=database, instance=settings.instance)
        )
        intakes = _intakes(settings, commits, queries)
        peers = Peers(
            instance=settings.instance,
            urls=settings.other_instances,
            client=client,
            secret=settings.shared_secret,
        )
        dispatch = Dispatch(
            admission=Admission(settings.commands_at_once),
            commits=commits,
            backlog=backlog,
            queries=queries,
            peers=peers,
            courier=Courier(lambda keeper, body: peers.post(claims.PATH, body, to=keeper)),
        )
        yield Service(
            app=build_app(
                instance=settings.instance,
                dispatch=dispatch,
                checks=_checks(queries, relay, intakes),
                body_limit=settings.body_limit,
                hosts=settings.hosts,
            ),
            commits=commits,
            relay=relay,
            intakes=intakes,
            asker=Asker(
                overdue=lambda limit: queries.to_ask_again(now=clock(), limit=limit),
                run=lambda use_case: commits.run(use_case, trace=tracing.new()),
            ),
            expiry=Expiry(database=database, clock=clock),
        )


async def republish_log(settings: Settings, *, topics: Collection[str] = ()) -> int:
    """Send the event log again, or only its records for `topics`; answers how many."""
    wanted = {settings.topic_prefix + topic for topic in topics}
    database = open_database(settings.database_url)
    try:
        async with kafka_publisher(settings.kafka_bootstrap, f"{settings.instance}-republish") as publisher:
            reader = OutboxReader(database=database, instance=settings.instance)
            return await republish(reader, publisher, wanted=lambda topic: not wanted or topic in wanted)
    finally:
        await database.close()


def _relay(settings: Settings, commits: GroupCommit, backlog: Backlog, reader: OutboxReader) -> Relay:
    async def note(position: LogPosition) -> None:
        await commits.run(MarkRelayed(RELAY, position), trace="")

    return Relay(
        name=RELAY,
        reader=reader,
        backlog=backlog,
        publishers=lambda: kafka_publisher(settings.kafka_bootstrap, settings.instance),
        note=note,
    )


def _intakes(settings: Settings, commits: GroupCommit, queries: Queries) -> tuple[Intake, ...]:
    async def take_in(use_case: UseCase[None]) -> None:
        await commits.run(use_case, trace="")

    return tuple(
        Intake(
            topic=settings.topic_prefix + topic,
            bootstrap=settings.kafka_bootstrap,
            effect_of=effect_of,
            run=take_in,
            positions=queries.positions,
            gather_s=gather_s,
        )
        for topic, effect_of, gather_s in (
            # The first record is taken at once; under load those behind it share a commit, a message to Kafka and its
            # way through the brokers. An order waits for its inbox; names and prices may come a little later.
            ("products", product_effect, 0.25),
            (f"inbox.{settings.instance}", inbox_effect, 0.05),
        )
    )


def _checks(queries: Queries, relay: Relay, intakes: tuple[Intake, ...]) -> dict[str, Check]:
    expected = schema.head()

    async def database() -> str | None:
        try:
            revision = await queries.revision()
        except StorageUnavailable as error:
            return str(error)
        return (
            None
            if revision == expected
            else f"at revision {revision}, not {expected}: run `order-service migrate`"
        )

    async def kafka() -> str | None:
        return None if relay.connected else "the relay has no connection"

    def intake_check(intake: Intake) -> Check:
        async def check() -> str | None:
            if not intake.connected:
                return "not connected"
            return None if intake.caught_up else "has not caught up yet"

        return check

    return {
        "database": database,
        "kafka": kafka,
        **{f"topic {intake.topic}": intake_check(intake) for intake in intakes},
    }
