"""How long the oldest record has waited for Kafka, and what it waits for: a metric, and a reason not to be ready."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from prometheus_client import Gauge

from order_service.adapters.outbox_reader import OutboxReader
from order_service.service_layer.errors import StorageUnavailableError
from order_service.service_layer.outbox_log import LogPosition, OldestPending

log = structlog.get_logger()

AGE = Gauge("order_outbox_oldest_seconds", "Age of the oldest record that is not in Kafka; 0 when all are")
HELD_BACK = Gauge(
    "order_outbox_held_back",
    "1 while an open transaction of the database server keeps the oldest record from being read",
)
EVERY_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxMonitor:
    """`serve` is the task that keeps the metrics; `missing` is asked by readiness. `clock` is in milliseconds since 1970.

    `position` is the relay's, None until it knows its own: nothing is said of the outbox so long.
    """

    reader: OutboxReader
    position: Callable[[], LogPosition | None]
    clock: Callable[[], int]
    max_age_s: float
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def serve(self) -> None:
        """Runs until cancelled."""
        while True:
            try:
                if reason := await self.missing():
                    log.error("outbox.overdue", reason=reason)
            except StorageUnavailableError as error:
                log.warning("outbox.unobserved", error=str(error))
            await self.sleep(EVERY_S)

    async def missing(self) -> str | None:
        """What keeps a record from Kafka for longer than `max_age_s`. Raises `StorageUnavailableError`."""
        if (position := self.position()) is None:
            return None
        oldest = await self.reader.oldest(position)
        age_s = 0.0 if oldest is None else max(0.0, (self.clock() - oldest.committed_at) / 1000)
        AGE.set(age_s)
        HELD_BACK.set(oldest is not None and oldest.held_back)
        if oldest is None or age_s <= self.max_age_s:
            return None
        return f"a record for {oldest.topic} has waited {age_s:.0f} s: {_cause(oldest)}"


def _cause(oldest: OldestPending) -> str:
    if oldest.set_aside is not None:
        return oldest.set_aside
    if oldest.held_back:
        return (
            "an open transaction of the PostgreSQL server holds it back (pg_stat_activity, pg_prepared_xacts)"
        )
    return "its turn has not come"
