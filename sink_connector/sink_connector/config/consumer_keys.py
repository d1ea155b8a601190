"""Kafka's settings of a consumer that `consumer.override.…` can name, and what a value of each may be."""

from collections.abc import Mapping
from dataclasses import dataclass

from sink_connector.config.numbers import whole_number

INT_MAX, LONG_MAX = 2**31 - 1, 2**63 - 1


@dataclass(frozen=True, slots=True)
class Text:
    """Any text; with `required`, none that is empty."""

    option: str
    required: bool = False

    def read(self, written: str) -> str:
        """Raises `ValueError`."""
        if self.required and not written:
            raise ValueError("must not be empty")
        return written


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    option: str

    def read(self, written: str) -> bool:
        """Raises `ValueError`."""
        if written.lower() not in {"true", "false"}:
            raise ValueError("must be true or false")
        return written.lower() == "true"


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number between bounds. With `negative_is_none` what is below 0 is no limit."""

    option: str
    least: int = 0
    most: int = INT_MAX
    negative_is_none: bool = False

    def read(self, written: str) -> int | None:
        """At most an int of Java's, which is more than anybody waits. Raises `ValueError`."""
        try:
            number = whole_number(written)
        except ValueError:
            raise ValueError("must be a whole number") from None
        if number < 0 and self.negative_is_none:
            return None
        if not self.least <= number <= self.most:
            raise ValueError(
                f"must be at least {self.least}" if number < self.least else f"must be at most {self.most}"
            )
        return min(number, INT_MAX)


# Kafka's names → aiokafka's. The bounds are Kafka's own, but for a 0 with which nothing would work.
CONSUMER: Mapping[str, Text | Flag | Number] = {
    "bootstrap.servers": Text("bootstrap_servers"),
    "client.id": Text("client_id"),
    "group.id": Text("group_id"),
    "group.instance.id": Text("group_instance_id", required=True),
    "session.timeout.ms": Number("session_timeout_ms", least=1),
    "heartbeat.interval.ms": Number("heartbeat_interval_ms", least=1),
    "max.poll.interval.ms": Number("max_poll_interval_ms", least=1),
    "max.poll.records": Number("max_poll_records", least=1),
    "fetch.min.bytes": Number("fetch_min_bytes"),
    "fetch.max.bytes": Number("fetch_max_bytes"),
    "fetch.max.wait.ms": Number("fetch_max_wait_ms"),
    "max.partition.fetch.bytes": Number("max_partition_fetch_bytes"),
    "auto.offset.reset": Text("auto_offset_reset"),
    "isolation.level": Text("isolation_level"),
    "check.crcs": Flag("check_crcs"),
    "request.timeout.ms": Number("request_timeout_ms", least=1),
    "retry.backoff.ms": Number("retry_backoff_ms", most=LONG_MAX),
    "metadata.max.age.ms": Number("metadata_max_age_ms", least=1, most=LONG_MAX),
    "connections.max.idle.ms": Number("connections_max_idle_ms", most=LONG_MAX, negative_is_none=True),
    "client.rack": Text("client_rack"),
    "security.protocol": Text("security_protocol"),
    "sasl.mechanism": Text("sasl_mechanism"),
    "sasl.username": Text("sasl_plain_username"),
    "sasl.password": Text("sasl_plain_password"),
}
# Begins what else a client of Kafka may be told: what of it is not known is refused, not passed over.
SECURITY = ("security.", "sasl.", "ssl.")
