"""A worker whose group is changing: it reads, and refuses commands with Connect's own words."""

import httpx
import pytest

from sink_connector.cluster.cluster import Cluster
from sink_connector.config.worker import WorkerConfig
from sink_connector.rest.app import make_app
from tests.support.sink_rest import rest_context_of

CONFIG = WorkerConfig()


@pytest.fixture
def client() -> httpx.AsyncClient:
    """Of a worker that has not joined its group yet; while a group changes, its members are as far as that."""
    context = rest_context_of(Cluster.of_kafka(CONFIG, client={}, set_level=lambda *_: None), CONFIG)
    transport = httpx.ASGITransport(make_app(context))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")


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
