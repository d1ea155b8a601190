"""Schemathesis: whatever the API's description allows or forbids to send, the answer is what it says there."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig

from devservers.ports import free_ports
from tests.support.order_api import served_api

PROBLEM = "application/problem+json"
OPERATIONS = [
    ("POST", "/orders"),
    ("GET", "/orders"),
    ("GET", "/orders/{order_id}"),
    ("POST", "/orders/{order_id}/cancel"),
    ("POST", "/orders/{order_id}/ship"),
    ("POST", "/products"),
    ("GET", "/products/{product_id}"),
    ("POST", "/products/{product_id}/restock"),
    ("POST", "/products/{product_id}/price"),
]
WITHOUT_INPUT = [
    ("GET", "/health/live"),
    ("GET", "/metrics"),
]  # /health/ready says 503 here: there is no Kafka
TRIED = [
    *((method, path, mode) for method, path in OPERATIONS for mode in schemathesis.GenerationMode),
    *((method, path, schemathesis.GenerationMode.POSITIVE) for method, path in WITHOUT_INPUT),
]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served_api(tmp_path_factory.mktemp("api"), port=free_ports(1)[0]) as url:
        yield url


def test_every_operation_of_the_description_is_tried(url: str) -> None:
    paths = httpx.get(f"{url}/openapi.json").json()["paths"]
    described = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert described == {*OPERATIONS, *WITHOUT_INPUT, ("GET", "/health/ready")}


def test_commands_describe_their_headers_and_routes_what_they_answer(url: str) -> None:
    paths = httpx.get(f"{url}/openapi.json").json()["paths"]
    for method, path in OPERATIONS:
        operation = paths[path][method.lower()]
        headers = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "header"}
        answers = {int(status) for status in operation["responses"]}
        if method == "GET":
            assert headers == ({"If-None-Match"} if "{" in path else set())
            assert (304 in answers) == ("{" in path)
        else:
            assert headers == {"Idempotency-Key"} | ({"If-Match"} if "{" in path else set())
            assert answers >= {400, 403, 409, 413, 415, 422, 429, 503}
            assert (201 in answers, 412 in answers) == ("{" not in path, "{" in path)
        success = min(answers)
        described = operation["responses"][str(success)]["content"]["application/json"]["schema"]
        assert described["$ref"].endswith(("/OrderView", "/OrderList", "/ProductView"))


@pytest.mark.parametrize(("method", "path", "mode"), TRIED)
def test_every_answer_is_what_the_description_says(
    url: str, method: str, path: str, mode: schemathesis.GenerationMode
) -> None:
    config = SchemathesisConfig.from_dict(
        # A product that nobody knows, or a header that means nothing, is refused although its form is right.
        {"checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", 404, 409, 412, 422, 503]}}}
    )
    operation = schemathesis.openapi.from_url(f"{url}/openapi.json", config=config)[path][method]
    cases: st.SearchStrategy[Any] = operation.as_strategy(generation_mode=mode)

    @given(case=cases)
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def answers(case: Any) -> None:
        response = case.call_and_validate()
        if response.status_code >= 400:
            assert response.headers["content-type"] == [PROBLEM]
            assert response.json()["status"] == response.status_code

    answers()
