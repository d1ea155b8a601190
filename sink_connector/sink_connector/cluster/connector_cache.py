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
    """Each configuration is read when its connector starts, or starts anew: references are resolved then, and kept nowhere else."""

    define: DefineConnector
    _made: dict[str, tuple[int, ConnectorDefinition | RefusedConnector]] = field(default_factory=dict)

    def of(self, spec: ConnectorSpec) -> ConnectorDefinition | RefusedConnector:
        """The definition of a connector, or why it has none. Raises for nothing that a configuration holds."""
        revision, made = self._made.get(spec.name, (None, None))
        if made is None or revision != spec.revision:
            made = self._read(spec)
            self._made[spec.name] = (spec.revision, made)
        return made

    def refuse(self, spec: ConnectorSpec, reason: str) -> None:
        """Note that a connector cannot run here, until its configuration changes or it is reconsidered."""
        self._made[spec.name] = (spec.revision, RefusedConnector(reason))

    def start(self, spec: ConnectorSpec) -> ConnectorDefinition | RefusedConnector:
        """The definition for a connector that starts now, read anew unless it was refused: it may have been read long ago."""
        if not isinstance(self.of(spec), RefusedConnector):
            self.forget(spec.name)
        return self.of(spec)

    def renew(self, spec: ConnectorSpec) -> ConnectorDefinition | RefusedConnector:
        """A configuration read anew, for a connector that runs: what it refers to may be another by now.

        Where it cannot be used any more, what runs of the connector keeps what it was made of.
        """
        made = self._read(spec)
        if not isinstance(made, RefusedConnector):
            self._made[spec.name] = (spec.revision, made)
        return made

    def forget(self, connector: str) -> None:
        """Read a configuration anew next time."""
        self._made.pop(connector, None)

    def reconsider(self, connector: str) -> None:
        """Read a configuration that was refused anew next time."""
        if isinstance(self._made.get(connector, (0, None))[1], RefusedConnector):
            self.forget(connector)

    def forget_all_but(self, connectors: list[str]) -> None:
        """Drop what is known of connectors that are gone; it holds secrets."""
        for name in self._made.keys() - set(connectors):
            self.forget(name)

    def _read(self, spec: ConnectorSpec) -> ConnectorDefinition | RefusedConnector:
        try:
            return self.define({**spec.config, "name": spec.name})  # whatever somebody has written there
        except ConfigError as error:
            log.error("connector.refused", connector=spec.name, keys=sorted(error.problems))  # noqa: TRY400 - the keys say it all
            return RefusedConnector(str(error))
        except MemoryError:
            raise  # the process is short of it, which says nothing of the configuration
        except Exception as error:  # noqa: BLE001 - whatever a configuration leads to is that connector's, not the worker's end
            log.error("connector.refused", connector=spec.name, error=repr(error))  # noqa: TRY400 - as above
            return RefusedConnector(f"the configuration cannot be used: {error!r}")
