"""Forget answers and claims of Idempotency-Keys that are older than anyone may rely on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection, delete
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from order_service.adapters.database import Database
from order_service.adapters.tables import answers, claims
from order_service.service_layer.idempotency import KEPT_MS

log = structlog.get_logger()

EVERY_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """`serve` is the task; `expire` does it once. Expired rows have no meaning any more, so when is of no matter."""

    database: Database
    clock: Callable[[], int]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def serve(self) -> None:
        while True:
            try:
                await self.expire()
            except (DBAPIError, OSError, PoolTimeoutError, TimeoutError) as error:
                log.warning("expiry.failed", error=str(error))
            await self.sleep(EVERY_S)

    async def expire(self) -> None:
        before = self.clock() - KEPT_MS

        def forget(connection: Connection) -> None:
            connection.execute(delete(answers).where(answers.c.answered_at <= before))
            connection.execute(
                delete(claims).where(claims.c.fingerprint != "", claims.c.claimed_at <= before)
            )

        await self.database.transact(forget)
