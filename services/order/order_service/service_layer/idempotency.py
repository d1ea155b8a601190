"""Carry a command out once per Idempotency-Key, and give the same answer to every repetition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from order_service.domain.errors import KeyReusedError
from order_service.service_layer.unit_of_work import Answer, Needs, Transaction, UseCase

T = TypeVar("T")

KEPT_MS = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the caller is told, as it is stored and repeated."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Once(Generic[T]):
    """The answer is stored in the command's own transaction: neither can exist without the other.

    A refusal changes nothing and is not stored: the repetition is decided on the state it finds. Refuses with
    `KeyReused` when the key came with another `fingerprint`.
    """

    use_case: UseCase[T]
    key: str
    fingerprint: str
    represent: Callable[[T], Reply]

    def needs(self) -> Needs:
        needs = self.use_case.needs()
        return Needs(orders=needs.orders, products=needs.products, offers=needs.offers, answers=(self.key,))

    def decide(self, tx: Transaction) -> Reply:
        known = tx.answer(self.key)
        if known is not None and known.answered_at > tx.now - KEPT_MS:
            if known.fingerprint != self.fingerprint:
                raise KeyReusedError("the Idempotency-Key was used with another body")
            return Reply(status=known.status, headers=known.headers, body=known.body)
        reply = self.represent(self.use_case.decide(tx))
        tx.save_answer(
            Answer(
                key=self.key,
                fingerprint=self.fingerprint,
                status=reply.status,
                headers=reply.headers,
                body=reply.body,
                answered_at=tx.now,
            )
        )
        return reply
