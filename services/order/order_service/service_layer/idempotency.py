"""Carry a command out once per Idempotency-Key, and give the same answer to every repetition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from order_service.domain.errors import KeyReusedError
from order_service.service_layer.unit_of_work import Answer, Needs, Transaction, UseCase

T = TypeVar("T")

KEPT_MS = 24 * 3600 * 1000
"""How long an answer is given again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer to a command, as it is stored and repeated."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Once(Generic[T]):
    """The answer is stored in the command's own transaction: neither can exist without the other.

    A refusal changes nothing and is not stored: the repetition is decided on the state it finds. Refuses with
    `KeyReusedError` when the key came with another `fingerprint`.
    """

    use_case: UseCase[T]
    key: str
    fingerprint: str
    represent: Callable[[T], Reply]

    def needs(self) -> Needs:
        """What the use case needs, and the answer kept for the key."""
        return replace(self.use_case.needs(), answers=(self.key,))

    def decide(self, tx: Transaction) -> Reply:
        """The kept answer, or that of the use case carried out now."""
        known = tx.get(Answer, self.key)
        if known is not None and known.answered_at > tx.now - KEPT_MS:
            if known.fingerprint != self.fingerprint:
                raise KeyReusedError("the Idempotency-Key was used with another body")
            return Reply(status=known.status, headers=known.headers, body=known.body)
        reply = self.represent(self.use_case.decide(tx))
        tx.save(
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
