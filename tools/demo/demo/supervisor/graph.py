"""What a stack is made of: services that keep running, jobs that run once, and what must come before what."""

import signal
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

Probe = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A process that runs for as long as the stack does and is restarted when it dies.

    A `spare` is started only when it is asked for, and is no part of the stack while it does not run.
    """

    name: str
    command: tuple[str, ...]
    ready: Probe
    after: frozenset[str] = frozenset()
    env: Mapping[str, str] = field(default_factory=dict, repr=False)  # passwords are in it
    user: str | None = None
    url: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    grace_s: float = 10.0
    spare: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A step that runs to its end once per start; those after it wait. Raises JobError when it cannot."""

    name: str
    run: Callable[[Path], Awaitable[None]]
    after: frozenset[str] = frozenset()


Part = Service | Job


class JobError(RuntimeError):
    """A job did not do its work; the message says why."""


class GraphError(ValueError):
    """The parts do not fit together: a duplicate, an unknown name or a circle."""


@dataclass(frozen=True, slots=True)
class Graph:
    """The parts of a stack, checked, in an order in which each follows what it needs."""

    parts: tuple[Part, ...]

    @classmethod
    def of(cls, parts: Iterable[Part]) -> "Graph":
        """Check and sort `parts`; raises GraphError."""
        listed = list(parts)
        by_name = {part.name: part for part in listed}
        if len(by_name) != len(listed):
            raise GraphError("two parts share a name")
        for part in listed:
            if unknown := part.after - by_name.keys():
                raise GraphError(f"{part.name} comes after {', '.join(sorted(unknown))}, which is no part")
        try:
            order = TopologicalSorter({part.name: part.after for part in listed}).static_order()
            return cls(tuple(by_name[name] for name in order))
        except CycleError as error:
            raise GraphError(f"parts wait for each other: {' → '.join(error.args[1])}") from error

    @property
    def services(self) -> tuple[Service, ...]:
        """The parts that keep running."""
        return tuple(part for part in self.parts if isinstance(part, Service))

    def dependents(self, name: str) -> frozenset[str]:
        """Names of the services that need `name`, directly or through others, and so stop before it."""
        found: set[str] = set()
        for part in self.parts:  # sorted: whatever leads from `name` to `part` was looked at before
            if name in part.after or found & part.after:
                found.add(part.name)
        return frozenset(service.name for service in self.services if service.name in found)
