"""The way of a command into the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from order_service.api import tracing
from order_service.api.problems import OUTBOX_FULL, Problem
from order_service.commands.transaction import UseCase
from order_service.outbox.backlog import Backlog
from order_service.storage.group_commit import GroupCommit

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Gate:
    """Admits commands while the outbox has room, and runs them under the request's trace."""

    commits: GroupCommit
    backlog: Backlog

    async def run(self, use_case: UseCase[T]) -> T:
        """Raises a 503 `Problem` when the outbox is full, else as `GroupCommit.run`."""
        if self.backlog.full:
            detail = f"{self.backlog.pending} events wait for Kafka; the limit is {self.backlog.limit}"
            raise Problem(OUTBOX_FULL, detail, retry_after=1)
        return await self.commits.run(use_case, trace=tracing.current())
