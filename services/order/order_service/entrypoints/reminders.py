"""Finds the orders that are owed an answer for too long, and has their owners asked again."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from order_service.domain.errors import DomainError
from order_service.service_layer.errors import StorageUnavailableError
from order_service.service_layer.unit_of_work import UseCase
from order_service.service_layer.use_cases.send_reminders import SendReminders

log = structlog.get_logger()

BATCH = 200
EVERY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReminderScheduler:
    """`serve` is the task. `overdue` finds the orders, at most as many as it is asked for."""

    overdue: Callable[[int], Awaitable[list[str]]]
    run: Callable[[UseCase[None]], Awaitable[None]]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def serve(self) -> None:
        """Runs until cancelled. What the database does not do now is done a second later."""
        while True:
            await self.sleep(EVERY_S)
            try:
                while order_ids := await self.overdue(BATCH):
                    log.info("reminders.sent", orders=len(order_ids))
                    await self.run(SendReminders(tuple(order_ids)))
            except (StorageUnavailableError, DomainError) as error:
                log.warning("reminders.failed", error=str(error))
