"""How much of the outbox is not yet in Kafka. Admission asks it, the relay sleeps on it."""

import asyncio
import contextlib
from dataclasses import dataclass, field

from prometheus_client import Gauge

PENDING = Gauge("order_outbox_pending", "Records committed and not yet acknowledged by Kafka")


@dataclass(slots=True)
class Backlog:
    """A count kept in memory beside the truth in the database, which the relay sets right with `recounted`."""

    limit: int
    pending: int = 0
    _grown: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def full(self) -> bool:
        """No more commands are to be accepted until the relay catches up."""
        return self.pending >= self.limit

    def committed(self, records: int) -> None:
        """Called right after a commit."""
        if records:
            self._set(self.pending + records)
            self._grown.set()

    def published(self, records: int) -> None:
        """So many are in Kafka now, or set aside."""
        self._set(max(self.pending - records, 0))

    def recounted(self, records: int) -> None:
        """So many are pending by the database's own count."""
        self._set(records)

    async def grown(self, *, timeout_s: float) -> bool:
        """Wait for the next commit, at most `timeout_s`. A commit since the last call counts."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._grown.wait()
                self._grown.clear()
                return True
        return False

    def _set(self, pending: int) -> None:
        self.pending = pending
        PENDING.set(pending)
