"""What the configurations of connectors come to in this process: blueprints, or the reason why there is none."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog

from sink_connector.cluster.config_store import Definition
from sink_connector.errors import ConfigError
from sink_connector.runtime.connector_definition import Blueprint

log = structlog.get_logger()

MakeBlueprint = Callable[[Mapping[str, str | None]], Blueprint]


@dataclass(frozen=True, slots=True)
class Refused:
    """A configuration that cannot be used here: a reference that points at nothing, for one."""

    trace: str


@dataclass(slots=True)
class Plans:
    """Each configuration is read once, when the connector starts: references are resolved then, and kept nowhere else."""

    make: MakeBlueprint
    _made: dict[str, tuple[int, Blueprint | Refused]] = field(default_factory=dict)

    def of(self, definition: Definition) -> Blueprint | Refused:
        revision, plan = self._made.get(definition.name, (None, None))
        if plan is None or revision != definition.revision:
            plan = self._read(definition)
            self._made[definition.name] = (definition.revision, plan)
        return plan

    def reconsider(self, connector: str) -> None:
        """Read a configuration that was refused anew next time."""
        if isinstance(self._made.get(connector, (0, None))[1], Refused):
            del self._made[connector]

    def _read(self, definition: Definition) -> Blueprint | Refused:
        try:
            return self.make(definition.config)
        except ConfigError as error:
            log.error("sink.connector.refused", connector=definition.name, keys=sorted(error.problems))  # noqa: TRY400 - the keys say it all
            return Refused(str(error))
