"""A connector at run time: what the REST layer pauses, resumes, stops, restarts and asks."""

import asyncio
import traceback
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum

import asyncpg
import structlog

from sink_connector.config.connector import ConnectorConfig
from sink_connector.worker.task import Task
from sink_connector.writer import offsets
from sink_connector.writer.offsets import Partition
from sink_connector.writer.session import prepare_database

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
    """`trace` is empty unless the task has failed."""

    number: int
    state: State
    trace: str = ""


@dataclass(slots=True)
class RunningTask:
    """A task with the asyncio task that runs it."""

    status: TaskStatus
    task: Task
    running: "asyncio.Task[None] | None" = None


class NotStoppedError(Exception):
    """Offsets can be changed only while the connector is STOPPED."""


@dataclass(slots=True)
class Connector:
    """One connector of this worker. `failed` is set when a task has ended with an error, which `status` then shows.

    The state asked for survives failures: a connector whose tasks have all failed is still RUNNING, as in Connect.
    """

    config: ConnectorConfig
    make_task: Callable[[int], Task]
    state: State = State.UNASSIGNED
    tasks: list[RunningTask] = field(default_factory=list)
    failed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def status(self) -> list[TaskStatus]:
        return [each.status for each in self.tasks]

    async def start(self, *, paused: bool = False) -> None:
        """Start every task. Failures of a task show in its status, not here."""
        self.state = State.PAUSED if paused else State.RUNNING
        self.tasks = [self._run(number) for number in range(self.config.tasks_max)]

    async def pause(self) -> None:
        """Deliver nothing more, but keep the partitions. What was polled already is still written."""
        self._set_paused(paused=True)

    async def resume(self) -> None:
        """Go on, from PAUSED or STOPPED."""
        if self.state is State.STOPPED:
            await self.start()
        else:
            self._set_paused(paused=False)

    async def stop(self) -> None:
        """End every task: the batch in flight is committed or rolled back, the group left. The connector is STOPPED."""
        await self._end(self.tasks)
        self.state = State.STOPPED
        self.tasks = []

    async def restart(self, *, tasks: bool = True, only_failed: bool = False) -> None:
        """Restart the tasks, or those of them that failed. A connector itself holds nothing that could be restarted."""
        for each in list(self.tasks) if tasks else ():
            if not only_failed or each.status.state is State.FAILED:
                await self.restart_task(each.status.number)

    async def restart_task(self, number: int) -> None:
        """Raises `IndexError` when there is no such task."""
        await self._end([self.tasks[number]])
        self.tasks[number] = self._run(number)

    async def offsets(self) -> dict[Partition, int]:
        """The next offset of each partition, as the target database has them. Raises what the driver raises."""
        async with self._database() as connection:
            return await offsets.stored(connection, self.config.name)

    async def alter_offsets(self, changed: Mapping[Partition, int]) -> None:
        """Raises `NotStoppedError`, and what the driver raises."""
        async with self._stopped_database() as connection:
            await offsets.alter(connection, self.config.name, changed)

    async def reset_offsets(self) -> None:
        """Raises `NotStoppedError`, and what the driver raises."""
        async with self._stopped_database() as connection:
            await offsets.reset(connection, self.config.name)

    def _run(self, number: int) -> RunningTask:
        task = self.make_task(number)
        task.paused = self.state is State.PAUSED
        running = RunningTask(TaskStatus(number, self.state), task)
        running.running = asyncio.create_task(self._watch(running), name=f"{self.config.name}-{number}")
        return running

    async def _watch(self, running: RunningTask) -> None:
        try:
            await running.task.run()
        except Exception as error:  # whatever ends a task is its status, never silence
            running.status.state = State.FAILED
            running.status.trace = "".join(traceback.format_exception(error))
            log.exception("sink.task.failed", connector=self.config.name, task=running.status.number)
            self.failed.set()

    def _set_paused(self, *, paused: bool) -> None:
        self.state = State.PAUSED if paused else State.RUNNING
        for each in self.tasks:
            each.task.paused = paused
            if each.status.state is not State.FAILED:
                each.status.state = self.state

    async def _end(self, tasks: list[RunningTask]) -> None:
        running = [each.running for each in tasks if each.running is not None]
        for each in running:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    @asynccontextmanager
    async def _database(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(self.config.connection.dsn, timeout=10, command_timeout=10)
        try:
            await prepare_database(connection)
            yield connection
        finally:
            await connection.close(timeout=2)

    @asynccontextmanager
    async def _stopped_database(self) -> AsyncIterator[asyncpg.Connection]:
        if self.state is not State.STOPPED:
            raise NotStoppedError(f"connector {self.config.name} must be stopped first")
        async with self._database() as connection:
            yield connection
