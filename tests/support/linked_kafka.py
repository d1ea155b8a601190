"""Brokers that clients, or the other brokers, reach through links which a test may cut, hold and slow down."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from devservers.kafka import LinkListener
from devservers.kafka_cluster import KafkaCluster
from devservers.ports import HOST, free_ports
from devservers.tcp_proxy import TcpProxy, tcp_proxy


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedKafka:
    """`bootstrap` leads through the link, and so does every address that the broker tells there; `direct` does not."""

    bootstrap: str
    direct: str
    link: TcpProxy


@asynccontextmanager
async def linked_kafka(directory: Path) -> AsyncIterator[LinkedKafka]:
    """A cluster of one broker; it keeps its files in `directory`."""
    inside, outside = free_ports(2)
    listener = LinkListener(name="LINK", port=inside, advertised_port=outside)
    async with (
        tcp_proxy(f"kafka://{HOST}:{inside}", port=outside) as link,
        KafkaCluster(directory=directory, links=[[listener]]) as kafka,
    ):
        yield LinkedKafka(bootstrap=f"{HOST}:{outside}", direct=kafka.bootstrap, link=link)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedBrokers:
    """Three brokers; `links[n]` is what the others reach the one with id `n + 1` by. Clients reach all directly.

    `quorum[n]` is what the controller of that id is reached by, by the other two and by the brokers.
    """

    bootstrap: str
    links: tuple[TcpProxy, ...]
    quorum: tuple[TcpProxy, ...]


@asynccontextmanager
async def linked_brokers(directory: Path) -> AsyncIterator[LinkedBrokers]:
    """They keep their files in `directory`."""
    ports = free_ports(15)
    own, inside, outside, through = ports[:6], ports[6:9], ports[9:12], ports[12:]
    async with AsyncExitStack() as running:

        async def proxies(servers: Sequence[int], doors: Sequence[int]) -> tuple[TcpProxy, ...]:
            return tuple(
                [
                    await running.enter_async_context(tcp_proxy(f"kafka://{HOST}:{server}", port=door))
                    for server, door in zip(servers, doors, strict=True)
                ]
            )

        links = await proxies(inside, outside)
        quorum = await proxies(own[3:], through)
        listeners = [
            [LinkListener(name="BETWEEN", port=port, advertised_port=door, between_brokers=True)]
            for port, door in zip(inside, outside, strict=True)
        ]
        kafka = await running.enter_async_context(
            KafkaCluster(directory=directory, brokers=3, ports=own, links=listeners, controller_links=through)
        )
        yield LinkedBrokers(bootstrap=kafka.bootstrap, links=links, quorum=quorum)
