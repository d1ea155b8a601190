"""When a committed order becomes visible: asked of the read database, through the catalog's own role.

PostgreSQL tells a listener of every batch the sink commits (`NOTIFY read_model`). At each call the watcher asks, in one
indexed query, which of the orders it waits for a query can now see, and notes the time when the answer is back. So the
time is an upper bound: it holds the notification's and the question's own way, and for an order that was visible
before its client had the answer to POST, the way of that answer and up to five milliseconds too.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

CHANNEL = "read_model"
_SEEN = "SELECT order_id FROM orders WHERE order_id = ANY($1::text[])"
_ANSWERED_S = 0.005
"""How long an order that was just acknowledged waits for the next notification before it is asked for by itself."""
_AT_LEAST_EVERY_S = 1.0
"""How long the watcher relies on notifications: a lost notification costs this much and loses no order."""


class Watcher:
    """`expect` orders, then `finish`; `seen` says when each appeared, by the wall clock in seconds."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        """Ask over `connection`, which nobody else uses meanwhile."""
        self._connection = connection
        self._news = asyncio.Event()
        self._expected: set[str] = set()
        self.seen: dict[str, float] = {}

    def expect(self, order_id: str) -> None:
        """An order was acknowledged."""
        self._expected.add(order_id)
        asyncio.get_running_loop().call_later(_ANSWERED_S, self._news.set)

    def notified(self, *_notification: Any) -> None:
        """A notification has come."""
        self._news.set()

    @property
    def waiting_for(self) -> int:
        """How many orders are expected and not seen."""
        return len(self._expected)

    async def watch(self) -> None:
        """Ask whenever there is news, for ever."""
        while True:
            try:
                async with asyncio.timeout(_AT_LEAST_EVERY_S):
                    await self._news.wait()
            except TimeoutError:
                pass
            self._news.clear()
            if self._expected:
                await self._ask()

    async def finish(self, *, timeout_s: float) -> None:
        """Return when every expected order is seen or the time is over."""
        deadline = time.monotonic() + timeout_s
        while self._expected and time.monotonic() < deadline:  # noqa: ASYNC110  `watch` is what makes progress
            await asyncio.sleep(0.05)

    async def _ask(self) -> None:
        rows = await self._connection.fetch(_SEEN, list(self._expected))
        now = time.time()
        for row in rows:
            self.seen[row["order_id"]] = now
            self._expected.discard(row["order_id"])


@asynccontextmanager
async def watcher(dsn: str) -> AsyncIterator[Watcher]:
    """Watch the read database over one connection; the death of the watch surfaces when the block ends."""
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        watch = Watcher(connection)
        await connection.add_listener(CHANNEL, watch.notified)
        task = asyncio.create_task(watch.watch())
        try:
            yield watch
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if not task.cancelled():
            task.result()
    finally:
        await connection.close()
