"""The stack of `./demo up`: its parts are processes of this machine, which the supervisor starts again."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import cached_property

from auditor import Command, Report, audit
from auditor.observations import Planted
from demo.chaos.system import to_its_end
from demo.stack import Stack
from demo.supervisor.control import Snapshot, ask
from demo.supervisor.record import Record
from devservers import links
from devservers.waiting import until

_RUNS_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Processes:
    """A `System` of `stack`, which `record` says how to ask."""

    stack: Stack
    record: Record

    @property
    def instances(self) -> Mapping[str, str]:
        """Base URL of each order instance."""
        return self.stack.orders

    @property
    def catalog_url(self) -> str:
        """Base URL of the catalog."""
        return self.stack.catalog_url

    @property
    def bootstrap(self) -> str:
        """The brokers' addresses."""
        return self.stack.bootstrap

    @property
    def admin_dsn(self) -> str:
        """The server of the read database, as its superuser."""
        return self.stack.postgres.admin_dsn

    @property
    def owner_dsn(self) -> str:
        """The read database as its owner."""
        return self.stack.read.owner_dsn

    @property
    def catalog_dsn(self) -> str:
        """The read database as the catalog's role."""
        return self.stack.read.catalog_dsn

    @property
    def links(self) -> Sequence[str]:
        """Those of a playground."""
        return self.stack.links.names if self.stack.links else ()

    @cached_property
    def parts(self) -> Sequence[str]:
        """Every part that the supervisor runs."""
        return tuple(ask(self.record, {"do": "follow"})["parts"])

    async def kill(self, part: str) -> None:
        """The supervisor starts it again."""
        _send(await self._pid(part), signal.SIGKILL)

    @asynccontextmanager
    async def paused(self, part: str) -> AsyncIterator[None]:
        """By SIGSTOP."""
        pid = await self._pid(part)
        _send(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            _send(pid, signal.SIGCONT)

    @asynccontextmanager
    async def stopped(self, part: str) -> AsyncIterator[None]:
        """By the supervisor, which starts it again."""
        try:
            await to_its_end(self._ask("stop", part))
            yield
        finally:
            await self._ask("start", part)

    @asynccontextmanager
    async def broken(self, link: str, fault: str) -> AsyncIterator[None]:
        """By what forwards between the parts of a playground."""
        if self.stack.links is None:
            raise LookupError("the stack has no links")
        control = self.stack.links.control
        await links.strike(control, fault, link=link)
        try:
            yield
        finally:
            await links.strike(control, links.HEAL, link=link)

    async def resume_all(self) -> None:
        """By what forwards, by SIGCONT, and by the supervisor."""
        if self.stack.links:
            with suppress(links.LinkError):  # what forwards was away, and begins anew with every link whole
                await links.strike(self.stack.links.control, links.HEAL)
        for name, part in (await self._snapshot())["parts"].items():
            if part["pid"]:
                _send(part["pid"], signal.SIGCONT)
            if part["state"] == "stopped":
                await self._ask("start", name)

    async def states(self) -> Mapping[str, str]:
        """Asks every part how it is, which takes its time while one is paused."""
        status = await asyncio.to_thread(ask, self.record, {"do": "status"})
        return {name: part["state"] for name, part in status["parts"].items()}

    async def audit(
        self, commands: Sequence[Command], planted: Sequence[Planted], *, wait_s: float
    ) -> Report:
        """The auditor's report."""
        return await audit(self.stack.audited, commands=commands, planted=planted, wait_s=wait_s)

    async def _pid(self, part: str) -> int:
        """The process of a part, waited for while the supervisor restarts it. Raises LookupError."""
        found = 0

        async def runs() -> bool:
            nonlocal found
            found = (await self._snapshot())["parts"][part]["pid"] or 0
            return found > 0

        if not await until(runs, timeout_s=_RUNS_S):
            raise LookupError(f"{part} does not run")
        return found

    async def _snapshot(self) -> Snapshot:
        """What the supervisor knows without asking."""
        return await asyncio.to_thread(ask, self.record, {"do": "follow"})

    async def _ask(self, what: str, part: str) -> None:
        await asyncio.to_thread(ask, self.record, {"do": what, "part": part})


def _send(pid: int, sig: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, sig)
