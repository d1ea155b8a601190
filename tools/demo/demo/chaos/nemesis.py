"""Carries a schedule out on the parts of the running stack, from outside: whoever runs them, the database, a topic."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import asyncpg
from aiokafka import AIOKafkaProducer

from auditor.observations import Planted
from demo.chaos.schedule import BY_NAME, Fault
from demo.chaos.system import System
from devservers import links
from devservers.waiting import until

READY_S = 180.0
_CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = 'read' AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)
_LOCK = "LOCK TABLE orders IN ACCESS EXCLUSIVE MODE"


CANNOT = (OSError, LookupError, links.LinkError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What carrying out a fault raises when what it would hit is away already."""


class NotHealedError(RuntimeError):
    """Not every part is ready again."""


@dataclass(slots=True, kw_only=True)
class Nemesis:
    """`strike` once; `heal` always."""

    system: System
    told: Callable[[str], None] = lambda _line: None
    planted: list[Planted] = field(default_factory=list)
    """Records it has put into topics."""
    active: set[str] = field(default_factory=set)
    """What is going on now, in words."""
    failed: list[str] = field(default_factory=list)
    """Faults that could not be carried out, since what they hit was away already."""

    async def strike(self, schedule: Sequence[Fault], *, began: float) -> None:
        """Carry out every fault at its time, seconds after `began` of the loop's clock."""
        async with asyncio.TaskGroup() as group:
            for fault in schedule:
                group.create_task(self._strike_at(fault, began + fault.at_s))

    async def heal(self) -> None:
        """Let every link pass and every part go on, and wait until all are ready.

        Raises:
            NotHealedError: see its message.
        """
        states: dict[str, str] = {}

        async def ready() -> bool:
            with suppress(*CANNOT):
                await self.system.resume_all()  # again: what was under way may have ended since
                states.update(await self.system.states())
                return set(states.values()) == {"ready"}
            return False

        if not await until(ready, timeout_s=READY_S, pause_s=0.3):
            away = ", ".join(f"{name} is {state}" for name, state in states.items() if state != "ready")
            raise NotHealedError(f"{READY_S:.0f} s after the last fault {away}")

    async def _strike_at(self, fault: Fault, due: float) -> None:
        await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
        words = str(fault).partition("  ")[2]
        self.active.add(words)
        self.told(str(fault))
        try:
            await self.carry_out(fault)
        except CANNOT as error:
            self.failed.append(f"{words}: {str(error) or type(error).__name__}")
        finally:
            self.active.discard(words)

    async def carry_out(self, fault: Fault) -> None:
        """One fault, from its beginning to its end; `at_s` does not count. Raises `CANNOT`."""
        verb = fault.kind.partition("-")[0]
        if BY_NAME[fault.kind].link:
            async with self.system.broken(fault.part, BY_NAME[fault.kind].link):
                await asyncio.sleep(fault.lasts_s)
        elif verb == "kill":
            await self.system.kill(fault.part)
        elif verb == "pause":
            async with self.system.paused(fault.part):
                await asyncio.sleep(fault.lasts_s)
        elif verb == "stop":
            async with self.system.stopped(fault.part):
                await asyncio.sleep(fault.lasts_s)
        else:
            others: dict[str, Callable[[Fault], Awaitable[None]]] = {
                "cut-connections": self._cut,
                "lock-table": self._lock,
                "poison": self._poison,
            }
            await others[fault.kind](fault)

    async def _cut(self, _fault: Fault) -> None:
        connection = await asyncpg.connect(self.system.admin_dsn, timeout=5)
        try:
            await connection.execute(_CUT)
        finally:
            await connection.close(timeout=5)

    async def _lock(self, fault: Fault) -> None:
        connection = await asyncpg.connect(self.system.owner_dsn, timeout=5)
        try:
            async with connection.transaction():
                await connection.execute(_LOCK, timeout=10)
                await asyncio.sleep(fault.lasts_s)
        finally:
            with suppress(TimeoutError):
                await connection.close(timeout=5)

    async def _poison(self, _fault: Fault) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self.system.bootstrap, acks="all") as producer:
            where = await producer.send_and_wait("orders", b"\xff{", key=b'"\x00')
        self.planted.append(Planted(where.topic, where.partition, where.offset))
