"""Builds one instance of the service and runs it until it is told to stop or a part of it dies."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

import structlog
from fastapi import FastAPI
from ulid import ULID

from order_service.api import tracing
from order_service.api.app import build_app
from order_service.api.gate import Gate
from order_service.api.health import Check
from order_service.outbox.backlog import Backlog
from order_service.outbox.mark_relayed import MarkRelayed
from order_service.outbox.publisher import kafka_publisher
from order_service.outbox.reader import LogPosition, OutboxReader
from order_service.outbox.record import RecordMaker
from order_service.outbox.relay import Relay
from order_service.saga.decoding import inbox_effect, product_effect
from order_service.saga.intake import Intake
from order_service.server import Server
from order_service.settings import Settings
from order_service.storage import schema
from order_service.storage.engine import reading_engine, writing_engine
from order_service.storage.errors import StorageUnavailable
from order_service.storage.group_commit import GroupCommit
from order_service.storage.queries import Queries

log = structlog.get_logger()

RELAY = "kafka"
DRAIN_S = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The built parts."""

    app: FastAPI
    commits: GroupCommit
    relay: Relay
    intakes: tuple[Intake, ...]

    def tasks(self) -> dict[str, Callable[[], Coroutine[Any, Any, None]]]:
        """Everything that runs in the background, by name."""
        intakes = {f"intake.{intake.topic}": intake.serve for intake in self.intakes}
        return {
            "commits": self.commits.serve,
            "relay": self.relay.serve,
            "relay.mark": self.relay.mark,
            **intakes,
        }


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@contextlib.asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[Service]:
    """All parts, not yet running; closes the database's connections at the end."""
    async with contextlib.AsyncExitStack() as stack:
        writing, reading = writing_engine(settings.database_url), reading_engine(settings.database_url)
        stack.push_async_callback(writing.dispose)
        stack.push_async_callback(reading.dispose)
        backlog = Backlog(limit=settings.outbox_limit)
        queries = Queries(reading)
        commits = GroupCommit(
            engine=writing,
            records=RecordMaker(instance=settings.instance, prefix=settings.topic_prefix),
            clock=now_ms,
            new_id=lambda: str(ULID()),
            committed=backlog.committed,
        )

        async def note(position: LogPosition) -> None:
            await commits.run(MarkRelayed(RELAY, position), trace="")

        relay = Relay(
            name=RELAY,
            reader=OutboxReader(engine=reading, instance=settings.instance),
            backlog=backlog,
            publishers=lambda: kafka_publisher(settings.kafka_bootstrap, settings.instance),
            note=note,
        )
        intakes = tuple(
            Intake(
                topic=settings.topic_prefix + topic,
                bootstrap=settings.kafka_bootstrap,
                effect_of=effect_of,
                run=lambda use_case: commits.run(use_case, trace=tracing.new()),
                positions=queries.positions,
            )
            for topic, effect_of in (
                ("products", product_effect),
                (f"inbox.{settings.instance}", inbox_effect),
            )
        )
        app = build_app(
            instance=settings.instance,
            gate=Gate(commits, backlog),
            queries=queries,
            checks=_checks(queries, relay, intakes),
            body_limit=settings.body_limit,
        )
        yield Service(app=app, commits=commits, relay=relay, intakes=intakes)


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


async def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT. Raises when a background task ends by itself: nothing here can go on without it."""
    async with build(settings) as service:
        server = Server(service.app, host=settings.host, port=settings.port)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, setattr, server, "should_exit", True)  # noqa: FBT003 - setattr's value
        background = [loop.create_task(run(), name=name) for name, run in service.tasks().items()]
        front = loop.create_task(server.serve(), name="http")
        log.info("service.started", instance=settings.instance, host=settings.host, port=settings.port)
        try:
            done, _ = await asyncio.wait([front, *background], return_when=asyncio.FIRST_COMPLETED)
            await _stop(service, server, front)
        finally:
            for task in background:
                task.cancel()
            await asyncio.gather(*background, return_exceptions=True)
        for task in done:
            if task is not front:
                log.error("task.died", task=task.get_name(), exc_info=task.exception())
                raise RuntimeError(f"{task.get_name()} ended") from task.exception()
        front.result()
        log.info("service.stopped", instance=settings.instance)


async def _stop(service: Service, server: Server, front: asyncio.Task[None]) -> None:
    """No new requests, then no new work, then the events of the work done, then their position."""
    server.should_exit = True
    await asyncio.wait([front])
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_S):
            await service.commits.drained()
            await service.relay.drain(timeout_s=DRAIN_S)
            await service.relay.mark_now()
