"""Finds the orders that are owed an answer for too long, and has their owners asked again."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic

import structlog

from order_service.domain.errors import DomainError
from order_service.service_layer.errors import StorageUnavailableError
from order_service.service_layer.unit_of_work import UseCase
from order_service.service_layer.use_cases.send_reminders import SendReminders

log = structlog.get_logger()

BATCH = 200
EVERY_S = 1.0
FAILED_EVERY_S = 60.0
"""How often those are tried again of which nothing can be asked."""


@dataclass(slots=True, kw_only=True)
class ReminderScheduler:
    """`serve` is the task. `overdue` finds the orders, at most as many as it is asked for."""

    overdue: Callable[[int], Awaitable[list[str]]]
    run: Callable[[UseCase[frozenset[str]]], Awaitable[frozenset[str]]]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    time: Callable[[], float] = monotonic
    _failed: set[str] = field(default_factory=set)
    _forget_at: float = 0.0

    async def serve(self) -> None:
        """Runs until cancelled. What the database does not do now is done a second later."""
        while True:
            await self.sleep(EVERY_S)
            try:
                await self._remind()
            except StorageUnavailableError as error:
                log.warning("reminders.failed", error=str(error))
            except Exception:  # a defect here must not take the instance's commands along
                log.exception("reminders.broken")

    async def _remind(self) -> None:
        """Until no order is overdue but those that failed, which stay so."""
        if self.time() >= self._forget_at:
            self._failed.clear()
            self._forget_at = self.time() + FAILED_EVERY_S
        while True:
            found = await self.overdue(BATCH + len(self._failed))
            order_ids = tuple([each for each in found if each not in self._failed][:BATCH])
            if not order_ids:
                return
            log.info("reminders.sent", orders=len(order_ids))
            try:
                self._failed |= await self.run(SendReminders(order_ids))
            except DomainError:  # the database does not take what becomes of one of them
                for order_id in order_ids:
                    await self._remind_of(order_id)

    async def _remind_of(self, order_id: str) -> None:
        try:
            self._failed |= await self.run(SendReminders((order_id,)))
        except DomainError as error:
            log.warning("reminder.failed", order_id=order_id, error=str(error))
            self._failed.add(order_id)
