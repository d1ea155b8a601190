"""Basic authentication of the REST interface."""

import httpx
import pytest

from sink_connector.cluster.cluster import Cluster
from sink_connector.config.worker import WorkerConfig
from sink_connector.rest.app import make_app
from tests.support.sink_rest import rest_context_of


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("authorization", "Basic YWRtaW46cMOkc3M=")], 200),  # admin:päss
        ([("authorization", "basic  YWRtaW46cMOkc3M=")], 200),
        ([], 401),
        ([("authorization", "Basic YWRtaW46d3Jvbmc=")], 401),
        ([("authorization", "Basic YWRtaW4=")], 401),
        ([("authorization", "Basic ///")], 401),
        ([("authorization", "Basic /w==")], 401),
        ([("authorization", "Bearer YWRtaW46cMOkc3M=")], 401),
        ([("authorization", "Basic YWRtaW46cMOkc3M=")] * 2, 401),
    ],
)
async def test_only_a_users_own_password_lets_in(headers: list[tuple[str, str]], status: int) -> None:
    config = WorkerConfig()
    context = rest_context_of(Cluster.local(config, set_level=lambda *_: None), config)
    app = make_app(context, knows=lambda user, password: (user, password) == ("admin", "päss"))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        answer = await client.get("/", headers=headers)
        health = await client.get("/health")
    await context.leader_client.aclose()
    assert (answer.status_code, health.status_code) == (status, 200)
    if status != 200:
        assert answer.headers["www-authenticate"].startswith("Basic ")
        assert answer.json() == {"error_code": 401, "message": "User cannot access the resource."}
