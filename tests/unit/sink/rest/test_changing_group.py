"""A worker whose group is changing: it reads, and refuses commands with Connect's own words."""

from collections.abc import Mapping

import httpx
import pytest

from sink_connector.cluster.cluster import Cluster
from sink_connector.cluster.connector_cache import ConnectorCache
from sink_connector.cluster.connector_operations import ConnectorOperations
from sink_connector.config.redaction import Redactor
from sink_connector.config.worker import WorkerConfig
from sink_connector.logs import Loggers
from sink_connector.rest.app import make_app
from sink_connector.rest.dependencies import RestContext
from sink_connector.rest.leader_client import make_leader_client
from sink_connector.runtime.connector_definition import ConnectorDefinition, define_connector
from sink_connector.runtime.stored_offsets import StoredOffsets
from sink_connector.sink.offsets import Partition

CONFIG = WorkerConfig()


def _define(given: Mapping[str, str | None]) -> ConnectorDefinition:
    return define_connector(CONFIG.completed(given), CONFIG)


async def _no_partitions(_: object) -> set[Partition]:
    return set()


@pytest.fixture
def client() -> httpx.AsyncClient:
    """Of a worker that has not joined its group yet; while a group changes, its members are as far as that."""
    cluster = Cluster.of_kafka(CONFIG, client={}, set_level=lambda *_: None)
    context = RestContext(
        cluster=cluster,
        operations=ConnectorOperations(cluster.configs, cluster.statuses, _define),
        offsets=StoredOffsets(_no_partitions),
        loggers=Loggers(),
        define=_define,
        definitions=ConnectorCache(_define),
        redactor=Redactor(),
        leader_client=make_leader_client(),
        cluster_id="cluster",
        from_files=False,
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(make_app(context)), base_url="http://worker")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/connectors"),
        ("PUT", "/connectors/c/config"),
        ("PATCH", "/connectors/c/config"),
        ("DELETE", "/connectors/c"),
        ("PUT", "/connectors/c/pause"),
        ("PUT", "/connectors/c/resume"),
        ("PUT", "/connectors/c/stop"),
        ("POST", "/connectors/c/restart"),
        ("POST", "/connectors/c/tasks/0/restart"),
        ("PUT", "/connectors/c/topics/reset"),
        ("PATCH", "/connectors/c/offsets"),
        ("DELETE", "/connectors/c/offsets"),
    ],
)
async def test_a_command_is_answered_with_409(client: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await client.request(method, path, json={} if method in {"POST", "PUT", "PATCH"} else None)
    assert (answer.status_code, answer.json()) == (
        409,
        {
            "error_code": 409,
            "message": "Cannot complete request because of a conflicting operation (e.g. worker rebalance)",
        },
    )


async def test_a_question_is_answered(client: httpx.AsyncClient) -> None:
    answer = await client.get("/connectors")
    assert (answer.status_code, answer.json()) == (200, [])
