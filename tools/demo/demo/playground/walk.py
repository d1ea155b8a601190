"""One order at a time through the legs: held in the outbox, in Kafka, in the sink's transaction, by pausing what comes next."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from math import inf

import asyncpg
import httpx

from demo.chaos.nemesis import Nemesis
from demo.chaos.schedule import Fault
from demo.playground.faults import strike_now
from demo.playground.parts import PAUSED, PartStates
from devservers.waiting import until

HELD = ("outbox", "kafka", "sink")
"""Where an order is held, in this order; afterwards it is visible."""
CONNECTOR = "orders"
LONGEST_S = 600.0
"""So long it is held at a leg before it goes on by itself."""
_ANSWERED_S = 60.0
_TAKEN_S = 30.0
# Against writers alone: queries are answered, with what was there before.
_LOCK = "LOCK TABLE orders IN EXCLUSIVE MODE"
_WAITERS = "SELECT count(*) FROM pg_locks WHERE relation = 'orders'::regclass AND NOT granted"


class WalkError(RuntimeError):
    """What has to be held does not stop, or does not go on."""


@dataclass(slots=True, kw_only=True)
class Walk:
    """`run` once; `next` lets the order go on from where it is held."""

    nemesis: Nemesis
    parts: PartStates
    http: httpx.AsyncClient
    sink_url: str
    owner_dsn: str = field(repr=False)
    at: str | None = None
    """Where an order is held now; None on the way from one to the next."""
    _next: asyncio.Event = field(default_factory=asyncio.Event)

    def next(self) -> None:
        """Let it go on."""
        self._next.set()

    async def run(self) -> None:
        """Hold and let go, leg by leg. However it ends, nothing stays paused.

        Raises:
            WalkError: see its message.
        """
        async with AsyncExitStack() as rows, AsyncExitStack() as sink, AsyncExitStack() as brokers:
            await sink.enter_async_context(self._connector_paused())
            await brokers.enter_async_context(self._brokers_paused())
            await self._hold("outbox")
            await brokers.aclose()
            await self._hold("kafka")
            taken = await rows.enter_async_context(self._table_locked())
            await sink.aclose()
            await until(taken, timeout_s=_TAKEN_S)
            await self._hold("sink")

    async def _hold(self, leg: str) -> None:
        self._next.clear()
        self.at = leg
        try:
            async with asyncio.timeout(LONGEST_S):
                await self._next.wait()
        except TimeoutError:
            return
        finally:
            self.at = None

    @asynccontextmanager
    async def _brokers_paused(self) -> AsyncIterator[None]:
        """No broker answers: what is committed waits in the outboxes."""
        brokers = [part.name for part in await self.parts.now() if part.name.startswith("kafka-")]
        faults = [Fault(at_s=0.0, kind="pause-broker", part=name, lasts_s=inf) for name in brokers]
        striking = asyncio.create_task(strike_now(self.nemesis, faults))

        async def paused() -> bool:
            return {part.state for part in await self.parts.now() if part.name in brokers} == {PAUSED}

        try:
            if not await until(paused, timeout_s=_ANSWERED_S):
                raise WalkError("the brokers do not stop")
            yield
        finally:
            striking.cancel()
            await asyncio.wait({striking})

    @asynccontextmanager
    async def _connector_paused(self) -> AsyncIterator[None]:
        """The sink reads no order from Kafka."""
        try:
            await self._command("pause", "PAUSED")
            yield
        finally:
            await self._command("resume", "RUNNING")

    async def _command(self, word: str, wanted: str) -> None:
        """Kafka Connect's REST, asked until it is so: brokers that have just woken up need their time."""
        where = f"{self.sink_url}/connectors/{CONNECTOR}"

        async def done() -> bool:
            try:
                status = (await self.http.get(f"{where}/status", timeout=5)).raise_for_status().json()
                if {part["state"] for part in (status["connector"], *status["tasks"])} == {wanted}:
                    return True
                await self.http.put(f"{where}/{word}", timeout=5)
            except (httpx.HTTPError, ValueError, LookupError):
                return False
            return False

        if not await until(done, timeout_s=_ANSWERED_S, pause_s=0.2):
            raise WalkError(f"the connector {CONNECTOR} does not {word}")

    @asynccontextmanager
    async def _table_locked(self) -> AsyncIterator["_Taken"]:
        """The sink's transaction waits for the table; gives whether one does."""
        connection = await asyncpg.connect(self.owner_dsn, timeout=5)
        try:
            async with connection.transaction():
                await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
                await connection.execute(_LOCK, timeout=10)
                yield _Taken(connection)
        finally:
            await connection.close(timeout=5)


@dataclass(frozen=True, slots=True)
class _Taken:
    connection: asyncpg.Connection

    async def __call__(self) -> bool:
        return bool(await self.connection.fetchval(_WAITERS))
