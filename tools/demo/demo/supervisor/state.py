"""The states of a stack and of its parts."""

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum

from demo.supervisor.graph import Part, Service
from devservers.process import ChildProcess


class State(StrEnum):
    """Of one part."""

    WAITING = "waiting"  # for the parts it comes after
    STARTING = "starting"
    READY = "ready"
    DONE = "done"  # a job
    RESTARTING = "restarting"  # died; pausing before the next try
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


class Phase(StrEnum):
    """Of the stack as a whole."""

    STARTING = "starting"
    READY = "ready"  # every part came up; the state of each tells how it is now
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(slots=True)
class PartState:
    """What the supervisor knows about one part."""

    part: Part
    state: State = State.WAITING
    began: float | None = None
    took_s: float | None = None
    restarts: int = 0
    child: ChildProcess | None = None
    wanted: bool = True
    came_up: asyncio.Event = field(default_factory=asyncio.Event)

    @classmethod
    def of(cls, part: Part) -> "PartState":
        """Before anything was started. Nobody waits for a spare."""
        spare = isinstance(part, Service) and part.spare
        found = cls(part, state=State.STOPPED if spare else State.WAITING, wanted=not spare)
        if spare:
            found.came_up.set()
        return found

    @property
    def absent(self) -> bool:
        """A spare that does not run: the stack is whole without it."""
        spare = isinstance(self.part, Service) and self.part.spare
        return spare and not self.wanted and self.state is State.STOPPED
