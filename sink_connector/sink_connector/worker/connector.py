"""A connector at run time: what the REST layer pauses, resumes, stops, restarts and asks."""

import asyncio
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

import structlog

from sink_connector.config.connector import ConnectorConfig
from sink_connector.worker.task import Task

log = structlog.get_logger()


class State(Enum):
    """Connect's states of a connector and of a task."""

    UNASSIGNED = "UNASSIGNED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    STOPPED = "STOPPED"
    FAILED = "FAILED"


@dataclass(slots=True)
class TaskStatus:
    number: int
    state: State
    trace: str = ""


@dataclass(slots=True)
class RunningTask:
    """A task with the asyncio task that runs it."""

    status: TaskStatus
    running: "asyncio.Task[None] | None" = None


MakeTask = Callable[[int], Task]


@dataclass(slots=True)
class Connector:
    """One connector of this worker. `failed` is set when a task has ended with an error, which `status` then shows."""

    config: ConnectorConfig
    make_task: MakeTask
    state: State = State.UNASSIGNED
    tasks: list[RunningTask] = field(default_factory=list)
    failed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def status(self) -> list[TaskStatus]:
        return [task.status for task in self.tasks]

    async def start(self) -> None:
        """Start every task. Failures of a task show in its status, not here."""
        self.state = State.RUNNING
        self.tasks = [
            RunningTask(TaskStatus(number, State.UNASSIGNED)) for number in range(self.config.tasks_max)
        ]
        for task in self.tasks:
            self._run(task)

    async def stop(self) -> None:
        """Stop every task: the batch in flight is committed or rolled back, the group left."""
        await self._cancel(self.tasks)
        self.state = State.STOPPED
        self.tasks = []

    async def restart_task(self, number: int) -> None:
        task = self.tasks[number]
        await self._cancel([task])
        self._run(task)

    def _run(self, task: RunningTask) -> None:
        task.status.state, task.status.trace = State.RUNNING, ""
        task.running = asyncio.create_task(self._watch(task), name=f"{self.config.name}-{task.status.number}")

    async def _watch(self, task: RunningTask) -> None:
        try:
            await self.make_task(task.status.number).run()
        except Exception as error:  # whatever ends a task is its status, never silence
            task.status.state = State.FAILED
            task.status.trace = "".join(traceback.format_exception(error))
            log.exception("sink.task.failed", connector=self.config.name, task=task.status.number)
            self.failed.set()

    async def _cancel(self, tasks: list[RunningTask]) -> None:
        running = [task.running for task in tasks if task.running is not None]
        for each in running:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)
