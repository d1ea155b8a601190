"""What an audit is about: where every side of the system is found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from auditor.observations import Reader

SINK_CONNECTORS = (
    Reader(name="orders", topic="orders", keeps="state"),
    Reader(name="products", topic="products", keeps="state"),
    Reader(name="order-history", topic="orders", keeps="history"),
)


class _TargetFile(msgspec.Struct, forbid_unknown_fields=True):
    write_databases: dict[str, str]
    read_dsn: str
    bootstrap: str
    topic_prefix: str = ""
    kafka_login: dict[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """`write_databases` maps an instance to its database's URL (`sqlite:////path` or `postgresql://…`).

    URLs hold passwords, and a failed test prints its arguments.
    """

    write_databases: Mapping[str, str] = field(repr=False)
    read_dsn: str = field(repr=False)
    bootstrap: str
    topic_prefix: str = ""
    kafka_login: Mapping[str, str] = field(default_factory=dict, repr=False)
    """`cafile`, `username` and `password` for brokers that ask (SASL_SSL, SCRAM-SHA-512); empty for others."""

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Target":
        """Of `{"write_databases": {instance: URL}, "read_dsn": …, "bootstrap": …, "topic_prefix": ""}`.

        Raises:
            ValueError: a key is missing or unknown, or a value is of another type.
        """
        try:
            target = msgspec.convert(content, _TargetFile)
        except msgspec.ValidationError as error:
            raise ValueError(f"this is no description of what to audit: {error}") from error
        return cls(**msgspec.structs.asdict(target))

    def as_json(self) -> dict[str, Any]:
        """What `from_json` reads; it holds passwords."""
        return {
            "write_databases": dict(self.write_databases),
            "read_dsn": self.read_dsn,
            "bootstrap": self.bootstrap,
            "topic_prefix": self.topic_prefix,
            "kafka_login": dict(self.kafka_login),
        }

    def readers(self) -> tuple[Reader, ...]:
        """Everybody who is meant to read a topic to its end."""
        return (
            *SINK_CONNECTORS,
            *(Reader(name=name, topic="products", keeps="replica") for name in self.write_databases),
            *(Reader(name=name, topic=f"inbox.{name}", keeps="inbox") for name in self.write_databases),
        )

    def topics(self) -> tuple[str, ...]:
        """Every topic, as the design names it."""
        return tuple(dict.fromkeys(reader.topic for reader in self.readers()))

    def in_kafka(self, topic: str) -> str:
        """The topic's name in Kafka, of its name in the design."""
        return self.topic_prefix + topic

    def plain(self, name: str) -> str:
        """The topic's name in the design, of its name in Kafka."""
        return name.removeprefix(self.topic_prefix)
