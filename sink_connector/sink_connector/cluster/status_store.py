"""What connectors and tasks are doing, as their workers last said; the entries of Kafka Connect's `status.storage.topic`."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, TypeVar

from sink_connector.cluster.keyed_log import Log, LogEntry, Value
from sink_connector.version import VERSION

CONNECTOR, TASK, TOPIC = "status-connector-", "status-task-", "status-topic-"
_Key = TypeVar("_Key")
OF_CONNECTOR = ":connector-"  # between a topic and its connector; a topic's name has no colon


class State(Enum):
    """Connect's states of a connector and of a task."""

    UNASSIGNED = "UNASSIGNED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    STOPPED = "STOPPED"
    FAILED = "FAILED"
    RESTARTING = "RESTARTING"


class TaskId(NamedTuple):
    connector: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A state and who vouches for it. `generation` is that of the worker group when it was said."""

    state: State
    worker: str
    generation: int = 0
    trace: str | None = None
    version: str | None = VERSION

    def says_the_same(self, other: "Status | None") -> bool:
        return other is not None and (self.state, self.worker, self.trace) == (
            other.state,
            other.worker,
            other.trace,
        )

    def as_value(self) -> Value:
        return {
            "state": self.state.value,
            "trace": self.trace,
            "worker_id": self.worker,
            "generation": self.generation,
            "version": self.version,
        }


def _status(value: Value) -> Status:
    return Status(
        state=State(value["state"]),
        worker=value["worker_id"],
        generation=value["generation"],
        trace=value.get("trace"),
        version=value.get("version"),
    )


@dataclass(slots=True)
class StatusStore:
    """What the log says. `apply` is its only way in; the other methods write to the log."""

    changed: Callable[[], None] = lambda: None
    connectors: dict[str, Status] = field(default_factory=dict)
    tasks: dict[TaskId, Status] = field(default_factory=dict)
    topics: dict[str, set[str]] = field(default_factory=dict)
    _log: Log | None = None

    @property
    def log(self) -> Log:
        if self._log is None:
            raise RuntimeError("the statuses have no log yet")
        return self._log

    @log.setter
    def log(self, log: Log) -> None:
        self._log = log

    def of(self, connector: str) -> list[tuple[TaskId, Status]]:
        """The tasks of a connector that have a status, in order."""
        return sorted((task, status) for task, status in self.tasks.items() if task.connector == connector)

    async def put_connector(self, name: str, status: Status | None) -> None:
        await self.log.write(CONNECTOR + name, None if status is None else status.as_value())

    async def put_task(self, task: TaskId, status: Status | None) -> None:
        await self.log.write(
            f"{TASK}{task.connector}-{task.number}", None if status is None else status.as_value()
        )

    async def add_topic(self, task: TaskId, topic: str) -> None:
        """Note that a task has delivered from a topic."""
        about = {
            "name": topic,
            "connector": task.connector,
            "task": task.number,
            "discoverTimestamp": int(time.time() * 1000),
        }
        await self.log.write(f"{TOPIC}{topic}{OF_CONNECTOR}{task.connector}", {"topic": about})

    async def forget_topics(self, connector: str) -> None:
        for topic in sorted(self.topics.get(connector, ())):
            await self.log.write(f"{TOPIC}{topic}{OF_CONNECTOR}{connector}", None)

    async def forget(self, connector: str) -> None:
        """Take back everything said of a connector."""
        for task, _ in self.of(connector):
            await self.put_task(task, None)
        await self.forget_topics(connector)
        await self.put_connector(connector, None)

    def apply(self, entry: LogEntry) -> None:
        key, value, _ = entry
        if key.startswith(CONNECTOR):
            _set(self.connectors, key.removeprefix(CONNECTOR), None if value is None else _status(value))
        elif key.startswith(TASK):
            name, _, number = key.removeprefix(TASK).rpartition("-")
            _set(self.tasks, TaskId(name, int(number)), None if value is None else _status(value))
        elif key.startswith(TOPIC):
            topic, _, connector = key.removeprefix(TOPIC).partition(OF_CONNECTOR)
            known = self.topics.setdefault(connector, set())
            (known.discard if value is None else known.add)(topic)
        self.changed()


def _set(found: dict[_Key, Status], key: _Key, status: Status | None) -> None:
    if status is None:
        found.pop(key, None)
    else:
        found[key] = status
