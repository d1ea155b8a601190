"""The tasks of this process, kept as the group's configurations and its members ask for them.

Nothing here is told what to do next: whatever changes (a configuration, a target state, the group, a request to restart),
the herd compares what should run here with what does.
"""

import asyncio
import traceback
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from sink_connector.config.secrets import scrubbed, secrets_of
from sink_connector.worker.blueprint import Blueprint
from sink_connector.worker.configs import Configs, Definition, Restart, Target
from sink_connector.worker.membership import Membership
from sink_connector.worker.plans import Plans, Refused
from sink_connector.worker.sharing import worker_of
from sink_connector.worker.statuses import TaskId

log = structlog.get_logger()

STOP_S = 4.0  # a task commits or rolls back its batch and leaves its group within it

Progress = Mapping[tuple[str, int], int]


class Task(Protocol):
    """Runs until cancelled; whatever it raises is its failure."""

    async def run(self) -> None: ...

    @property
    def progress(self) -> Progress:
        """The next offset of each (topic, partition) delivered from so far."""
        ...


@dataclass(slots=True)
class Run:
    """A task in this process. `trace` is what it has failed with: a task has no other way to end by itself."""

    revision: int
    task: Task | None = None
    running: "asyncio.Task[None] | None" = None
    trace: str | None = None


@dataclass(slots=True)
class Herd:
    """Runs this worker's share of the tasks. `settled` is called when what runs has changed, `failed` is set by failures."""

    configs: Configs
    membership: Membership
    plans: Plans
    make_task: Callable[[Blueprint, int], Task]
    settled: Callable[[], None] = lambda: None
    failed: asyncio.Event = field(default_factory=asyncio.Event)
    runs: dict[TaskId, Run] = field(default_factory=dict)
    restarting: set[TaskId] = field(default_factory=set)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def change(self) -> None:
        """Look again: something this depends on is not as it was."""
        self._changed.set()

    def restart(self, restart: Restart) -> None:
        """Restart what of a connector runs here. Its configuration is read anew, references included."""
        self.plans.forget(restart.connector)
        for task, run in self.runs.items():
            named = restart.include_tasks if restart.task is None else restart.task == task.number
            if task.connector == restart.connector and named and (run.trace or not restart.only_failed):
                self.restarting.add(task)
        self.change()

    def is_mine(self, connector: str, number: int = 0) -> bool:
        """Whether a task of a connector is this worker's to run and to speak for; number 0 has the connector with it."""
        workers = self.membership.view.workers
        return bool(workers) and worker_of(connector, number, workers) == self.membership.me

    async def run(self) -> None:
        """Start and stop tasks as things change, until cancelled."""
        self.change()
        while True:
            await self._changed.wait()
            self._changed.clear()
            wanted = self._wanted()
            await self._stop(
                [
                    task
                    for task, run in self.runs.items()
                    if task not in wanted or wanted[task].revision != run.revision or task in self.restarting
                ]
            )
            for task, definition in wanted.items():
                if task not in self.runs:
                    self.runs[task] = self._start(task, definition)
            self.settled()

    async def stop(self) -> None:
        """Stop every task."""
        await self._stop(list(self.runs))

    def _wanted(self) -> dict[TaskId, Definition]:
        return {
            TaskId(definition.name, number): definition
            for definition in self.configs.all()
            if definition.target is Target.STARTED
            for number in range(definition.tasks)
            if self.is_mine(definition.name, number)
        }

    def _start(self, task: TaskId, definition: Definition) -> Run:
        plan = self.plans.of(definition)
        if isinstance(plan, Refused):
            self.failed.set()
            return Run(definition.revision, trace=plan.trace)
        run = Run(definition.revision, self.make_task(plan, task.number))
        watching = self._watch(task, run, secrets_of(plan.config.resolved))
        run.running = asyncio.create_task(watching, name=f"{task.connector}-{task.number}")
        return run

    async def _watch(self, task: TaskId, run: Run, secrets: set[str]) -> None:
        assert run.task is not None  # noqa: S101 - it was just made
        try:
            await run.task.run()
        except Exception as error:  # noqa: BLE001 - whatever ends a task is its status, never silence
            run.trace = scrubbed("".join(traceback.format_exception(error)), secrets)
            log.error("sink.task.failed", connector=task.connector, task=task.number, trace=run.trace)  # noqa: TRY400 - without secrets
            self.failed.set()
            self.settled()

    async def _stop(self, tasks: Collection[TaskId]) -> None:
        leaving = [running for task in tasks if (running := self.runs[task].running) is not None]
        for each in leaving:
            each.cancel()
        if leaving:
            _, hanging = await asyncio.wait(leaving, timeout=STOP_S)
            for each in hanging:  # it is harmless: once its partitions are claimed anew, it can write nothing
                log.error("sink.task.hangs", task=each.get_name())
        for task in tasks:
            del self.runs[task]
            self.restarting.discard(task)
