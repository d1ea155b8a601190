"""Forgets answers and reservations of Idempotency-Keys that are older than anyone may rely on."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from order_service.adapters.storage import Database
from order_service.service_layer.errors import StorageError
from order_service.service_layer.idempotency import KEPT_MS

log = structlog.get_logger()

EVERY_S = 3600.0
CHUNK = 500
PAUSE_S = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """`serve` is the task; `expire` does it once. Expired rows have no meaning any more, so when is of no matter."""

    database: Database
    clock: Callable[[], int]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def serve(self) -> None:
        """Runs until cancelled."""
        while True:
            try:
                await self.expire()
            except StorageError as error:
                log.warning("expiry.failed", error=str(error))
            await self.sleep(EVERY_S)

    async def expire(self) -> None:
        """Delete what has expired, `CHUNK` rows in a transaction: commands wait for one of them at most."""
        before = self.clock() - KEPT_MS
        for name in ("expire_answers", "expire_claims"):
            while await self.database.execute(name, before, CHUNK) == CHUNK:
                await self.sleep(PAUSE_S)
