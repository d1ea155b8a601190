"""Carry a command out once per Idempotency-Key, and give the same answer to every repetition."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from order_service.domain.errors import KeyReusedError
from order_service.domain.order import Order
from order_service.domain.product import Product
from order_service.service_layer.unit_of_work import Needs, StoredOutcome, Transaction, UseCase

T = TypeVar("T", Order, Product)

KEPT_MS = 24 * 3600 * 1000
"""How long an outcome is given again, and its key reserved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Once(Generic[T]):
    """The outcome is stored in the command's own transaction: neither can exist without the other.

    A refusal changes nothing and is not stored: the repetition is decided on the state it finds. Refuses with
    `KeyReusedError` when the key came with another `fingerprint`.

    Where the key is reserved in the whole system, `claimed_at` is the time of its reservation, and the outcome holds as
    long as that does: the clock of the reservation's owner decides about both. Without one this instance's clock does.
    """

    use_case: UseCase[T]
    key: str
    fingerprint: str
    claimed_at: int | None = None

    def needs(self) -> Needs:
        """What the use case needs, and the outcome kept for the key."""
        return replace(self.use_case.needs(), outcomes=(self.key,))

    def decide(self, tx: Transaction) -> T:
        """The kept outcome, or that of the use case carried out now: the aggregate after it."""
        known = tx.get(StoredOutcome, self.key)
        since = tx.now - KEPT_MS + 1 if self.claimed_at is None else self.claimed_at
        if known is not None and known.stored_at >= since:
            return repeated(known, self.fingerprint)  # type: ignore[return-value]  # a key belongs to one route
        aggregate = self.use_case.decide(tx)
        tx.save(
            StoredOutcome(
                key=self.key,
                fingerprint=self.fingerprint,
                aggregate=aggregate.published(),
                stored_at=tx.now if self.claimed_at is None else self.claimed_at,
            )
        )
        return aggregate


def repeated(outcome: StoredOutcome, fingerprint: str) -> Order | Product:
    """The outcome, for a repetition. Raises `KeyReusedError` when it belongs to another request."""
    if outcome.fingerprint != fingerprint:
        raise KeyReusedError("the Idempotency-Key was used with another body")
    return outcome.aggregate
