"""What the configurations of connectors come to in this process: definitions, or the reason why there is none."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

from sink_connector.cluster.config_store import ConnectorSpec
from sink_connector.errors import ConfigError
from sink_connector.runtime.connector_definition import ConnectorDefinition

log = structlog.get_logger()

DefineConnector = Callable[[Mapping[str, str | None]], ConnectorDefinition]


@dataclass(frozen=True, slots=True)
class RefusedConnector:
    """A configuration that cannot be used here: a reference that points at nothing, for one."""

    trace: str


@dataclass(slots=True)
class ConnectorCache:
    """Each configuration is read once, when the connector starts: references are resolved then, and kept nowhere else."""

    make: DefineConnector
    _made: dict[str, tuple[int, ConnectorDefinition | RefusedConnector]] = field(default_factory=dict)

    def of(self, spec: ConnectorSpec) -> ConnectorDefinition | RefusedConnector:
        revision, definition = self._made.get(spec.name, (None, None))
        if definition is None or revision != spec.revision:
            definition = self._read(spec)
            self._made[spec.name] = (spec.revision, definition)
        return definition

    def reconsider(self, connector: str) -> None:
        """Read a configuration that was refused anew next time."""
        if isinstance(self._made.get(connector, (0, None))[1], RefusedConnector):
            del self._made[connector]

    def _read(self, spec: ConnectorSpec) -> ConnectorDefinition | RefusedConnector:
        try:
            return self.make(spec.config)
        except ConfigError as error:
            log.error("sink.connector.refused", connector=spec.name, keys=sorted(error.problems))  # noqa: TRY400 - the keys say it all
            return RefusedConnector(str(error))
