"""A connector at run time: what the REST layer pauses, resumes, stops, restarts and asks."""

import asyncio
import traceback
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from sink_connector.config.connector import ConnectorConfig
from sink_connector.runtime.sink_task import SinkTask
from sink_connector.runtime.states import State
from sink_connector.sink.offsets import Partition

log = structlog.get_logger()

STOP_S = 4.0  # a task commits or rolls back its batch and leaves its group within it


@dataclass(slots=True)
class TaskStatus:
    """`trace` is empty unless the task has failed."""

    number: int
    state: State
    trace: str = ""


class Trouble(Protocol):
    """Why a task that runs gets nowhere: since when (epoch milliseconds), how often it has tried, the last reason."""

    @property
    def since_ms(self) -> int:
        """When it began."""
        ...

    @property
    def attempts(self) -> int:
        """How often it was tried since."""
        ...

    @property
    def reason(self) -> str:
        """Why the last attempt failed."""
        ...


@dataclass(slots=True)
class RunningTask:
    """A task with the asyncio task that runs it; `task` is None when it could not even be made."""

    status: TaskStatus
    redact: Callable[[str], str]
    task: SinkTask | None = None
    running: "asyncio.Task[None] | None" = None

    @property
    def state(self) -> State:
        """What is said of it: a task is PAUSED once it delivers nothing more, or while what it delivers does not get through."""
        is_busy = not getattr(self.task, "is_idle", True) and self.trouble is None
        return State.RUNNING if self.status.state is State.PAUSED and is_busy else self.status.state

    @property
    def progress(self) -> Mapping[Partition, int]:
        """The next offsets it has committed."""
        return {} if self.task is None else self.task.progress

    @property
    def trouble(self) -> Trouble | None:
        """What it is trying again; None for a task that gets on, or has failed."""
        found: Trouble | None = getattr(self.task, "trouble", None)
        return found if self.status.state is not State.FAILED else None


@dataclass(slots=True)
class Connector:
    """One connector, as far as it runs in this worker.

    `failed` is set when a task has ended with an error, which `status` then shows, and `changed` is called.

    The state asked for survives failures: a connector whose tasks have all failed is still RUNNING, as in Connect.
    """

    config: ConnectorConfig
    make_task: Callable[[int], SinkTask]
    changed: Callable[[], None] = lambda: None
    state: State = State.UNASSIGNED
    tasks: dict[int, RunningTask] = field(default_factory=dict)
    failed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def status(self) -> list[TaskStatus]:
        """Of every task that runs here, in order."""
        return [each.status for _, each in sorted(self.tasks.items())]

    async def keep(self, numbers: Collection[int], *, paused: bool) -> None:
        """Have these tasks, which are this worker's share, and no others; those that have failed stay so."""
        await self._end(self.tasks.keys() - set(numbers))
        self._set_paused(paused=paused)
        for number in numbers:
            if number not in self.tasks:
                self.tasks[number] = self._run(number)

    async def stop(self) -> None:
        """End every task: the batch in flight is committed or rolled back, the group left. The connector is STOPPED."""
        await self._end(list(self.tasks))
        self.state = State.STOPPED

    async def restart(self, *, tasks: bool = True, only_failed: bool = False) -> None:
        """Restart the tasks, or those of them that failed. A connector itself holds nothing that could be restarted."""
        for number, each in list(self.tasks.items()) if tasks else ():
            if not only_failed or each.status.state is State.FAILED:
                await self.restart_task(number)

    async def restart_task(self, number: int) -> None:
        """Raises `KeyError` when there is no such task."""
        self.tasks[number].status.state = State.RESTARTING
        self.changed()
        await self._end([number])
        self.tasks[number] = self._run(number)

    def _run(self, number: int) -> RunningTask:
        running = RunningTask(TaskStatus(number, self.state), self.config.redactor.scrub)
        try:
            running.task = self.make_task(number)
        except MemoryError:
            raise  # the process is short of it, which says nothing of the task
        except Exception as error:  # noqa: BLE001 - as in `_watch`
            self._fail(running, error)
            return running
        running.task.paused = self.state is State.PAUSED
        running.running = asyncio.create_task(
            self._watch(running, running.task), name=f"{self.config.name}-{number}"
        )
        return running

    async def _watch(self, running: RunningTask, task: SinkTask) -> None:
        try:
            await task.run()
        except Exception as error:  # noqa: BLE001 - whatever ends a task is its status, never silence
            self._fail(running, error)

    def _fail(self, running: RunningTask, error: Exception) -> None:
        trace = self.config.redactor.scrub("".join(traceback.format_exception(error)))
        running.status.state = State.FAILED
        running.status.trace = trace
        log.error(
            "task.failed",
            connector=self.config.name,
            task=running.status.number,
            error=self.config.redactor.scrub(str(error) or type(error).__name__),
            trace=trace,
        )
        self.failed.set()
        self.changed()

    def _set_paused(self, *, paused: bool) -> None:
        self.state = State.PAUSED if paused else State.RUNNING
        for each in self.tasks.values():
            if each.task is not None:
                each.task.paused = paused
            if each.status.state is not State.FAILED:
                each.status.state = self.state

    async def _end(self, numbers: Iterable[int]) -> None:
        """One that hangs is left behind: once its partitions are claimed anew, it can write nothing."""
        leaving = [self.tasks.pop(number).running for number in numbers]
        running = [each for each in leaving if each is not None]
        for each in running:
            each.cancel()
        if running:
            _, hanging = await asyncio.wait(running, timeout=STOP_S)
            for each in hanging:
                log.error("task.stop_timed_out", task=each.get_name())
