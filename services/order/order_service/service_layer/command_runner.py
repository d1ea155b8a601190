"""Carries commands out at the instance that decides about them: once per Idempotency-Key, within the outbox's limit."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from order_service.domain.order import Order
from order_service.domain.product import Product
from order_service.service_layer.backlog import Backlog
from order_service.service_layer.idempotency import Once, RequestKey, repeated
from order_service.service_layer.message_bus import MessageBus
from order_service.service_layer.unit_of_work import StoredOutcome, UseCase

T = TypeVar("T", Order, Product)


class OutboxFullError(Exception):
    """So many events wait for Kafka that no more are accepted. Nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRunner:
    """`outcome_of` finds the outcome kept for a key."""

    commits: MessageBus
    backlog: Backlog
    outcome_of: Callable[[str], Awaitable[StoredOutcome | None]]

    async def run(
        self,
        use_case: UseCase[T],
        *,
        key: RequestKey | None,
        claimed_at: int | None = None,
        trace: str,
    ) -> T:
        """The aggregate after the command: with a `key` as it was the first time, if it is kept.

        `claimed_at` is when the key was reserved, if keys of this command are (`Once`).

        Raises:
            DomainError: the command is refused; `KeyReusedError` when the key came with another fingerprint.
            OutboxFullError: come again later, unless there is a kept outcome.
            StorageUnavailableError: it is unknown whether the command was carried out.
        """
        if self.backlog.full:
            return await self._kept(key, claimed_at)  # type: ignore[return-value]  # a key belongs to one route
        if key is None:
            return await self.commits.run(use_case, trace=trace)
        once = Once(use_case=use_case, key=key, claimed_at=claimed_at)
        return await self.commits.run(once, trace=trace)

    async def _kept(self, key: RequestKey | None, claimed_at: int | None) -> Order | Product:
        if key is not None:
            known = await self.outcome_of(key.key)
            if known is not None and (claimed_at is None or known.stored_at >= claimed_at):
                return repeated(known, key)
        raise OutboxFullError(
            f"{self.backlog.pending} events wait for Kafka; the limit is {self.backlog.limit}"
        )
