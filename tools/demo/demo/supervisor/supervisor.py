"""The supervisor: starts the parts of a graph in order, restarts those that die, stops them in the reverse order."""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from math import inf
from typing import NoReturn

from demo.home import REPOSITORY, Home
from demo.supervisor.event_log import EventLog
from demo.supervisor.graph import Graph, Job, Service
from demo.supervisor.record import ProcessId
from demo.supervisor.state import PartState, Phase, State
from devservers.process import ChildProcess, describe_exit, tail
from devservers.waiting import until

FIRST_READY_TIMEOUT_S = 180.0
FIRST_PAUSE_S = 0.125
LONGEST_PAUSE_S = 15.0
HEALTHY_AFTER_S = 30.0
PROBE_PAUSE_S = 0.15


class StartError(RuntimeError):
    """A part did not come up; the message ends with its last log lines."""


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
        self._states = {part.name: PartState.of(part) for part in graph.parts}
        self._changed = asyncio.Condition()
        self._stop_requested = asyncio.Event()
        self.phase = Phase.STARTING
        self.failure: str | None = None

    @property
    def parts(self) -> tuple[PartState, ...]:
        """What is known of every part, in the order of the graph."""
        return tuple(self._states.values())

    async def run(self) -> None:
        """Start everything and keep it running until `request_stop` or until a part fails to come up at first.

        Whatever ends it, no process is left when it returns; `phase` and `failure` tell which it was.
        """
        self._events.write("stack.starting")
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._raise_when_stop_is_requested())
                group.create_task(self._announce())
                for part_state in self._states.values():
                    group.create_task(self._keep(part_state), name=part_state.part.name)
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
        service, part_state = self._service(name), self._states[name]
        await self._want(part_state, wanted=False)
        await self._stop_child(part_state, service)
        await self._until(lambda: part_state.state is State.STOPPED)

    async def start_part(self, name: str) -> None:
        """Let a stopped service run again; it is ready later. KeyError when no service has that name."""
        await self._want(self._states[self._service(name).name], wanted=True)

    async def changes(self) -> None:
        """Wait for the next change of the phase or of any part's state."""
        async with self._changed:
            await self._changed.wait()

    def _service(self, name: str) -> Service:
        part = self._states[name].part
        if isinstance(part, Job):
            raise KeyError(name)
        return part

    async def _raise_when_stop_is_requested(self) -> None:
        await self._stop_requested.wait()
        raise _StopRequestedError

    async def _announce(self) -> None:
        for part_state in self._states.values():
            await part_state.came_up.wait()
        self._events.write("stack.ready")
        await self._enter(Phase.READY)

    async def _keep(self, part_state: PartState) -> None:
        for name in part_state.part.after:
            await self._states[name].came_up.wait()
        part_state.began = time.monotonic()
        if part_state.wanted:
            await self._set(part_state, State.STARTING)
        if isinstance(part_state.part, Job):
            await self._run_job(part_state, part_state.part)
        else:
            await self._run_service(part_state, part_state.part)

    async def _run_job(self, part_state: PartState, job: Job) -> None:
        try:
            await job.run(self._home.log(job.name))
        except Exception as error:  # noqa: BLE001  whatever stopped it, the stack cannot come up without it
            await self._fail(part_state, f"failed: {error}")
        await self._came_up(part_state, State.DONE)

    async def _run_service(self, part_state: PartState, service: Service) -> None:
        failures = 0
        while True:
            if not part_state.wanted:
                if part_state.state is not State.STOPPED:  # a spare is so from the beginning
                    self._events.write("part.stopped", part=service.name)
                    await self._set(part_state, State.STOPPED)
                await self._until(lambda: part_state.wanted)
            born = time.monotonic()
            code = await self._live(part_state, service)
            if not part_state.wanted:
                continue
            if not part_state.came_up.is_set():
                await self._fail(part_state, f"ended with {describe_exit(code)}")
            failures = 1 if time.monotonic() - born > HEALTHY_AFTER_S else failures + 1
            pause_s = pause_before_restart(failures=failures)
            part_state.restarts += 1
            self._events.write(
                "part.died",
                part=service.name,
                exit=describe_exit(code),
                restart=part_state.restarts,
                in_s=pause_s,
            )
            await self._set(part_state, State.RESTARTING)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._until(lambda: not part_state.wanted)

    async def _live(self, part_state: PartState, service: Service) -> int:
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
            await self._fail(part_state, f"does not start: {error}")
        self._own(part_state, child)
        self._events.write("part.started", part=service.name, pid=child.pid)
        await self._set(part_state, State.STARTING)
        death = asyncio.create_task(child.wait())
        readiness = asyncio.create_task(self._await_ready(part_state, service))
        try:
            await asyncio.wait({death, readiness}, return_when=asyncio.FIRST_COMPLETED)
            if readiness.done():
                readiness.result()
            return await death
        finally:
            readiness.cancel()
            if child.returncode is not None:
                child.kill_group()
                self._own(part_state, None)

    async def _await_ready(self, part_state: PartState, service: Service) -> None:
        patience_s = inf if part_state.came_up.is_set() else FIRST_READY_TIMEOUT_S
        if not await until(service.ready, timeout_s=patience_s, pause_s=PROBE_PAUSE_S):
            await self._fail(part_state, f"is not ready after {patience_s:.0f} s")
        await self._came_up(part_state, State.READY)

    async def _came_up(self, part_state: PartState, state: State) -> None:
        if not part_state.came_up.is_set() and part_state.began is not None:
            part_state.took_s = time.monotonic() - part_state.began
            self._events.write(f"part.{state}", part=part_state.part.name, took_s=f"{part_state.took_s:.1f}")
        else:
            self._events.write(f"part.{state}", part=part_state.part.name)
        part_state.came_up.set()
        await self._set(part_state, state)

    async def _fail(self, part_state: PartState, reason: str) -> NoReturn:
        name = part_state.part.name
        self._events.write("part.failed", part=name, reason=reason.partition("\n")[0])
        await self._set(part_state, State.FAILED)
        words = reason if "\n" in reason else f"{reason}\n{tail(self._home.log(name))}"
        raise StartError(f"{name} {words.strip()}")

    async def _stop_all(self) -> None:
        stopped = {service.name: asyncio.Event() for service in self._graph.services}

        async def stop_after_dependents(service: Service) -> None:
            for name in self._graph.dependents(service.name):
                await stopped[name].wait()
            part_state = self._states[service.name]
            await self._stop_child(part_state, service)
            if part_state.state is not State.FAILED:
                await self._set(part_state, State.STOPPED)
            stopped[service.name].set()

        await asyncio.gather(*(stop_after_dependents(service) for service in self._graph.services))

    async def _stop_child(self, part_state: PartState, service: Service) -> None:
        if part_state.child is None:
            return
        await self._set(part_state, State.STOPPING)
        await part_state.child.stop(sig=service.stop_signal, grace_s=service.grace_s)
        self._own(part_state, None)

    def _own(self, part_state: PartState, child: ChildProcess | None) -> None:
        part_state.child = child
        living = ((k.part.name, k.child) for k in self._states.values() if k.child)
        ids = (ProcessId.find_now(name, child.pid) for name, child in living)
        self._on_children(tuple(i for i in ids if i))

    async def _enter(self, phase: Phase) -> None:
        self.phase = phase
        await self._notify()

    async def _set(self, part_state: PartState, state: State) -> None:
        part_state.state = state
        await self._notify()

    async def _want(self, part_state: PartState, *, wanted: bool) -> None:
        part_state.wanted = wanted
        await self._notify()

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(condition)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()
