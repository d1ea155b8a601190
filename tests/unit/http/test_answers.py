"""What every answer carries, and that there is none outside the service's own format, whatever is asked."""

import contextlib
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families

from tests.support.spans import OPENMETRICS, REQUEST, UNRECORDED, exemplars, recording
from tests.unit.http.conftest import Served

pytestmark = pytest.mark.asyncio(loop_scope="module")

SAFE = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def is_safe(answer: httpx.Response) -> None:
    assert {name: answer.headers.get(name) for name in SAFE} == SAFE
    assert "server" not in answer.headers


@contextlib.contextmanager
def failing(app: FastAPI) -> Iterator[str]:
    """A route that fails, for the time being; its path."""

    @app.get("/failing")
    async def fail() -> None:
        raise RuntimeError("the detail nobody outside may see")

    try:
        yield "/failing"
    finally:
        app.router.routes.pop()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/unknown", 404),
        ("POST", "/unknown/%00/%ff", 404),
        ("GET", "/redoc", 404),
        ("GET", "/docs/oauth2-redirect", 404),
        ("GET", "/docs/..%2fapp.py", 404),
        ("DELETE", "/metrics", 405),
        ("TRACE", "/openapi.json", 405),
        ("FROBNICATE", "/metrics", 405),
    ],
)
async def test_a_refusal_by_the_framework_has_the_service_s_format(
    served: Served, method: str, path: str, status: int
) -> None:
    async with served.client() as http:
        answer = await http.request(method, path)
    assert answer.status_code == status
    assert served.error(answer)[1] == status
    is_safe(answer)
    if status == 405:
        assert answer.headers["allow"] == "HEAD, GET"


async def test_asked_for_the_methods_of_a_path_the_sink_tells_them_as_connect_does(served: Served) -> None:
    async with served.client() as http:
        answer = await http.options("/metrics")
    is_connects = served.requests.startswith("sink_")
    expected = (200, "HEAD, GET, OPTIONS") if is_connects else (405, "HEAD, GET")
    assert (answer.status_code, answer.headers["allow"]) == expected
    is_safe(answer)


async def test_an_answer_is_safe(served: Served) -> None:
    async with served.client() as http:
        for path in (served.read, "/metrics", "/openapi.json"):
            answer = await http.get(path)
            assert answer.status_code == 200
            is_safe(answer)


async def test_a_defect_is_an_error_in_the_service_s_format_that_tells_nothing(served: Served) -> None:
    with failing(served.app) as path:
        async with served.client() as http:
            answer = await http.get(path)
            head = await http.head(path)
    assert (answer.status_code, served.error(answer)[1]) == (500, 500)
    assert "nobody outside" not in answer.text
    is_safe(answer)
    assert (head.status_code, head.content) == (500, b"")


def counted(exposition: str, name: str, **labels: str) -> float:
    samples = (sample for family in text_string_to_metric_families(exposition) for sample in family.samples)
    return sum(each.value for each in samples if each.name == name and labels.items() <= each.labels.items())


async def test_a_defect_is_counted_with_its_status(served: Served) -> None:
    with failing(served.app) as path:
        async with served.client() as http:

            async def defects() -> float:
                text = (await http.get("/metrics")).text
                return counted(text, served.requests, method="GET", status="500")

            before = await defects()
            await http.get(path)
            assert await defects() == before + 1


async def test_metrics_are_openmetrics_for_who_accepts_that_and_prometheus_text_for_all_others(
    served: Served,
) -> None:
    async with served.client() as http:
        plain = await http.get("/metrics")
        asked = await http.get("/metrics", headers={"accept": f"{OPENMETRICS}, text/plain;q=0.5"})
    assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert asked.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert "# EOF" not in plain.text
    named = [
        {sample.name for family in families for sample in family.samples}
        for families in (
            text_string_to_metric_families(plain.text),
            openmetrics_families(asked.text),  # type: ignore[no-untyped-call]
        )
    ]
    assert named[0]
    assert named[0] <= named[1]


async def test_a_recorded_request_is_an_exemplar_of_its_time_and_no_other_is(served: Served) -> None:
    if served.telemetry is None:
        pytest.skip("its requests are no part of a record's way")
    unknown = "/no/such/path"
    async with served.client() as http:
        await http.get(unknown, headers={"traceparent": REQUEST})
        with recording(served.telemetry):
            await http.get(unknown, headers={"traceparent": UNRECORDED})
            scrape = {"accept": OPENMETRICS}
            before = (await http.get("/metrics", headers=scrape)).text
            await http.get(unknown, headers={"traceparent": REQUEST})
            after = (await http.get("/metrics", headers=scrape)).text
    histogram = served.requests.removesuffix("_count")
    assert exemplars(before, histogram, status="404") == set()
    assert exemplars(after, histogram, status="404") == {REQUEST[3:35]}


async def test_methods_that_nobody_knows_do_not_fill_the_metrics(served: Served) -> None:
    async with served.client() as http:
        for number in range(3):
            await http.request(f"MADEUP{number}", served.read)
        assert "MADEUP" not in (await http.get("/metrics")).text


async def test_head_is_answered_wherever_get_is(served: Served) -> None:
    paths: dict[str, Any] = served.app.openapi()["paths"]
    plain = [path for path, methods in paths.items() if "get" in methods and "{" not in path]
    async with served.client() as http:
        for path in [*plain, "/docs", "/docs/swagger-ui.css", served.read]:
            head = await http.head(path)
            assert head.content == b"", path
            if path == "/stream":
                continue  # without a database there is no snapshot, and with one GET does not end
            got = await http.get(path)
            assert (head.status_code, head.headers.get("content-type")) == (
                got.status_code,
                got.headers.get("content-type"),
            ), path


async def test_a_slash_at_the_end_leads_nowhere_else(served: Served) -> None:
    async with served.client() as http:
        answer = await http.get("/metrics/", follow_redirects=False)
    assert answer.status_code in {200, 404}  # Connect's paths may end in one
    assert "location" not in answer.headers


async def test_the_description_is_shown_from_files_of_the_service_alone(served: Served) -> None:
    async with served.client() as http:
        page = await http.get("/docs")
        policy = dict(
            part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";")
        )
        assert (policy["default-src"], policy["script-src"], policy["style-src"]) == (
            "'none'",
            "'self'",
            "'self'",
        )
        assert policy["frame-ancestors"] == "'none'"
        assert "http://" not in page.text
        assert "https://" not in page.text
        assert page.text.count("<script") == page.text.count("<script src=")
        for name, media_type in (
            ("swagger-ui-bundle.js", "text/javascript"),
            ("swagger-ui.css", "text/css"),
            ("start.js", "text/javascript"),
        ):
            assert f'"docs/{name}"' in page.text
            file = await http.get(f"/docs/{name}")
            assert (file.status_code, file.headers["content-type"]) == (200, f"{media_type}; charset=utf-8")
            assert file.headers["x-content-type-options"] == "nosniff"
