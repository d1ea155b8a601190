"""A worker's REST interface in the test's own process, over a cluster of one that keeps everything in memory."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx

from sink_connector.cluster.cluster import Cluster
from sink_connector.cluster.connector_cache import ConnectorCache
from sink_connector.cluster.connector_operations import ConnectorOperations
from sink_connector.config.worker import WorkerConfig
from sink_connector.logs import Loggers
from sink_connector.rest.app import make_app
from sink_connector.rest.dependencies import RestContext
from sink_connector.rest.leader_client import make_leader_client
from sink_connector.runtime.connector_definition import ConnectorDefinition, define_connector
from sink_connector.runtime.stored_offsets import Partitions, StoredOffsets
from sink_connector.sink.offsets import Partition

CONNECTOR = {
    "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector",
    "topics": "a",
    "connection.url": "postgresql://127.0.0.1:1/shop",  # an address: names are looked up for seconds where there is no network
}


async def no_partitions() -> set[Partition]:
    """What a cluster without topics answers."""
    return set()


def rest_context_of(
    cluster: Cluster, config: WorkerConfig, *, partitions: Partitions = no_partitions
) -> RestContext:
    """What the routes work with; nothing runs behind it."""

    def define(given: Mapping[str, str | None]) -> ConnectorDefinition:
        return define_connector(given, config)

    return RestContext(
        cluster=cluster,
        operations=ConnectorOperations(cluster.configs, cluster.statuses, define),
        offsets=StoredOffsets(partitions),
        loggers=Loggers(),
        define=define,
        definitions=ConnectorCache(define),
        redactor=config.providers.redactor,
        leader_client=make_leader_client(),
        cluster_id="cluster",
        from_files=False,
        tells_topics=config.tells_topics,
        forgets_topics=config.forgets_topics,
    )


@asynccontextmanager
async def rest_client(
    config: WorkerConfig | None = None, *, partitions: Partitions = no_partitions
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a worker whose connectors are only written down, never started."""
    settings = WorkerConfig() if config is None else config
    cluster = Cluster.local(settings, set_level=lambda *_: None)
    await cluster.configs.open()
    await cluster.statuses.open()
    context = rest_context_of(cluster, settings, partitions=partitions)
    transport = httpx.ASGITransport(
        make_app(context, serves_log_levels=settings.serves_log_levels), raise_app_exceptions=False
    )
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client
    await context.leader_client.aclose()
