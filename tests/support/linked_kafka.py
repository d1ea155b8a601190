"""A broker that clients reach through a link which a test may cut, hold and slow down."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from devservers.kafka_cluster import KafkaCluster
from devservers.ports import HOST, free_ports
from tests.support.tcp_proxy import TcpProxy, tcp_proxy


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedKafka:
    """`bootstrap` leads through the link, and so does every address that the broker tells."""

    bootstrap: str
    link: TcpProxy


@asynccontextmanager
async def linked_kafka(directory: Path) -> AsyncIterator[LinkedKafka]:
    """A cluster of one broker; it keeps its files in `directory`."""
    port, controller, outside = free_ports(3)
    async with (
        tcp_proxy(f"kafka://{HOST}:{port}", port=outside) as link,
        KafkaCluster(directory=directory, ports=(port, controller), advertised=(outside,)),
    ):
        yield LinkedKafka(bootstrap=f"{HOST}:{outside}", link=link)
