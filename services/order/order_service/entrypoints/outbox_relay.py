"""The relay: publishes the outbox in commit order, at least once.

It wakes at once after a commit. When Kafka fails it goes back to the last position that was acknowledged and goes on
with a new producer, so a record may be sent twice but never left out, and the order per key holds from any point on.
Two relays on one outbox double records and do no other harm: consumers drop by `version`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from time import monotonic

import structlog
from aiokafka.errors import KafkaError
from prometheus_client import Counter
from sqlalchemy.exc import DBAPIError

from order_service.adapters.errors import StorageUnavailableError
from order_service.adapters.kafka.publisher import Publisher
from order_service.adapters.outbox_reader import LoggedRecord, LogPosition, OutboxReader
from order_service.service_layer.backlog import Backlog

log = structlog.get_logger()

PUBLISHED = Counter("order_outbox_published_total", "Records acknowledged by Kafka")
RESTARTS = Counter(
    "order_relay_restarts_total", "Times the relay went back to its position with a new producer"
)

BATCH = 2_000
IDLE_S = 1.0  # how often an idle relay looks for rows that another process has committed
HELD_BACK_FIRST_S = 0.002  # how soon it looks again for rows that a transaction under way holds back
HELD_BACK_MOST_S = 0.1
MARK_EVERY_S = 0.2
RETRY_FIRST_S = 0.1
RETRY_MOST_S = 5.0


def retry_pause_s(failures: int) -> float:
    """Doubles from `RETRY_FIRST_S` up to `RETRY_MOST_S`."""
    return min(RETRY_FIRST_S * 2.0 ** max(failures - 1, 0), RETRY_MOST_S)


@dataclass(slots=True, kw_only=True)
class Relay:
    """`serve` publishes, `mark` notes the position; both are tasks of their own. `name` is the position's key."""

    name: str
    reader: OutboxReader
    backlog: Backlog
    publishers: Callable[[], AbstractAsyncContextManager[Publisher]]
    note: Callable[[LogPosition], Awaitable[None]]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    position: LogPosition = field(default_factory=LogPosition)
    connected: bool = False
    _noted: LogPosition = field(default_factory=LogPosition)
    _failures: int = 0
    _held_back_s: float = HELD_BACK_FIRST_S

    async def serve(self) -> None:
        """Publish for ever; ends only by cancellation or by a defect."""
        started = False
        while True:
            try:
                if not started:
                    self.position = self._noted = await self.reader.relayed(self.name)
                    self.backlog.recounted(await self.reader.pending(self.position))
                    started = True
                async with self.publishers() as publisher:
                    self.connected = True
                    await self._publish(publisher)
            except (KafkaError, TimeoutError, OSError, DBAPIError) as error:
                self._failures += 1
                RESTARTS.inc()
                log.warning(
                    "relay.restarts", error=repr(error), failures=self._failures, position=self.position.id
                )
            finally:
                self.connected = False
            await self.sleep(retry_pause_s(self._failures))

    async def mark(self) -> None:
        """Note the position every now and then: what is published again after a crash is bounded by it."""
        while True:
            await self.sleep(MARK_EVERY_S)
            await self.mark_now()

    async def mark_now(self) -> None:
        position = self.position
        if position == self._noted:
            return
        try:
            await self.note(position)
            self._noted = position
        except StorageUnavailableError as error:
            log.warning("relay.mark-failed", error=str(error), position=position.id)

    async def drain(self, *, timeout_s: float) -> None:
        """Give the relay time to publish what is committed. For a graceful stop."""
        deadline = monotonic() + timeout_s
        while self.backlog.pending and self.connected and monotonic() < deadline:
            await self.sleep(0.01)

    async def _publish(self, publisher: Publisher) -> None:
        records = await self._after(self.position)
        while True:
            if not records:
                await self._wait()
                records = await self._after(self.position)
                continue
            # What is behind them is read while they are on their way; they are acknowledged before it is sent.
            sent, end = len(records), records[-1].position
            if sent == BATCH or self.backlog.pending > sent:
                _, records = await asyncio.gather(publisher.publish(records), self._after(end))
            else:
                await publisher.publish(records)
                records = []
            self.position = end
            self.backlog.published(sent)
            PUBLISHED.inc(sent)
            self._failures = 0

    async def _after(self, position: LogPosition) -> list[LoggedRecord]:
        return await self.reader.after(position, limit=BATCH)

    async def _wait(self) -> None:
        """Until the next commit; sooner when rows are held back, later when nothing happens at all."""
        held_back = self.backlog.pending > 0
        if await self.backlog.grown(timeout_s=self._held_back_s if held_back else IDLE_S):
            self._held_back_s = HELD_BACK_FIRST_S
            return
        self._held_back_s = min(self._held_back_s * 2, HELD_BACK_MOST_S)
        self.backlog.recounted(await self.reader.pending(self.position))
