"""Carry a command out once per Idempotency-Key, and give the same answer to every repetition."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from order_service.domain.errors import KeyReusedError
from order_service.domain.order import Order
from order_service.domain.product import Product
from order_service.service_layer.unit_of_work import Needs, StoredOutcome, Transaction, UseCase

T = TypeVar("T", Order, Product)

KEPT_MS = 24 * 3600 * 1000
"""How long an outcome is given again, and its key reserved."""


@dataclass(frozen=True, slots=True)
class RequestKey:
    """An Idempotency-Key, unique in the whole system, and the `fingerprint` of the request that it came with."""

    key: str
    fingerprint: str


class RequestRunningError(Exception):
    """A request with the same key is being carried out. Nothing was changed by this one."""


@dataclass(frozen=True, slots=True)
class KeysUnderWay:
    """The keys of the requests that this process is carrying out."""

    _keys: set[str] = field(default_factory=set)

    def alone(self, key: RequestKey | None) -> contextlib.AbstractContextManager[None]:
        """Raises `RequestRunningError` while another request with that key is within; None has no other."""
        return _ANY_NUMBER if key is None else self._alone(key.key)

    @contextlib.contextmanager
    def _alone(self, key: str) -> Iterator[None]:
        if key in self._keys:
            raise RequestRunningError("a request with this Idempotency-Key is under way")
        self._keys.add(key)
        try:
            yield
        finally:
            self._keys.discard(key)


_ANY_NUMBER = contextlib.nullcontext()


@dataclass(frozen=True, slots=True, kw_only=True)
class Once(Generic[T]):
    """The outcome is stored in the command's own transaction: neither can exist without the other.

    A refusal changes nothing and is not stored: the repetition is decided on the state it finds. Refuses with
    `KeyReusedError` when the key came with another fingerprint.

    Where the key is reserved in the whole system, `claimed_at` is the time of its reservation, and the outcome holds as
    long as that does: the clock of the reservation's owner decides about both. Without one this instance's clock does.
    """

    use_case: UseCase[T]
    key: RequestKey
    claimed_at: int | None = None

    def needs(self) -> Needs:
        """What the use case needs, and the outcome kept for the key."""
        return self.use_case.needs()._replace(outcomes=(self.key.key,))

    def decide(self, tx: Transaction) -> T:
        """The kept outcome, or that of the use case carried out now: the aggregate after it."""
        known = tx.get(StoredOutcome, self.key.key)
        since = tx.now - KEPT_MS + 1 if self.claimed_at is None else self.claimed_at
        if known is not None and known.stored_at >= since:
            return repeated(known, self.key)  # type: ignore[return-value]  # a key belongs to one route
        aggregate = self.use_case.decide(tx)
        tx.save(
            StoredOutcome(
                key=self.key.key,
                fingerprint=self.key.fingerprint,
                aggregate=aggregate.published(),
                stored_at=tx.now if self.claimed_at is None else self.claimed_at,
            )
        )
        return aggregate


def repeated(outcome: StoredOutcome, key: RequestKey) -> Order | Product:
    """The outcome, for a repetition. Raises `KeyReusedError` when it belongs to another request."""
    if outcome.fingerprint != key.fingerprint:
        raise KeyReusedError("the Idempotency-Key was used with another body")
    return outcome.aggregate
