"""Carries a schedule out on the parts of the running stack, from outside: signals, the supervisor, the database, a topic."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import asyncpg
from aiokafka import AIOKafkaProducer

from auditor.observations import Planted
from demo.chaos.schedule import BY_NAME, Fault
from demo.stack import Stack
from demo.supervisor.control import Snapshot, ask
from demo.supervisor.record import Record
from devservers import links
from devservers.waiting import until

READY_S = 180.0
_RUNS_S = 30.0
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

    stack: Stack
    record: Record
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
        if self.stack.links:
            with suppress(links.LinkError):  # what forwards was away, and begins anew with every link whole
                await links.strike(self.stack.links.control, links.HEAL)
        for name, part in (await self._snapshot())["parts"].items():
            if part["pid"]:
                self._send(part["pid"], signal.SIGCONT)
            if part["state"] == "stopped":
                await self._ask("start", name)
        states: dict[str, str] = {}

        async def ready() -> bool:
            states.update({name: part["state"] for name, part in (await self._status())["parts"].items()})
            return set(states.values()) == {"ready"}

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
            await self._break(fault)
        elif verb == "kill":
            self._send(await self._pid(fault.part), signal.SIGKILL)
        elif verb == "pause":
            pid = await self._pid(fault.part)
            self._send(pid, signal.SIGSTOP)
            try:
                await asyncio.sleep(fault.lasts_s)
            finally:
                self._send(pid, signal.SIGCONT)
        elif verb == "stop":
            await self._ask("stop", fault.part)
            try:
                await asyncio.sleep(fault.lasts_s)
            finally:
                await self._ask("start", fault.part)
        else:
            others: dict[str, Callable[[Fault], Awaitable[None]]] = {
                "cut-connections": self._cut,
                "lock-table": self._lock,
                "poison": self._poison,
            }
            await others[fault.kind](fault)

    async def _pid(self, part: str) -> int:
        """The process of a part, waited for while the supervisor restarts it."""
        found = 0

        async def runs() -> bool:
            nonlocal found
            found = (await self._snapshot())["parts"][part]["pid"] or 0
            return found > 0

        if not await until(runs, timeout_s=_RUNS_S):
            raise LookupError(f"{part} does not run")
        return found

    @staticmethod
    def _send(pid: int, sig: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, sig)

    async def _status(self) -> Snapshot:
        """Asks every part how it is, which takes its time while one is paused."""
        return await asyncio.to_thread(ask, self.record, {"do": "status"})

    async def _snapshot(self) -> Snapshot:
        """What the supervisor knows without asking."""
        return await asyncio.to_thread(ask, self.record, {"do": "follow"})

    async def _ask(self, what: str, part: str) -> None:
        await asyncio.to_thread(ask, self.record, {"do": what, "part": part})

    async def _break(self, fault: Fault) -> None:
        if self.stack.links is None:
            raise LookupError("the stack has no links")
        control = self.stack.links.control
        await links.strike(control, BY_NAME[fault.kind].link, link=fault.part)
        try:
            await asyncio.sleep(fault.lasts_s)
        finally:
            await links.strike(control, links.HEAL, link=fault.part)

    async def _cut(self, _fault: Fault) -> None:
        connection = await asyncpg.connect(self.stack.postgres.admin_dsn, timeout=5)
        try:
            await connection.execute(_CUT)
        finally:
            await connection.close(timeout=5)

    async def _lock(self, fault: Fault) -> None:
        connection = await asyncpg.connect(self.stack.read.owner_dsn, timeout=5)
        try:
            async with connection.transaction():
                await connection.execute(_LOCK, timeout=10)
                await asyncio.sleep(fault.lasts_s)
        finally:
            with suppress(TimeoutError):
                await connection.close(timeout=5)

    async def _poison(self, _fault: Fault) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self.stack.bootstrap, acks="all") as producer:
            where = await producer.send_and_wait("orders", b"\xff{", key=b'"\x00')
        self.planted.append(Planted(where.topic, where.partition, where.offset))
