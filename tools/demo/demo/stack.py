"""The stack as data: its addresses, its secrets, and what it was made with. Its parts: `stack_graph.py`."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from auditor.target import Target
from demo.home import Home
from demo.links import StackLinks
from demo.observers import Observers
from demo.read_database import ReadDatabase, read_database
from demo.security import StackSecurity
from devservers.kafka import Broker, Node, cluster
from devservers.ports import HOST, ORDER_INSTANCES, Ports
from devservers.postgres import PostgresInstall
from devservers.private_files import kept_password


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Addresses and secrets of one stack."""

    home: Home
    ports: Ports
    brokers: int
    classpath: str
    postgres: PostgresInstall
    read: ReadDatabase
    peer_secret: str = field(repr=False)
    observers: Observers | None = None
    security: StackSecurity | None = None
    """None: whoever is on this machine may do everything."""
    playground: bool = False
    """Whether the page has switches that break the stack."""

    @classmethod
    def of(  # noqa: PLR0913 - where it is kept, what it consists of
        cls,
        *,
        home: Home,
        ports: Ports,
        brokers: int,
        classpath: str,
        observe: bool = False,
        secure: bool = False,
        playground: bool = False,
    ) -> "Stack":
        """Describe the stack kept in `home`, making passwords that are not there yet."""
        security = StackSecurity.of(home=home, ports=ports) if secure else None
        postgres = PostgresInstall(
            directory=home.data / "postgres",
            port=ports.postgres,
            password=kept_password(home.secrets / "postgres"),
            authority=security.authority if security else None,
        )
        read = read_database(server=postgres, passwords=home.secrets)
        return cls(
            home=home,
            ports=ports,
            brokers=brokers,
            classpath=classpath,
            postgres=postgres,
            read=read,
            peer_secret=kept_password(home.secrets / "order_peers"),
            observers=Observers(home=home, ports=ports, security=security) if observe else None,
            security=security,
            playground=playground,
        )

    @property
    def links(self) -> StackLinks | None:
        """Those of a playground. None: the parts reach each other directly, and no link can be broken."""
        return StackLinks(home=self.home, ports=self.ports, brokers=self.brokers) if self.playground else None

    def bootstrap_of(self, client: str) -> str:
        """The brokers' addresses for one part, through its links where there are any."""
        return self.links.bootstrap(client) if self.links else self.bootstrap

    def dsn_of(self, client: str, dsn: str) -> str:
        """The read database's address for one part, through its link where there is one."""
        return self.links.dsn(client, dsn) if self.links else dsn

    @property
    def bootstrap(self) -> str:
        """The brokers' addresses, as clients take them."""
        return ",".join(f"{HOST}:{self.ports.broker(node)}" for node in range(1, self.brokers + 1))

    @property
    def scheme(self) -> str:
        """What the services' addresses begin with."""
        return "https" if self.security else "http"

    @property
    def verify(self) -> ssl.SSLContext | bool:
        """What a client of the services trusts, as httpx takes it."""
        return self.security.client_context if self.security else True

    @property
    def orders(self) -> dict[str, str]:
        """Base URL of each order instance."""
        return {
            f"order-{n}": f"{self.scheme}://{HOST}:{self.ports.order(n)}"
            for n in range(1, ORDER_INSTANCES + 1)
        }

    @property
    def catalog_url(self) -> str:
        """Base URL of the catalog."""
        return f"{self.scheme}://{HOST}:{self.ports.catalog}"

    @property
    def sink_url(self) -> str:
        """Base URL of the sink worker's REST."""
        return f"{self.scheme}://{HOST}:{self.ports.sink}"

    @property
    def playground_url(self) -> str:
        """Base URL of the playground's control."""
        return f"http://{HOST}:{self.ports.playground}"

    def order_database(self, instance: str) -> Path:
        """File of an order instance."""
        return self.home.data / instance / "orders.db"

    @property
    def audited(self) -> Target:
        """What an audit of this stack reads, whether or not it is up."""
        return Target(
            write_databases={name: f"sqlite:///{self.order_database(name)}" for name in self.orders},
            read_dsn=self.read.catalog_dsn,
            bootstrap=self.bootstrap,
            kafka_login=self.security.kafka_login() if self.security else {},
        )

    def described(self) -> dict[str, Any]:
        """What others need to know of it beside the state of its parts, passwords included (JSON)."""
        return {
            "brokers": self.brokers,
            "port_offset": self.ports.offset,
            "postgres": {
                "admin_dsn": self.postgres.admin_dsn,
                "read_dsn": self.read.owner_dsn,
                "sink_dsn": self.read.sink_dsn,
            },
            "kafka": {"bootstrap": self.bootstrap},
            "audit": self.audited.as_json(),
            "links": list(self.links.names) if self.links else [],
            "cafile": str(self.security.authority.certificate) if self.security else None,
        }

    @property
    def kafka(self) -> tuple[Broker, ...]:
        """The brokers of the cluster."""
        nodes = [
            Node(
                id=n,
                port=self.ports.broker(n),
                controller_port=self.ports.controller(n),
                links=self.links.listeners(n) if self.links else (),
            )
            for n in range(1, self.brokers + 1)
        ]
        return cluster(
            directory=self.home.data / "kafka",
            nodes=nodes,
            classpath=self.classpath,
            security=self.security.kafka if self.security else None,
        )
