"""The connectors of a group: configurations, the states asked for, and how many tasks each has.

The entries are those of Kafka Connect's `config.storage.topic`, so a group of workers takes over the connectors of a
Connect cluster whose topic it is given. Task configurations, which Connect keeps there too, are the connector's own here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from sink_connector.cluster.keyed_log import Log, LogEntry, Value

CONNECTOR, TARGET, COMMIT = "connector-", "target-state-", "commit-"
RESTART, RESTART_TASK, LEVEL = "restart-connector-", "restart-task-", "logger-cluster-"


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


@dataclass(slots=True)
class Listeners:
    """Whom to tell. Restarts and levels are events: they count for those who are there when they come."""

    changed: Callable[[], None] = lambda: None
    restart: Callable[[Restart], None] = lambda _: None
    level: Callable[[str, str], object] = lambda _name, _level: None


@dataclass(slots=True)
class ConfigStore:
    """What the log says. `apply` is its only way in; the other methods write to the log."""

    listeners: Listeners = field(default_factory=Listeners)
    _configs: dict[str, tuple[int, Config]] = field(default_factory=dict)
    _targets: dict[str, TargetState] = field(default_factory=dict)
    _tasks: dict[str, int] = field(default_factory=dict)
    _log: Log | None = None

    @property
    def log(self) -> Log:
        if self._log is None:
            raise RuntimeError("the configurations have no log yet")
        return self._log

    @log.setter
    def log(self, log: Log) -> None:
        self._log = log

    @property
    def names(self) -> list[str]:
        return sorted(self._configs)

    def get(self, name: str) -> ConnectorSpec | None:
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
        return [each for name in self.names if (each := self.get(name)) is not None]

    async def put(self, name: str, config: Config, *, target: TargetState | None = None) -> None:
        """Write a configuration; a target state given with it is written first, so that nothing starts too early."""
        if target is not None:
            await self.aim(name, target)
        await self.log.write(CONNECTOR + name, {"properties": dict(config)})

    async def remove(self, name: str) -> None:
        for prefix in (CONNECTOR, TARGET, COMMIT):
            await self.log.write(prefix + name, None)

    async def aim(self, name: str, target: TargetState) -> None:
        """Ask for a state. The older of the two fields knows no STOPPED."""
        older = TargetState.PAUSED if target is TargetState.STOPPED else target
        await self.log.write(TARGET + name, {"state": older.value, "state.v2": target.value})

    async def commit_tasks(self, name: str, count: int) -> None:
        await self.log.write(COMMIT + name, {"tasks": count})

    async def restart(self, restart: Restart) -> None:
        if restart.task is not None:
            await self.log.write(f"{RESTART_TASK}{restart.connector}-{restart.task}", {})
            return
        value = {"include-tasks": restart.include_tasks, "only-failed": restart.only_failed}
        await self.log.write(RESTART + restart.connector, value)

    async def set_level(self, logger: str, level: str) -> None:
        await self.log.write(LEVEL + logger, {"level": level})

    def apply(self, entry: LogEntry) -> None:
        """Take in an entry; keys that mean nothing here (tasks, session keys) are passed over."""
        key, value, offset = entry
        for prefix, take in (
            (CONNECTOR, self._take_config),
            (TARGET, self._take_target),
            (COMMIT, self._take_tasks),
        ):
            if key.startswith(prefix):
                take(key.removeprefix(prefix), value, offset)
        if value is not None:
            self._tell(key, value)
        self.listeners.changed()

    def _take_config(self, name: str, value: Value | None, offset: int) -> None:
        if value is None:
            self._configs.pop(name, None)
            self._targets.pop(name, None)
            self._tasks.pop(name, None)
        else:
            self._configs[name] = (offset, value["properties"])

    def _take_target(self, name: str, value: Value | None, _: int) -> None:
        if value is None:
            self._targets.pop(name, None)
        else:
            self._targets[name] = TargetState(value.get("state.v2") or value["state"])

    def _take_tasks(self, name: str, value: Value | None, _: int) -> None:
        self._tasks[name] = 0 if value is None else int(value["tasks"])

    def _tell(self, key: str, value: Value) -> None:
        if key.startswith(RESTART):
            self.listeners.restart(
                Restart(
                    connector=key.removeprefix(RESTART),
                    include_tasks=value["include-tasks"],
                    only_failed=value["only-failed"],
                )
            )
        elif key.startswith(RESTART_TASK):
            name, _, number = key.removeprefix(RESTART_TASK).rpartition("-")
            self.listeners.restart(Restart(connector=name, task=int(number)))
        elif key.startswith(LEVEL):
            self.listeners.level(key.removeprefix(LEVEL), value["level"])
