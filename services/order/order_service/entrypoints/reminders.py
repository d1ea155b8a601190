"""Ask again where an answer is owed: the cure for whatever a message may suffer on its way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from order_service.adapters.errors import StorageUnavailableError
from order_service.service_layer.unit_of_work import Needs, Transaction, UseCase

log = structlog.get_logger()

BATCH = 200
EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class SendReminders:
    """Send the requests of these orders once more, as far as they are still open."""

    order_ids: tuple[str, ...]

    def needs(self) -> Needs:
        return Needs(orders=self.order_ids)

    def decide(self, tx: Transaction) -> None:
        for order_id in self.order_ids:
            order = tx.order(order_id)
            if order is None or order.ask_again_at is None or order.ask_again_at > tx.now:
                continue  # answered meanwhile
            tx.save_order(order.ask_again(at=tx.now))
            for request in order.requests():
                tx.send(request)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReminderScheduler:
    """`serve` is the task. `overdue` finds the orders, at most as many as it is asked for."""

    overdue: Callable[[int], Awaitable[list[str]]]
    run: Callable[[UseCase[None]], Awaitable[None]]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def serve(self) -> None:
        while True:
            await self.sleep(EVERY_S)
            try:
                while order_ids := await self.overdue(BATCH):
                    log.info("saga.asks-again", orders=len(order_ids))
                    await self.run(SendReminders(tuple(order_ids)))
            except StorageUnavailableError as error:
                log.warning("saga.cannot-ask", error=str(error))
