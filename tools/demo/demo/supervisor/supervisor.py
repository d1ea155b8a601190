"""The supervisor: starts the parts of a graph in order, restarts those that die, stops them in the reverse order."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf
from typing import NoReturn

from demo.home import REPOSITORY, Home
from demo.supervisor.event_log import EventLog
from demo.supervisor.graph import Graph, Job, Part, Service
from demo.supervisor.record import ProcessId
from devservers.process import ChildProcess, describe_exit, tail
from devservers.waiting import until

FIRST_READY_TIMEOUT_S = 180.0
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 15.0
HEALTHY_AFTER_S = 30.0
PROBE_PAUSE_S = 0.15


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


class StartError(RuntimeError):
    """A part did not come up; the message ends with its last log lines."""


@dataclass(slots=True)
class Keeping:
    """What the supervisor knows about one part."""

    part: Part
    state: State = State.WAITING
    began: float | None = None
    took_s: float | None = None
    restarts: int = 0
    child: ChildProcess | None = None
    wanted: bool = True
    came_up: asyncio.Event = field(default_factory=asyncio.Event)


def pause_before_restart(*, failures: int) -> float:
    """Seconds to wait after the `failures`-th death in a row: doubling, bounded, for ever."""
    return min(FIRST_PAUSE_S * 2.0 ** min(failures - 1, 10), LONGEST_PAUSE_S)


class _StopRequestedError(Exception):
    """Ends the task group when the stack is to stop."""


class Supervisor:
    """Owns the processes of one stack, from `run` until it returns."""

    def __init__(
        self,
        *,
        graph: Graph,
        home: Home,
        env: Mapping[str, str],
        events: EventLog,
        on_children: Callable[[tuple[ProcessId, ...]], None],
    ) -> None:
        """Keep the parts of `graph`, which log into `home`.

        A service without an environment of its own gets `env`. `on_children` is called with all living processes whenever
        one starts or ends.
        """
        self._graph = graph
        self._home = home
        self._env = env
        self._events = events
        self._on_children = on_children
        self._kept = {part.name: Keeping(part) for part in graph.parts}
        self._changed = asyncio.Condition()
        self._stop_requested = asyncio.Event()
        self.phase = Phase.STARTING
        self.failure: str | None = None

    @property
    def parts(self) -> tuple[Keeping, ...]:
        """What is known of every part, in the order of the graph."""
        return tuple(self._kept.values())

    async def run(self) -> None:
        """Start everything and keep it running until `request_stop` or until a part fails to come up at first.

        Whatever ends it, no process is left when it returns; `phase` and `failure` tell which it was.
        """
        self._events.write("stack.starting")
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._raise_when_stop_is_requested())
                group.create_task(self._announce())
                for kept in self._kept.values():
                    group.create_task(self._keep(kept), name=kept.part.name)
        except* _StopRequestedError:
            pass
        except* StartError as errors:
            self.failure = "\n".join(str(error) for error in errors.exceptions)
        finally:
            self._events.write("stack.stopping", reason="failure" if self.failure else "request")
            await self._enter(Phase.STOPPING)
            await self._stop_all()
            self._events.write("stack.stopped")
            await self._enter(Phase.FAILED if self.failure else Phase.STOPPED)

    def request_stop(self) -> None:
        """Let `run` stop everything and return."""
        self._stop_requested.set()

    async def stop_part(self, name: str) -> None:
        """Stop one service and keep it stopped. KeyError when no service has that name."""
        service, kept = self._service(name), self._kept[name]
        await self._want(kept, wanted=False)
        await self._stop_child(kept, service)
        await self._until(lambda: kept.state is State.STOPPED)

    async def start_part(self, name: str) -> None:
        """Let a stopped service run again; it is ready later. KeyError when no service has that name."""
        await self._want(self._kept[self._service(name).name], wanted=True)

    async def changes(self) -> None:
        """Wait for the next change of the phase or of any part's state."""
        async with self._changed:
            await self._changed.wait()

    def _service(self, name: str) -> Service:
        part = self._kept[name].part
        if isinstance(part, Job):
            raise KeyError(name)
        return part

    async def _raise_when_stop_is_requested(self) -> None:
        await self._stop_requested.wait()
        raise _StopRequestedError

    async def _announce(self) -> None:
        for kept in self._kept.values():
            await kept.came_up.wait()
        self._events.write("stack.ready")
        await self._enter(Phase.READY)

    async def _keep(self, kept: Keeping) -> None:
        for name in kept.part.after:
            await self._kept[name].came_up.wait()
        kept.began = time.monotonic()
        await self._set(kept, State.STARTING)
        if isinstance(kept.part, Job):
            await self._run_job(kept, kept.part)
        else:
            await self._run_service(kept, kept.part)

    async def _run_job(self, kept: Keeping, job: Job) -> None:
        try:
            await job.run(self._home.log(job.name))
        except Exception as error:  # noqa: BLE001  whatever stopped it, the stack cannot come up without it
            await self._fail(kept, f"failed: {error}")
        await self._came_up(kept, State.DONE)

    async def _run_service(self, kept: Keeping, service: Service) -> None:
        failures = 0
        while True:
            if not kept.wanted:
                self._events.write("part.stopped", part=service.name)
                await self._set(kept, State.STOPPED)
                await self._until(lambda: kept.wanted)
            born = time.monotonic()
            code = await self._live(kept, service)
            if not kept.wanted:
                continue
            if not kept.came_up.is_set():
                await self._fail(kept, f"ended with {describe_exit(code)}")
            failures = 1 if time.monotonic() - born > HEALTHY_AFTER_S else failures + 1
            pause_s = pause_before_restart(failures=failures)
            kept.restarts += 1
            self._events.write(
                "part.died", part=service.name, exit=describe_exit(code), restart=kept.restarts, in_s=pause_s
            )
            await self._set(kept, State.RESTARTING)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._until(lambda: not kept.wanted), pause_s)

    async def _live(self, kept: Keeping, service: Service) -> int:
        """One life of a service, from its start to its exit code."""
        try:
            child = await ChildProcess.start(
                service.command,
                log=self._home.log(service.name),
                env=service.env or self._env,
                cwd=REPOSITORY,
                user=service.user,
            )
        except OSError as error:
            await self._fail(kept, f"does not start: {error}")
        self._own(kept, child)
        self._events.write("part.started", part=service.name, pid=child.pid)
        await self._set(kept, State.STARTING)
        death = asyncio.create_task(child.wait())
        readiness = asyncio.create_task(self._await_ready(kept, service))
        try:
            await asyncio.wait({death, readiness}, return_when=asyncio.FIRST_COMPLETED)
            if readiness.done():
                readiness.result()
            return await death
        finally:
            readiness.cancel()
            if child.returncode is not None:
                child.kill_group()
                self._own(kept, None)

    async def _await_ready(self, kept: Keeping, service: Service) -> None:
        patience_s = inf if kept.came_up.is_set() else FIRST_READY_TIMEOUT_S
        if not await until(service.ready, timeout_s=patience_s, pause_s=PROBE_PAUSE_S):
            await self._fail(kept, f"is not ready after {patience_s:.0f} s")
        await self._came_up(kept, State.READY)

    async def _came_up(self, kept: Keeping, state: State) -> None:
        if not kept.came_up.is_set() and kept.began is not None:
            kept.took_s = time.monotonic() - kept.began
            self._events.write(f"part.{state}", part=kept.part.name, took_s=f"{kept.took_s:.1f}")
        else:
            self._events.write(f"part.{state}", part=kept.part.name)
        kept.came_up.set()
        await self._set(kept, state)

    async def _fail(self, kept: Keeping, reason: str) -> NoReturn:
        name = kept.part.name
        self._events.write("part.failed", part=name, reason=reason.partition("\n")[0])
        await self._set(kept, State.FAILED)
        words = reason if "\n" in reason else f"{reason}\n{tail(self._home.log(name))}"
        raise StartError(f"{name} {words.strip()}")

    async def _stop_all(self) -> None:
        stopped = {service.name: asyncio.Event() for service in self._graph.services}

        async def stop_after_dependents(service: Service) -> None:
            for name in self._graph.dependents(service.name):
                await stopped[name].wait()
            kept = self._kept[service.name]
            await self._stop_child(kept, service)
            if kept.state is not State.FAILED:
                await self._set(kept, State.STOPPED)
            stopped[service.name].set()

        await asyncio.gather(*(stop_after_dependents(service) for service in self._graph.services))

    async def _stop_child(self, kept: Keeping, service: Service) -> None:
        if kept.child is None:
            return
        await self._set(kept, State.STOPPING)
        await kept.child.stop(sig=service.stop_signal, grace_s=service.grace_s)
        self._own(kept, None)

    def _own(self, kept: Keeping, child: ChildProcess | None) -> None:
        kept.child = child
        living = ((k.part.name, k.child) for k in self._kept.values() if k.child)
        ids = (ProcessId.find_now(name, child.pid) for name, child in living)
        self._on_children(tuple(i for i in ids if i))

    async def _enter(self, phase: Phase) -> None:
        self.phase = phase
        await self._notify()

    async def _set(self, kept: Keeping, state: State) -> None:
        kept.state = state
        await self._notify()

    async def _want(self, kept: Keeping, *, wanted: bool) -> None:
        kept.wanted = wanted
        await self._notify()

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(condition)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()
