"""What connectors and tasks are doing, as their workers last said; the entries of Kafka Connect's `status.storage.topic`."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from sink_connector.cluster.change_signal import ChangeSignal
from sink_connector.cluster.keyed_log import Log, LogEntry, MalformedEntryError, Value
from sink_connector.runtime.states import State
from sink_connector.version import VERSION

CONNECTOR, TASK, TOPIC = "status-connector-", "status-task-", "status-topic-"
MOST_DIGITS = 9  # of a task's number
_Key = TypeVar("_Key")
OF_CONNECTOR = ":connector-"  # between a topic and its connector; a topic's name has no colon


class TaskId(NamedTuple):
    """A connector's name and the number of one of its tasks, which count from 0."""

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
        """Whether there is nothing new in it; generations and versions are none."""
        return other is not None and (self.state, self.worker, self.trace) == (
            other.state,
            other.worker,
            other.trace,
        )

    def as_value(self) -> Value:
        """The status as it stands in the log."""
        return {
            "state": self.state.value,
            "trace": self.trace,
            "worker_id": self.worker,
            "generation": self.generation,
            "version": self.version,
        }


def _now_ms() -> int:
    return int(time.time() * 1000)


def _status(value: Value) -> Status:
    """Raises `MalformedEntryError`."""
    try:
        status = Status(
            state=State(value["state"]),
            worker=value["worker_id"],
            generation=value["generation"],
            trace=value.get("trace"),
            version=value.get("version"),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise MalformedEntryError(f"no status: {error!r}") from None
    fields: Iterable[tuple[Any, Any]] = (
        (status.worker, str),
        (status.generation, int),
        (status.trace, str | None),
        (status.version, str | None),
    )
    if not all(isinstance(each, kind) for each, kind in fields):
        raise MalformedEntryError("a status with fields of other types")
    return status


class StatusStore:
    """What the log says. `apply` is its only way in; the other methods write to the log."""

    def __init__(self, log: Log, signal: ChangeSignal) -> None:
        """`signal` is notified of every entry."""
        self.log = log
        self.connectors: dict[str, Status] = {}
        self.tasks: dict[TaskId, Status] = {}
        self.topics: dict[str, set[str]] = {}
        self._signal = signal

    async def open(self) -> None:
        """Read what the log holds. Raises what the log raises."""
        await self.log.open(self.apply)

    def of(self, connector: str) -> list[tuple[TaskId, Status]]:
        """The tasks of a connector that have a status, in order."""
        return sorted((task, status) for task, status in self.tasks.items() if task.connector == connector)

    async def put_connector(self, name: str, status: Status | None) -> None:
        """Say what a connector does; None takes it back."""
        await self.log.write(CONNECTOR + name, None if status is None else status.as_value())

    async def put_task(self, task: TaskId, status: Status | None) -> None:
        """Say what a task does; None takes it back."""
        await self.log.write(
            f"{TASK}{task.connector}-{task.number}", None if status is None else status.as_value()
        )

    async def add_topic(self, task: TaskId, topic: str, *, now_ms: Callable[[], int] = _now_ms) -> None:
        """Note that a task has delivered from a topic."""
        about = {
            "name": topic,
            "connector": task.connector,
            "task": task.number,
            "discoverTimestamp": now_ms(),
        }
        await self.log.write(f"{TOPIC}{topic}{OF_CONNECTOR}{task.connector}", {"topic": about})

    async def forget_topics(self, connector: str) -> None:
        """Take back which topics a connector has delivered from."""
        for topic in sorted(self.topics.get(connector, ())):
            await self.log.write(f"{TOPIC}{topic}{OF_CONNECTOR}{connector}", None)

    async def forget(self, connector: str) -> None:
        """Take back everything said of a connector."""
        for task, _ in self.of(connector):
            await self.put_task(task, None)
        await self.forget_topics(connector)
        await self.put_connector(connector, None)

    def apply(self, entry: LogEntry) -> None:
        """Take in an entry; keys that mean nothing here are passed over.

        Raises:
            MalformedEntryError: The entry is not one of Connect's; nothing of it is taken in.
        """
        key, value, _ = entry
        if value is not None and not isinstance(value, Mapping):
            raise MalformedEntryError(f"the value of {key!r} is no object")
        if key.startswith(CONNECTOR):
            _set(self.connectors, key.removeprefix(CONNECTOR), None if value is None else _status(value))
        elif key.startswith(TASK):
            name, _, number = key.removeprefix(TASK).rpartition("-")
            if not number.isascii() or not number.isdecimal() or len(number) > MOST_DIGITS:
                raise MalformedEntryError(f"{number!r} is no task")
            _set(self.tasks, TaskId(name, int(number)), None if value is None else _status(value))
        elif key.startswith(TOPIC):
            topic, _, connector = key.removeprefix(TOPIC).partition(OF_CONNECTOR)
            known = self.topics.setdefault(connector, set())
            (known.discard if value is None else known.add)(topic)
        self._signal.notify()


def _set(found: dict[_Key, Status], key: _Key, status: Status | None) -> None:
    if status is None:
        found.pop(key, None)
    else:
        found[key] = status
