"""Sending orders at a steady rate, whatever the answers take: an open loop.

Each order has the time it is due from the start on. A system that stalls delays the answers to all the orders that
come due meanwhile, and each of them is charged for it: `answer_s` counts from the time due, not from the time sent.
"""

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import cycle
from types import MappingProxyType
from typing import NamedTuple

import aiohttp
import msgspec

from auditor.observations import Command, canonical
from loadgen.seed_data import Basket

IN_FLIGHT = 512
"""More orders than this under way at once, and the next ones wait (which counts as part of their answer's time)."""
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_CLIENT_ERROR, _SERVER_ERROR = 400, 500
# A server closes connections that idle for 5 s. A client that lets go of them first never sends an order into one that
# is being closed, of which it could not say what became of it.
_KEEP_ALIVE_S = 2.0


def load_client(
    *, timeout_s: float, headers: Mapping[str, str] = NO_HEADERS, cafile: str | None = None
) -> aiohttp.ClientSession:
    """The HTTP client of a load; `timeout_s` bounds the wait for a connection and the wait for an answer.

    `headers` go with every request; `cafile` holds the authority of instances that speak https.

    aiohttp, because a load shares the machine with what it measures: it takes a fifth of httpx's processor time.
    """
    return aiohttp.ClientSession(
        headers=headers,
        connector=aiohttp.TCPConnector(
            limit=IN_FLIGHT,
            keepalive_timeout=_KEEP_ALIVE_S,
            ssl=ssl.create_default_context(cafile=cafile) if cafile else True,
        ),
        timeout=aiohttp.ClientTimeout(total=None, connect=timeout_s, sock_read=timeout_s),
    )


class _End(NamedTuple):
    outcome: str
    reason: str
    order_id: str | None = None
    placed_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """An order and what became of it. Times are seconds; `placed_at` is the service's own, by the wall clock."""

    number: int
    instance: str
    basket: Basket
    late_s: float
    answer_s: float = 0.0
    outcome: str = "unknown"
    reason: str = ""
    order_id: str | None = None
    placed_at: float | None = None

    def ended(self, end: _End, *, after_s: float) -> "Sent":
        """The same order with what became of it."""
        return replace(
            self,
            answer_s=after_s,
            outcome=end.outcome,
            reason=end.reason,
            order_id=end.order_id,
            placed_at=end.placed_at,
        )

    def command(self) -> Command:
        """As a line of the journal."""
        return Command(
            self.number, self.outcome, self.order_id, self.basket.user_id, canonical(self.basket.lines)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Generator:
    """Sends to each of `instances` (name → URL) in turn; `answered` is called with every order's end."""

    client: aiohttp.ClientSession
    instances: Mapping[str, str]
    answered: Callable[[Sent], None]

    async def send_all(self, *, orders: int, rate: float, draw: Callable[[], Basket]) -> list[Sent]:
        """Send `orders` baskets, `rate` per second; in the order of their numbers when all are answered."""
        slots = asyncio.Semaphore(IN_FLIGHT)
        turns = cycle(self.instances.items())
        start = time.monotonic()
        async with asyncio.TaskGroup() as group:
            tasks = []
            for number in range(orders):
                due = start + number / rate
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                await slots.acquire()
                task = group.create_task(self._send(number, due=due, to=next(turns), basket=draw()))
                task.add_done_callback(lambda _: slots.release())
                tasks.append(task)
        return [task.result() for task in tasks]

    async def _send(self, number: int, *, due: float, to: tuple[str, str], basket: Basket) -> Sent:
        instance, url = to
        sent = Sent(number=number, instance=instance, basket=basket, late_s=time.monotonic() - due)
        try:
            async with self.client.post(f"{url}/orders", json=basket.as_json()) as answer:
                ended = _ended(answer.status, await answer.read())
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            ended = _End("failed", type(error).__name__)  # it never left: nothing can have come of it
        except aiohttp.ClientError as error:
            ended = _End("unknown", type(error).__name__)
        except asyncio.CancelledError:  # it may have arrived all the same: the journal must not miss it
            self.answered(sent.ended(_End("unknown", "interrupted"), after_s=time.monotonic() - due))
            raise
        sent = sent.ended(ended, after_s=time.monotonic() - due)
        self.answered(sent)
        return sent


class _Accepted(msgspec.Struct):
    order_id: str
    placed_at: datetime


class _Problem(msgspec.Struct):
    type: str = ""


def _ended(status: int, body: bytes) -> _End:
    """2xx is ok, 4xx failed, 5xx unknown: a command that was not answered may have happened."""
    try:
        if status < _CLIENT_ERROR:
            order = msgspec.json.decode(body, type=_Accepted)
            return _End("ok", "", order.order_id, order.placed_at.timestamp())
        problem = msgspec.json.decode(body, type=_Problem).type
    except (ValueError, RecursionError):
        if status < _CLIENT_ERROR:
            return _End("unknown", f"{status} with an answer that cannot be read")
        problem = ""
    kind = "unknown" if status >= _SERVER_ERROR else "failed"
    return _End(kind, f"{status} {problem}".strip())
