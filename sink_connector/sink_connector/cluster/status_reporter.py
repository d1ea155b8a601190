"""What the workers of a group say of their connectors and tasks, kept true by whoever it is about."""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from sink_connector.cluster.config_store import Configs, Definition, Target
from sink_connector.cluster.connector_cache import Refused
from sink_connector.cluster.herder import Herd
from sink_connector.cluster.status_store import State, Status, Statuses, TaskId
from sink_connector.errors import LogError
from sink_connector.sink.offsets import Partition

log = structlog.get_logger()

LOOK_S = 1.0  # between two looks at the topics that tasks deliver from
RETRY_S = 1.0

Write = Coroutine[Any, Any, None]


@dataclass(slots=True)
class Reports:
    """Compares what is said (`statuses`) with what is, and writes the difference; nobody is told what to write when."""

    configs: Configs
    statuses: Statuses
    herd: Herd
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _progress: dict[TaskId, Mapping[Partition, int]] = field(default_factory=dict)

    def change(self) -> None:
        """Look again: something is not as it was."""
        self._changed.set()

    async def run(self) -> None:
        """Keep what is said true, until cancelled."""
        while True:
            await self._wait()
            try:
                if self._leads:
                    await self._lead()
                await asyncio.gather(*self._about_connectors(), *self._about_tasks(), *self._about_topics())
            except LogError as error:
                log.warning("sink.status.unwritten", error=str(error))
                self.change()
                await asyncio.sleep(RETRY_S)

    async def retire(self) -> None:
        """Say that nobody runs what this worker ran, if that can be said at once. After the herd has stopped."""
        me = self.herd.membership.me
        mine = [
            task for task, status in self.statuses.tasks.items() if status.worker == me and not status.trace
        ]
        try:
            async with asyncio.timeout(RETRY_S):
                await asyncio.gather(
                    *(self.statuses.put_task(task, self._status(State.UNASSIGNED)) for task in mine)
                )
        except (LogError, TimeoutError):
            log.warning("sink.status.unwritten", tasks=len(mine))

    async def _wait(self) -> None:
        await asyncio.wait([waiting := asyncio.ensure_future(self._changed.wait())], timeout=LOOK_S)
        waiting.cancel()
        self._changed.clear()

    @property
    def _leads(self) -> bool:
        membership = self.herd.membership
        return membership.is_stable and membership.view.leader == membership.me

    async def _lead(self) -> None:
        """The leader counts the tasks out, and clears away what is said of connectors that are gone."""
        for definition in self.configs.all():
            tasks = self._tasks_of(definition)
            if tasks is not None and tasks != definition.tasks:
                await self.configs.commit_tasks(definition.name, tasks)
        gone = self.statuses.connectors.keys() | {task.connector for task in self.statuses.tasks}
        gone |= {name for name, topics in self.statuses.topics.items() if topics}
        for name in gone - set(self.configs.names):
            await self.statuses.forget(name)

    def _tasks_of(self, definition: Definition) -> int | None:
        """How many tasks a connector should have; None for no change."""
        if definition.target is Target.STOPPED:
            return 0
        plan = self.herd.plans.of(definition) if definition.target is Target.STARTED else None
        return None if plan is None or isinstance(plan, Refused) else plan.config.tasks_max

    def _about_connectors(self) -> Iterator[Write]:
        for definition in self.configs.all():
            if self.herd.is_mine(definition.name):
                status = self._of_connector(definition)
                if self._is_news(status, self.statuses.connectors.get(definition.name)):
                    yield self.statuses.put_connector(definition.name, status)

    def _of_connector(self, definition: Definition) -> Status:
        if definition.target is not Target.STARTED:
            return self._status(State[definition.target.value])
        plan = self.herd.plans.of(definition)
        if isinstance(plan, Refused):
            return self._status(State.FAILED, plan.trace)
        return self._status(State.RUNNING)

    def _about_tasks(self) -> Iterator[Write]:
        told = set(self.statuses.tasks)
        for definition in self.configs.all():
            told |= {TaskId(definition.name, number) for number in range(definition.tasks)}
        for task in sorted(told):
            said, status = self.statuses.tasks.get(task), self._of_task(task)
            if said is None and status is None:
                continue
            if self.herd.is_mine(*task):
                if status is None and self.herd.task(task) is None:
                    yield self.statuses.put_task(task, None)
                elif status is not None and self._is_news(status, said):
                    yield self.statuses.put_task(task, status)
            elif self._is_stray(task, said):
                yield self.statuses.put_task(task, self._status(State.UNASSIGNED))

    def _of_task(self, task: TaskId) -> Status | None:
        """What is to be said of a task of this worker; None when there is no such task."""
        definition = self.configs.get(task.connector)
        if definition is None or task.number >= definition.tasks:
            return None
        plan = self.herd.plans.of(definition)
        if isinstance(plan, Refused):
            return self._status(State.FAILED, plan.trace)
        running = self.herd.task(task)
        if running is None:
            return self._status(State.UNASSIGNED)
        return self._status(running.status.state, running.status.trace or None)

    def _is_news(self, status: Status, said: Status | None) -> bool:
        """Whether to say it. A word of another living worker of a later generation stands: that one knows better."""
        if status.says_the_same(said):
            return False
        view = self.herd.membership.view
        return said is None or said.worker not in view.workers or said.generation <= view.generation

    def _is_stray(self, task: TaskId, said: Status | None) -> bool:
        """Whether this worker is still said to have a task that has moved elsewhere."""
        mine = said is not None and said.worker == self.herd.membership.me
        return (
            mine and self.herd.task(task) is None and said is not None and said.state is not State.UNASSIGNED
        )

    def _about_topics(self) -> Iterator[Write]:
        for name, connector in self.herd.worker.connectors.items():
            for number, running in connector.tasks.items():
                task, progress = TaskId(name, number), dict(running.task.progress)
                before, self._progress[task] = self._progress.get(task, {}), progress
                moved = {place.topic for place, offset in progress.items() if before.get(place) != offset}
                for topic in sorted(moved - self.statuses.topics.get(name, set())):
                    yield self.statuses.add_topic(task, topic)

    def _status(self, state: State, trace: str | None = None) -> Status:
        membership = self.herd.membership
        return Status(state=state, worker=membership.me, generation=membership.view.generation, trace=trace)
