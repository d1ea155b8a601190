"""What the workers of a group say of their connectors and tasks, kept true by whoever it is about."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import structlog

from sink_connector.cluster.config_store import ConfigStore, ConnectorSpec, TargetState
from sink_connector.cluster.connector_cache import RefusedConnector
from sink_connector.cluster.herder import Herder
from sink_connector.cluster.status_store import Status, StatusStore, TaskId
from sink_connector.errors import LogError
from sink_connector.runtime.connector import Trouble
from sink_connector.runtime.states import State
from sink_connector.sink.offsets import Partition

log = structlog.get_logger()

LOOK_S = 1.0  # between two looks at the topics that tasks deliver from
RETRY_S = 1.0

TROUBLE_S = 5.0  # between two reports of how often a task has tried

Write = Coroutine[Any, Any, None]


class _Reported(NamedTuple):
    """What was last said of a task's trouble, and when by the clock."""

    since_ms: int
    reason: str
    at: float
    text: str


@dataclass(slots=True)
class TroubleReports:
    """What is said of tasks that run and get nowhere.

    Said again when the reason is another one; the number of attempts alone is news every few seconds at most.
    """

    clock: Callable[[], float] = time.monotonic
    _said: dict[TaskId, _Reported] = field(default_factory=dict)

    def of(self, task: TaskId, trouble: Trouble | None, *, redact: Callable[[str], str]) -> str | None:
        """Since when a task is in trouble, how often it has tried and the last reason; None when it is not."""
        if trouble is None:
            self._said.pop(task, None)
            return None
        before, now, reason = self._said.get(task), self.clock(), redact(trouble.reason)
        is_other = before is None or (before.since_ms, before.reason) != (trouble.since_ms, reason)
        if before is not None and not is_other and now - before.at < TROUBLE_S:
            return before.text
        since = datetime.fromtimestamp(trouble.since_ms / 1000, UTC).isoformat(timespec="seconds")
        if is_other:
            log.warning(
                "task.retry_reported",
                connector=task.connector,
                task=task.number,
                since=since,
                attempts=trouble.attempts,
                reason=reason,
            )
        text = (
            f"retrying since {since}; failed attempts so far: {trouble.attempts}; the last reason: {reason}"
        )
        self._said[task] = _Reported(trouble.since_ms, reason, now, text)
        return text


@dataclass(slots=True)
class StatusReporter:
    """Compares what is said (`statuses`) with what is, and writes the difference; nobody is told what to write when."""

    herder: Herder
    troubles: TroubleReports = field(default_factory=TroubleReports)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _progress: dict[TaskId, Mapping[Partition, int]] = field(default_factory=dict)

    @property
    def configs(self) -> ConfigStore:
        """The connectors asked for."""
        return self.herder.cluster.configs

    @property
    def statuses(self) -> StatusStore:
        """What is said."""
        return self.herder.cluster.statuses

    async def run(self) -> None:
        """Keep what is said true, until cancelled."""
        watch = self.herder.cluster.signal.watch()
        while True:
            await watch.wait(LOOK_S)
            try:
                await self.report()
            except LogError as error:
                log.warning("status.write_failed", error=str(error))
                watch.wake()
                await self.sleep(RETRY_S)

    async def report(self) -> None:
        """Write what is not said yet. Raises `LogError`."""
        if self._leads:
            await self._lead()
        await asyncio.gather(*self._about_connectors(), *self._about_tasks(), *self._about_topics())

    async def retire(self) -> None:
        """Say that nobody runs what this worker ran, if that can be said at once. After the herder has stopped."""
        me = self.herder.cluster.membership.me
        mine = [
            task
            for task, status in self.statuses.tasks.items()
            if status.worker == me and status.state is not State.FAILED
        ]
        try:
            async with asyncio.timeout(RETRY_S):
                await asyncio.gather(
                    *(self.statuses.put_task(task, self._status(State.UNASSIGNED)) for task in mine)
                )
        except (LogError, TimeoutError):
            log.warning("status.write_failed", tasks=len(mine))

    @property
    def _leads(self) -> bool:
        membership = self.herder.cluster.membership
        return membership.is_stable and membership.view.leader == membership.me

    async def _lead(self) -> None:
        """The leader counts the tasks out, and clears away what is said of connectors that are gone."""
        for spec in self.configs.all():
            tasks = self._tasks_of(spec)
            if tasks is not None and tasks != spec.tasks:
                await self.configs.commit_tasks(spec.name, tasks)
        gone = self.statuses.connectors.keys() | {task.connector for task in self.statuses.tasks}
        gone |= {name for name, topics in self.statuses.topics.items() if topics}
        for name in gone - set(self.configs.names):
            await self.statuses.forget(name)

    def _tasks_of(self, spec: ConnectorSpec) -> int | None:
        """How many tasks a connector should have; None for no change."""
        if spec.target is TargetState.STOPPED:
            return 0
        definition = self.herder.definitions.of(spec) if spec.target is TargetState.STARTED else None
        return (
            None
            if definition is None or isinstance(definition, RefusedConnector)
            else definition.config.tasks_max
        )

    def _about_connectors(self) -> Iterator[Write]:
        for spec in self.configs.all():
            if self.herder.is_mine(spec.name):
                status = self._of_connector(spec)
                if self._is_news(status, self.statuses.connectors.get(spec.name)):
                    yield self.statuses.put_connector(spec.name, status)

    def _of_connector(self, spec: ConnectorSpec) -> Status:
        if spec.target is not TargetState.STARTED:
            return self._status(State[spec.target.value])
        definition = self.herder.definitions.of(spec)
        if isinstance(definition, RefusedConnector):
            return self._status(State.FAILED, definition.trace)
        return self._status(State.RUNNING)

    def _about_tasks(self) -> Iterator[Write]:
        told = set(self.statuses.tasks)
        for spec in self.configs.all():
            told |= {TaskId(spec.name, number) for number in range(spec.tasks)}
        for task in sorted(told):
            said, status = self.statuses.tasks.get(task), self._of_task(task)
            if said is None and status is None:
                continue
            if self.herder.is_mine(*task):
                if status is None and self.herder.task(task) is None:
                    yield self.statuses.put_task(task, None)
                elif status is not None and self._is_news(status, said):
                    yield self.statuses.put_task(task, status)
            elif self._is_stray(task, said):
                yield self.statuses.put_task(task, self._status(State.UNASSIGNED))

    def _of_task(self, task: TaskId) -> Status | None:
        """What is to be said of a task of this worker; None when there is no such task."""
        spec = self.configs.get(task.connector)
        if spec is None or task.number >= spec.tasks:
            return None
        definition = self.herder.definitions.of(spec) if spec.target is not TargetState.STOPPED else None
        if isinstance(definition, RefusedConnector):
            return self._status(State.FAILED, definition.trace)
        running = self.herder.task(task)
        if running is None:
            return self._status(State.UNASSIGNED)
        trouble = self.troubles.of(task, running.trouble, redact=running.redact)
        return self._status(running.state, running.status.trace or trouble)

    def _is_news(self, status: Status, said: Status | None) -> bool:
        """Whether to say it. A word of another living worker of a later generation stands: that one knows better.

        A later generation of this worker's own is of a group before: one that was empty for long begins anew.
        """
        if status.says_the_same(said):
            return False
        membership = self.herder.cluster.membership
        if said is None or said.worker == membership.me or said.worker not in membership.view.workers:
            return True
        return said.generation <= membership.view.generation

    def _is_stray(self, task: TaskId, said: Status | None) -> bool:
        """Whether this worker is still said to have a task that has moved elsewhere."""
        mine = said is not None and said.worker == self.herder.cluster.membership.me
        return (
            mine
            and self.herder.task(task) is None
            and said is not None
            and said.state is not State.UNASSIGNED
        )

    def _about_topics(self) -> Iterator[Write]:
        for name, connector in self.herder.worker.connectors.items():
            for number, running in connector.tasks.items():
                task, progress = TaskId(name, number), dict(running.progress)
                before, self._progress[task] = self._progress.get(task, {}), progress
                moved = {place.topic for place, offset in progress.items() if before.get(place) != offset}
                for topic in sorted(moved - self.statuses.topics.get(name, set())):
                    yield self.statuses.add_topic(task, topic)

    def _status(self, state: State, trace: str | None = None) -> Status:
        membership = self.herder.cluster.membership
        return Status(state=state, worker=membership.me, generation=membership.view.generation, trace=trace)
