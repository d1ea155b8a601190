"""What an audit is about: where every side of the system is found."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from auditor.observations import Reader
from demo.stack import Stack

SINK_CONNECTORS = (
    Reader(name="orders", topic="orders", keeps="state"),
    Reader(name="products", topic="products", keeps="state"),
    Reader(name="order-history", topic="orders", keeps="history"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """`write_databases` maps an instance to its database's URL (`sqlite:////path` or `postgresql://…`).

    URLs hold passwords, and a failed test prints its arguments.
    """

    write_databases: Mapping[str, str] = field(repr=False)
    read_dsn: str = field(repr=False)
    bootstrap: str
    topic_prefix: str = ""

    @classmethod
    def of(cls, stack: Stack) -> "Target":
        """Everything `stack` runs, whether or not it is up."""
        return cls(
            write_databases={name: f"sqlite:///{stack.order_database(name)}" for name in stack.orders},
            read_dsn=stack.read.catalog_dsn,
            bootstrap=stack.bootstrap,
        )

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
        return self.topic_prefix + topic

    def plain(self, name: str) -> str:
        """The topic's name in the design, of its name in Kafka."""
        return name.removeprefix(self.topic_prefix)
