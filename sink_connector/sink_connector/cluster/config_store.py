"""The connectors of a group: configurations, the states asked for, and how many tasks each has.

The entries are those of Kafka Connect's `config.storage.topic`, so a group of workers takes over the connectors of a
Connect cluster whose topic it is given. Task configurations, which Connect keeps there too, are the connector's own here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from sink_connector.cluster.change_signal import ChangeSignal
from sink_connector.cluster.keyed_log import Log, LogEntry, MalformedEntryError, Value
from sink_connector.config.definition import MOST_TASKS
from sink_connector.logs import LEVELS

CONNECTOR, TARGET, COMMIT = "connector-", "target-state-", "commit-"
RESTART, RESTART_TASK, LEVEL = "restart-connector-", "restart-task-", "logger-cluster-"
MOST_DIGITS = 9  # of a task's number


class TargetState(Enum):
    """The states a user can ask for, as they stand in the topic."""

    STARTED = "STARTED"
    PAUSED = "PAUSED"
    STOPPED = "STOPPED"


Config = Mapping[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorSpec:
    """A connector as it is asked for. `revision` changes whenever its configuration is written anew."""

    name: str
    config: Config
    target: TargetState
    tasks: int
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """A request to restart a connector and perhaps its tasks; with `task`, that task alone."""

    connector: str
    task: int | None = None
    include_tasks: bool = False
    only_failed: bool = False


class ConfigStore:
    """What the log says. `apply` is its only way in; the other methods write to the log.

    Restarts and logger levels are events: they count for the workers that are there when they come, so those that were in
    the log when it was opened are passed over.
    """

    def __init__(
        self, log: Log, signal: ChangeSignal, set_level: Callable[[str, str], object] = lambda *_: None
    ) -> None:
        """`set_level` is called with a logger's name and its level when a worker asks all of them for it."""
        self.log = log
        self._signal = signal
        self._set_level = set_level
        self._configs: dict[str, tuple[int, Config]] = {}
        self._targets: dict[str, TargetState] = {}
        self._tasks: dict[str, int] = {}
        self._restarts: list[Restart] = []
        self._is_open = False

    async def open(self) -> None:
        """Read what the log holds. Raises what the log raises."""
        self._is_open = False
        await self.log.open(self.apply)
        self._is_open = True
        self._signal.notify()

    def take_restarts(self) -> list[Restart]:
        """The restarts asked for since the last call."""
        taken, self._restarts = self._restarts, []
        return taken

    @property
    def names(self) -> list[str]:
        """The connectors there are, in order."""
        return sorted(self._configs)

    def get(self, name: str) -> ConnectorSpec | None:
        """One connector, if there is one of this name."""
        if name not in self._configs:
            return None
        revision, config = self._configs[name]
        return ConnectorSpec(
            name=name,
            config=config,
            target=self._targets.get(name, TargetState.STARTED),
            tasks=self._tasks.get(name, 0),
            revision=revision,
        )

    def all(self) -> list[ConnectorSpec]:
        """Every connector, in the order of the names."""
        return [each for name in self.names if (each := self.get(name)) is not None]

    async def put(self, name: str, config: Config, *, target: TargetState | None = None) -> None:
        """Write a configuration; a target state given with it is written first, so that nothing starts too early."""
        if name not in self._configs and self._tasks.get(name):
            # Of one that is gone: Connect leaves its tasks.
            await self.commit_tasks(name, 0)
        if target is not None:
            await self.aim(name, target)
        await self.log.write(CONNECTOR + name, {"properties": dict(config)})

    async def remove(self, name: str) -> None:
        """Take everything back that was written of a connector."""
        for prefix in (CONNECTOR, TARGET, COMMIT):
            await self.log.write(prefix + name, None)

    async def aim(self, name: str, target: TargetState) -> None:
        """Ask for a state. The older of the two fields knows no STOPPED."""
        older = TargetState.PAUSED if target is TargetState.STOPPED else target
        await self.log.write(TARGET + name, {"state": older.value, "state.v2": target.value})

    async def commit_tasks(self, name: str, count: int) -> None:
        """Write how many tasks a connector has."""
        await self.log.write(COMMIT + name, {"tasks": count})

    async def restart(self, restart: Restart) -> None:
        """Ask the workers for a restart."""
        if restart.task is not None:
            await self.log.write(f"{RESTART_TASK}{restart.connector}-{restart.task}", {})
            return
        value = {"include-tasks": restart.include_tasks, "only-failed": restart.only_failed}
        await self.log.write(RESTART + restart.connector, value)

    async def set_level(self, logger: str, level: str) -> None:
        """Ask the workers for a logger's level."""
        await self.log.write(LEVEL + logger, {"level": level})

    def apply(self, entry: LogEntry) -> None:
        """Take in an entry; keys that mean nothing here (tasks, session keys) are passed over.

        Raises:
            MalformedEntryError: The entry is not one of Connect's; nothing of it is taken in.
        """
        key, value, offset = entry
        if value is not None and not isinstance(value, Mapping):
            raise MalformedEntryError(f"the value of {key!r} is no object")
        for prefix, take in (
            (CONNECTOR, self._take_config),
            (TARGET, self._take_target),
            (COMMIT, self._take_tasks),
        ):
            if key.startswith(prefix) and key != prefix:
                take(key.removeprefix(prefix), value, offset)
        if value is not None and self._is_open:
            self._take_event(key, value)
        self._signal.notify()

    def _take_config(self, name: str, value: Value | None, offset: int) -> None:
        if value is None:
            self._configs.pop(name, None)
            self._targets.pop(name, None)
            self._tasks.pop(name, None)
        else:
            self._configs[name] = (offset, _config(value))

    def _take_target(self, name: str, value: Value | None, _: int) -> None:
        if value is None:
            self._targets.pop(name, None)
            return
        try:
            self._targets[name] = TargetState(value.get("state.v2") or value.get("state"))
        except ValueError as error:
            raise MalformedEntryError(str(error)) from None

    def _take_tasks(self, name: str, value: Value | None, _: int) -> None:
        count = 0 if value is None else value.get("tasks")
        if type(count) is not int or not 0 <= count <= MOST_TASKS:
            raise MalformedEntryError(f"{count!r} is no number of tasks")
        self._tasks[name] = count

    def _take_event(self, key: str, value: Value) -> None:
        if key.startswith(RESTART):
            flags = value.get("include-tasks"), value.get("only-failed")
            if not all(isinstance(flag, bool) for flag in flags):
                raise MalformedEntryError("include-tasks and only-failed are true or false")
            self._restarts.append(
                Restart(
                    connector=key.removeprefix(RESTART),
                    include_tasks=flags[0] is True,
                    only_failed=flags[1] is True,
                )
            )
        elif key.startswith(RESTART_TASK):
            name, _, number = key.removeprefix(RESTART_TASK).rpartition("-")
            if not number.isascii() or not number.isdecimal() or int(number[:MOST_DIGITS]) >= MOST_TASKS:
                raise MalformedEntryError(f"{number!r} is no task")
            self._restarts.append(Restart(connector=name, task=int(number)))
        elif key.startswith(LEVEL):
            level = value.get("level")
            if not isinstance(level, str) or level not in LEVELS:
                raise MalformedEntryError(f"{level!r} is no level")
            self._set_level(key.removeprefix(LEVEL), level)


def _config(value: Value) -> Config:
    properties = value.get("properties")
    if not isinstance(properties, Mapping) or not all(
        isinstance(each, str | None) for each in properties.values()
    ):
        raise MalformedEntryError("properties is an object of texts")
    return dict(properties)
