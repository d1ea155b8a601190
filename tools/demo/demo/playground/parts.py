"""How the parts are now, as the system says it: a part that is paused is so whoever has paused it."""

import asyncio
import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psutil

from demo.supervisor.control import ask
from demo.supervisor.record import Record

PAUSED = "paused"


@dataclass(frozen=True, slots=True, kw_only=True)
class PartState:
    """`state` is the supervisor's word, or `paused`."""

    name: str
    state: str
    url: str | None


@dataclass(frozen=True, slots=True)
class PartStates:
    """Of the stack whose supervisor has left `record`."""

    record: Record

    async def now(self) -> list[PartState]:
        """Every part that runs or should."""
        parts = await self._told()
        return [PartState(name=name, state=_state(part), url=part["url"]) for name, part in parts.items()]

    async def start(self, name: str) -> None:
        """Have a part run that does not."""
        await asyncio.to_thread(ask, self.record, {"do": "start", "part": name})

    async def stop(self, name: str) -> None:
        """Have a part stopped, in order."""
        await asyncio.to_thread(ask, self.record, {"do": "stop", "part": name})

    async def resume(self, name: str) -> None:
        """Have a part go on, be it stopped or paused."""
        part = (await self._told()).get(name)
        if part is None:
            return
        if _state(part) == PAUSED:
            with suppress(ProcessLookupError):
                os.kill(part["pid"], signal.SIGCONT)
        elif part["state"] in ("stopped", "stopping"):
            await self.start(name)

    async def _told(self) -> dict[str, Any]:
        return dict((await asyncio.to_thread(ask, self.record, {"do": "follow"}))["parts"])


def _state(part: dict[str, Any]) -> str:
    if part["pid"]:
        with suppress(psutil.Error):
            if psutil.Process(part["pid"]).status() == psutil.STATUS_STOPPED:
                return PAUSED
    return str(part["state"])
