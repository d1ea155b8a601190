"""Which of `consumer.override.*` a connector may have: Connect's `connector.client.config.override.policy`."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sink_connector.errors import ConfigError

POLICY, ALLOWED = "connector.client.config.override.policy", "connector.client.config.override.allowlist"
PREFIX = "consumer.override."
_PACKAGE, _SUFFIX = "org.apache.kafka.connect.connector.policy.", "ConnectorClientConfigOverridePolicy"
_LOG_IN = frozenset({"sasl.jaas.config", "sasl.mechanism", "security.protocol"})
_ALLOWS: Mapping[str, frozenset[str] | None] = {"All": None, "None": frozenset(), "Principal": _LOG_IN}
LISTED = "Allowlist"


@dataclass(frozen=True, slots=True)
class OverridePolicy:
    """`allowed` are the names of Kafka's settings that may be overridden, None for all of them."""

    name: str = "All"
    allowed: frozenset[str] | None = None

    def problems_of(self, given: Collection[str]) -> dict[str, list[str]]:
        """What is not allowed of a connector's keys."""
        if self.allowed is None:
            return {}
        overridden = (key for key in given if key.startswith(PREFIX))
        refused = (key for key in overridden if key.removeprefix(PREFIX) not in self.allowed)
        return {key: [f"may not be set: this worker has {POLICY}={self.name}"] for key in refused}


def read_override_policy(values: Mapping[str, str]) -> OverridePolicy:
    """What a worker's settings say; everything is allowed unless they do. Raises `ConfigError` for a policy that is not there."""
    written = values.get(POLICY, "").strip() or "All"
    name = written.removeprefix(_PACKAGE).removesuffix(_SUFFIX)
    if name == LISTED:
        return OverridePolicy(name, frozenset(each.strip() for each in values.get(ALLOWED, "").split(",")))
    if name not in _ALLOWS:
        known = ", ".join((*_ALLOWS, LISTED))
        raise ConfigError({POLICY: [f"is {written!r}, and classes cannot be loaded here; known are {known}"]})
    return OverridePolicy(name, _ALLOWS[name])
