"""Where a trace can be looked at: told when it is recorded and there is a store, and never otherwise."""

from types import ModuleType

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr, ValidationError

from catalog_service import telemetry
from catalog_service.gateway.command_proxy import instance_routes
from catalog_service.http.trace_links import TraceLinks
from catalog_service.settings import Settings
from tests.support.spans import REQUEST, UNRECORDED, recording

STORE = "http://127.0.0.1:9411/zipkin/traces/{trace_id}"


def settings(trace_url: str | None) -> Settings:
    return Settings(
        database_url=SecretStr("postgresql://nobody@127.0.0.1:1/none"),
        kafka_bootstrap="127.0.0.1:1",
        trace_url=trace_url,
    )


@pytest.mark.parametrize(
    ("template", "traceparent", "link"),
    [
        (STORE, REQUEST, f"http://127.0.0.1:9411/zipkin/traces/{REQUEST[3:35]}"),
        (STORE, UNRECORDED, None),
        (STORE, "00-no-traceparent", None),
        (STORE, "", None),
        (STORE, None, None),
        (None, REQUEST, None),
    ],
)
def test_a_recorded_trace_has_a_link_where_there_is_a_store(
    template: str | None, traceparent: str | None, link: str | None
) -> None:
    assert TraceLinks(template).of(traceparent) == link


@pytest.mark.parametrize(
    "template",
    ["http://traces.example/", "javascript:alert('{trace_id}')", "http://a b/{trace_id}", "{trace_id}"],
)
def test_a_template_that_leads_nowhere_is_refused_at_the_start(template: str) -> None:
    with pytest.raises(ValidationError, match="trace_url"):
        settings(template)
    assert settings(STORE).trace_url == STORE


async def placed(*, links: TraceLinks, recorded: ModuleType | None) -> httpx.Response:
    """The catalog's answer to a command for an instance, which gets the `traceparent` that it was sent with as its body."""

    def instance(request: httpx.Request) -> httpx.Response:
        return httpx.Response(201, text=request.headers.get("traceparent", ""))

    app = FastAPI()
    async with httpx.AsyncClient(transport=httpx.MockTransport(instance)) as behind:
        app.include_router(instance_routes({"order-1": "http://order-1"}, behind, links))
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://catalog") as http:
            if recorded is None:
                return await http.post("/instances/order-1/orders", json={})
            with recording(recorded):
                return await http.post("/instances/order-1/orders", json={})


async def test_a_command_of_the_page_is_answered_with_the_address_of_its_trace() -> None:
    answer = await placed(links=TraceLinks(STORE), recorded=telemetry)
    assert answer.headers["trace-url"] == STORE.replace("{trace_id}", answer.text[3:35])
    assert telemetry.is_sampled(answer.text)


@pytest.mark.parametrize(
    ("links", "recorded"),
    [(TraceLinks(STORE), None), (TraceLinks(None), telemetry)],
    ids=["no trace", "no store"],
)
async def test_without_a_trace_or_a_store_there_is_no_address(
    links: TraceLinks, recorded: ModuleType | None
) -> None:
    assert "trace-url" not in (await placed(links=links, recorded=recorded)).headers
