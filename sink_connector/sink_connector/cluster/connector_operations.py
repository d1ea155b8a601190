"""What a user may do with connectors. Everything here is a change of the group's log; the workers follow it.

In a group, the leader alone does these, so that two of them never decide at once; see `rest.leader_client`.
"""

from dataclasses import dataclass

import structlog

from sink_connector.cluster.config_store import Config, ConfigStore, ConnectorSpec, Restart, TargetState
from sink_connector.cluster.connector_cache import DefineConnector
from sink_connector.cluster.status_store import Status, StatusStore, TaskId
from sink_connector.config.connector import warnings_of
from sink_connector.config.definition import CLASSES, is_connector_class
from sink_connector.config.parser import ignored_keys
from sink_connector.config.secrets import retained
from sink_connector.errors import ConfigError, SinkError
from sink_connector.runtime.states import State

log = structlog.get_logger()


class NotFoundError(SinkError):
    """There is no such connector, task or plugin."""


class AlreadyExistsError(SinkError):
    """The name belongs to a connector already."""


class InvalidRequestError(SinkError):
    """The request contradicts itself or the state things are in; asking again changes nothing."""


@dataclass(slots=True)
class ConnectorOperations:
    """The commands. Each checks, writes, and returns when this worker has applied what it wrote."""

    configs: ConfigStore
    statuses: StatusStore
    define: DefineConnector

    def known(self, name: str, message: str = "Connector {} not found") -> ConnectorSpec:
        """Raises `NotFoundError`."""
        spec = self.configs.get(name)
        if spec is None:
            raise NotFoundError(message.format(name))
        return spec

    async def create(self, name: str, config: Config, target: TargetState | None) -> ConnectorSpec:
        """Raises `AlreadyExistsError`, `InvalidRequestError` and `ConfigError`."""
        config = named(name, config)
        await self.configs.log.catch_up()
        self._check(config)
        if self.configs.get(name) is not None:
            raise AlreadyExistsError(f"Connector {name} already exists")
        await self.configs.put(name, config, target=target)
        return self.known(name)

    async def put(self, name: str, config: Config) -> tuple[ConnectorSpec, bool]:
        """The spec, and whether it is a new one. Raises `InvalidRequestError` and `ConfigError`."""
        config = named(name, config)
        await self.configs.log.catch_up()
        before = self.configs.get(name)
        if before is not None:
            config = retained(config, before.config)
        self._check(config)
        if before is None or before.config != config:  # else it is so already, and its tasks just go on
            await self.configs.put(name, config)
        return self.known(name), before is None

    async def patch(self, name: str, changes: Config) -> ConnectorSpec:
        """A key given null goes. Raises `NotFoundError`, `InvalidRequestError` and `ConfigError`."""
        await self.configs.log.catch_up()
        merged = {**self.known(name).config, **changes}
        remaining = {key: value for key, value in merged.items() if key not in changes or value is not None}
        spec, _ = await self.put(name, remaining)
        return spec

    async def delete(self, name: str) -> None:
        """Raises `NotFoundError`."""
        await self.configs.log.catch_up()
        self.known(name)
        await self.configs.remove(name)

    async def aim(self, name: str, target: TargetState) -> None:
        """Pause, resume or stop. Raises `NotFoundError`."""
        await self.configs.log.catch_up()
        if self.known(name, "Unknown connector {}").target is not target:
            await self.configs.aim(name, target)

    async def restart(self, restart: Restart) -> tuple[Status, list[tuple[TaskId, Status]]]:
        """The statuses to be: what is restarted, RESTARTING. Raises `NotFoundError`."""
        await self.configs.log.catch_up()
        self.known(restart.connector, "Unknown connector: {}")
        connector = self.statuses.connectors.get(restart.connector)
        if connector is None:
            raise NotFoundError(f"Status for connector {restart.connector} not found")

        def planned(status: Status, *, included: bool) -> Status:
            restarts = included and (status.state is State.FAILED or not restart.only_failed)
            return Status(
                state=State.RESTARTING if restarts else status.state,
                worker=status.worker,
                trace=status.trace,
                version=status.version,
            )

        tasks = [
            (task, planned(status, included=restart.include_tasks))
            for task, status in self.statuses.of(restart.connector)
        ]
        await self.configs.restart(restart)
        return planned(connector, included=True), tasks

    async def restart_task(self, connector: str, number: int) -> None:
        """Raises `NotFoundError`."""
        await self.configs.log.catch_up()
        if not 0 <= number < self.known(connector, "Unknown connector: {}").tasks:
            raise NotFoundError(f"Unknown task: {connector}-{number}")
        await self.configs.restart(Restart(connector=connector, task=number))

    def _check(self, config: Config) -> None:
        connector_class = config.get("connector.class")
        if not connector_class:
            written = ", ".join(f"{key}={value}" for key, value in config.items() if key == "name")
            raise InvalidRequestError(f"Connector config {{{written}}} contains no connector type")
        if not is_connector_class(connector_class):
            raise InvalidRequestError(
                f"Failed to find any class that implements Connector and which name matches {connector_class}, "
                f"available connectors are: {', '.join(CLASSES)}"
            )
        definition = self.define(config)
        for warning in warnings_of(definition.config):
            log.warning("connector.option_ignored", connector=config.get("name"), warning=warning)
        for key, why in ignored_keys(
            {key: value for key, value in config.items() if value is not None}
        ).items():
            log.warning("connector.key_ignored", connector=config.get("name"), key=key, reason=f"{key} {why}")


def named(name: str, config: Config) -> Config:
    """The configuration with its connector's name in it. Raises `InvalidRequestError` when it has another there."""
    written = config.get("name")
    if written is not None and written != name:
        raise InvalidRequestError(
            f"Connector name configuration ({written}) doesn't match connector name in the URL ({name})"
        )
    if not name.strip():
        raise ConfigError({"name": ["must not be empty"]})
    return {**config, "name": name}


def refused(error: ConfigError) -> str:
    """What Connect answers to a configuration that cannot be used."""
    problems = [f"{key} {problem}" for key, found in error.problems.items() for problem in found]
    return "\n".join(
        (
            f"Connector configuration is invalid and contains the following {len(problems)} error(s):",
            *problems,
            "You can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`",
        )
    )
