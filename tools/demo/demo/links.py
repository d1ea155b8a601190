"""The links of a playground, which can be broken: each part that is named here reaches the others through a proxy of its own.

A broker tells a client where all brokers are, so each client has a listener of its own at every broker, which tells it the
ways through its proxies. The brokers copy from each other by such links, too. What tests, tools and a person use is not among
them: those reach every server directly.
"""

import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from demo.environment import base_environment
from demo.home import Home
from demo.supervisor.graph import Service
from devservers import links
from devservers.kafka import LinkListener
from devservers.links import Route
from devservers.ports import HOST, ORDER_INSTANCES, Ports
from devservers.private_files import write_private

PART = "links"
BROKERS = "kafka"
"""The brokers as each other's clients."""
DATABASE = "postgres"
OF_DATABASE = ("sink", "catalog")
OF_KAFKA = (BROKERS, *OF_DATABASE, *(f"order-{n}" for n in range(1, ORDER_INSTANCES + 1)))


@dataclass(frozen=True, slots=True, kw_only=True)
class StackLinks:
    """Of a stack with these `ports`. A link is called after its two ends: `order-1:kafka`, `kafka:kafka-2`, `sink:postgres`."""

    home: Home
    ports: Ports
    brokers: int

    def bootstrap(self, client: str) -> str:
        """The brokers' addresses for one client, through its links."""
        return ",".join(
            f"{HOST}:{self.ports.link(OF_KAFKA.index(client), node)}" for node in range(1, self.brokers + 1)
        )

    def dsn(self, client: str, dsn: str) -> str:
        """The address of the database for one client, through its link."""
        address = urlsplit(dsn)
        place = f"{HOST}:{self._database_port(client)}"
        return urlunsplit(address._replace(netloc=f"{address.netloc.rpartition('@')[0]}@{place}"))

    def listeners(self, node: int) -> tuple[LinkListener, ...]:
        """What broker `node` has beside its own listener, one for each client."""
        return tuple(
            LinkListener(
                name=client.replace("-", "_").upper(),
                port=self.ports.linked_broker(number, node),
                advertised_port=self.ports.link(number, node),
                between_brokers=client == BROKERS,
            )
            for number, client in enumerate(OF_KAFKA)
        )

    @property
    def routes(self) -> tuple[Route, ...]:
        """Every way from a client to a server."""
        to_kafka = (
            Route(
                link=f"{client}:kafka-{node}" if client == BROKERS else f"{client}:kafka",
                listen=self.ports.link(number, node),
                target=self.ports.linked_broker(number, node),
            )
            for number, client in enumerate(OF_KAFKA)
            for node in range(1, self.brokers + 1)
        )
        to_database = (
            Route(link=f"{client}:{DATABASE}", listen=self._database_port(client), target=self.ports.postgres)
            for client in OF_DATABASE
        )
        return (*to_kafka, *to_database)

    @property
    def names(self) -> tuple[str, ...]:
        """Of all links."""
        return tuple(dict.fromkeys(route.link for route in self.routes))

    @property
    def control(self) -> Path:
        """Where faults of links are asked for."""
        return self.home.links_socket

    def part(self) -> Service:
        """What forwards."""
        file = self.home.data / "links.json"
        write_private(file, links.as_json(self.routes))

        async def ready() -> bool:
            with suppress(links.LinkError):
                return bool(await links.states(self.control))
            return False

        return Service(
            name=PART,
            command=(sys.executable, "-m", "devservers.links", str(file), str(self.control)),
            ready=ready,
            env=base_environment(),
        )

    def _database_port(self, client: str) -> int:
        return self.ports.link(len(OF_KAFKA) + OF_DATABASE.index(client), 1)
