"""Carries commands out at the instance that decides about them: once per Idempotency-Key, within the outbox's limit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from order_service.domain.errors import KeyReusedError
from order_service.service_layer.backlog import Backlog
from order_service.service_layer.idempotency import Once, Reply
from order_service.service_layer.message_bus import MessageBus
from order_service.service_layer.unit_of_work import Answer, UseCase

T = TypeVar("T")


class OutboxFullError(Exception):
    """So many events wait for Kafka that no more are accepted. Nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRunner:
    """`answer_of` finds the answer kept for a key."""

    commits: MessageBus
    backlog: Backlog
    answer_of: Callable[[str], Awaitable[Answer | None]]

    async def run(
        self,
        use_case: UseCase[T],
        represent: Callable[[T], Reply],
        *,
        key: str | None,
        fingerprint: str,
        trace: str,
    ) -> Reply:
        """The answer: with a `key` the one kept for it, if there is one.

        Raises:
            DomainError: the command is refused; `KeyReusedError` when the key came with another fingerprint.
            OutboxFullError: come again later, unless there is a kept answer.
            StorageUnavailableError: it is unknown whether the command was carried out.
        """
        if self.backlog.full:
            return await self._answered_before(key, fingerprint)
        if key is None:
            return represent(await self.commits.run(use_case, trace=trace))
        once = Once(use_case=use_case, key=key, fingerprint=fingerprint, represent=represent)
        return await self.commits.run(once, trace=trace)

    async def _answered_before(self, key: str | None, fingerprint: str) -> Reply:
        known = None if key is None else await self.answer_of(key)
        if known is None:
            raise OutboxFullError(
                f"{self.backlog.pending} events wait for Kafka; the limit is {self.backlog.limit}"
            )
        if known.fingerprint != fingerprint:
            raise KeyReusedError("the Idempotency-Key was used with another body")
        return Reply(status=known.status, headers=known.headers, body=known.body)
