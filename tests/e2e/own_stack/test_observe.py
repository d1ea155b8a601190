"""`./demo up --observe`: orders read back from the real trace store, and what the real Prometheus has of a load."""

import asyncio
import json
import secrets
import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from demo.observers import prometheus_program
from devservers.ports import free_ports
from devservers.zipkin import MOST_SPANS
from tests.support.stack import REPOSITORY, RunningStack
from tests.support.waiting import wait_until

CLIENT = "00f067aa0ba902b7"
SAGA_S = 60
SPANS_AT_ONCE = 500
HISTOGRAMS = (
    "order_http_request_seconds",
    "order_commit_seconds",
    "catalog_leg_seconds",
    "sink_stage_seconds",
)

Edge = tuple[str, str, str]
"""Who did it, what, and what caused it (itself a span's name)."""


@dataclass(frozen=True)
class Trace:
    """A trace as Zipkin has it. Its root is the client's span, which nobody recorded here, or one without a cause."""

    spans: list[dict[str, Any]]

    @property
    def edges(self) -> set[Edge]:
        names = {span["id"]: span["name"] for span in self.spans} | {CLIENT: "client"}
        return {
            (
                span["localEndpoint"]["serviceName"],
                span["name"],
                names[span["parentId"]] if "parentId" in span else "",
            )
            for span in self.spans
        }

    def named(self, service: str, name: str) -> list[dict[str, Any]]:
        return [
            span
            for span in self.spans
            if (span["localEndpoint"]["serviceName"], span["name"]) == (service, name)
        ]


class Store:
    """The trace store of a stack."""

    def __init__(self, stack: RunningStack) -> None:
        self.url = stack.addresses["parts"]["zipkin"]["url"]

    async def trace(self, http: httpx.AsyncClient, traceparent: str, *, until: set[Edge]) -> Trace:
        """The trace, once everything of `until` is in it; what is in it then, if that does not come."""
        found = Trace([])

        async def is_whole() -> bool:
            nonlocal found
            answer = await http.get(f"{self.url}/api/v2/trace/{traceparent[3:35]}")
            if answer.is_success:
                found = Trace(answer.json())
                try:
                    return until <= found.edges
                except KeyError:  # a parent that has not been sent yet
                    return False
            return False

        try:
            await wait_until(is_whole, timeout_s=SAGA_S, what="the trace is whole")
        except AssertionError:
            raise AssertionError(f"missing: {sorted(until - found.edges)}") from None
        return found


def traceparent() -> str:
    return f"00-{secrets.token_hex(16)}-{CLIENT}-01"


def published(part: str, topic: str, cause: str) -> set[Edge]:
    """What follows a record that is for the read side: sent, written by the sink, visible, told to a stream."""
    return {
        (part, f"send {topic}", cause),
        ("sink", f"process {topic}", cause),
        ("catalog", f"visible {topic}", cause),
        ("catalog", f"event {topic}", cause),
    }


def held(owner: str, home: str, cause: str) -> set[Edge]:
    """What `owner` does about a request of stock, until the order at `home` knows."""
    asked, answered = f"process inbox.{owner}", f"process inbox.{home}"
    instances = (f"order-{n}" for n in (1, 2, 3))
    return {
        (home, f"send inbox.{owner}", cause),
        (owner, asked, cause),
        (owner, f"send inbox.{home}", asked),
        (home, answered, asked),
        *published(owner, "products", asked),
        *((instance, "process products", asked) for instance in instances),
    }


@pytest.mark.slow
async def test_an_order_with_two_owners_is_one_trace_from_the_request_to_the_query_that_waited(
    observed: RunningStack, http: httpx.AsyncClient
) -> None:
    trace = traceparent()
    lines = [{"product_id": product, "quantity": 1} for product in ("espresso-beans", "stoneware-mug")]
    async with (
        asyncio.timeout(2 * SAGA_S),
        http.stream("GET", f"{observed.catalog}/stream", timeout=2 * SAGA_S) as stream,
    ):
        events = stream.aiter_lines()  # held on to: without it the stream would be closed
        await anext(events)
        placed = await http.post(
            f"{observed.instances['order-2']}/orders",
            json={"user_id": "ada", "lines": lines},
            headers={"traceparent": trace},
        )
        assert placed.status_code == 201
        queried = await http.get(
            f"{observed.catalog}{placed.headers['location']}",
            headers={
                "traceparent": trace,
                "consistency-token": placed.headers["consistency-token"],
                "prefer": "wait=30",
            },
        )
        assert queried.status_code == 200
        expected = {
            ("order-2", "post /orders", "client"),
            ("order-2", "placeorder", "post /orders"),
            ("order-2", "wait for commit", "placeorder"),
            ("order-2", "commit", "placeorder"),
            *published("order-2", "orders", "placeorder"),
            *held("order-1", "order-2", "placeorder"),
            *held("order-3", "order-2", "placeorder"),
            *published("order-2", "orders", "process inbox.order-2"),
            ("catalog", "get /orders/{order_id}", "client"),
            ("catalog", "wait for token", "get /orders/{order_id}"),
        }
        # The products' events may be told after the order's: the stream is heard until then.
        found = await Store(observed).trace(http, trace, until=expected)
    assert found.edges == expected
    visible = found.named("catalog", "visible orders")[0]["tags"]
    assert {f"sync.{leg}_seconds" for leg in ("relay", "kafka", "apply", "total")} <= visible.keys()
    batch = found.named("sink", "process orders")[0]["tags"]["sink.batch.trace_id"]
    (whole, _) = sorted(
        (await http.get(f"{Store(observed).url}/api/v2/trace/{batch}")).json(),
        key=lambda each: "parentId" in each,
    )
    assert whole["name"].startswith("deliver ")


@pytest.mark.slow
async def test_a_command_that_was_sent_to_another_instance_is_forwarded_within_its_trace(
    observed: RunningStack, http: httpx.AsyncClient
) -> None:
    body = {"user_id": "bob", "lines": [{"product_id": "green-tea", "quantity": 1}]}
    placed = await http.post(f"{observed.instances['order-2']}/orders", json=body)
    order, trace = placed.json()["order_id"], traceparent()
    url = f"{observed.instances['order-1']}/orders/{order}/cancel"
    assert (await http.post(url, headers={"traceparent": trace})).is_success
    route = "post /orders/{order_id}/cancel"
    expected = {
        ("order-1", route, "client"),
        ("order-1", "post", route),
        ("order-2", route, "post"),
        ("order-2", "cancelorder", route),
        ("order-2", "send orders", "cancelorder"),
        ("sink", "process orders", "cancelorder"),
        ("catalog", "visible orders", "cancelorder"),
    }
    found = await Store(observed).trace(http, trace, until=expected)
    assert found.named("order-1", "post")[0]["kind"] == "CLIENT"


@pytest.mark.slow
async def test_a_dead_letter_is_an_error_in_the_trace_of_who_wrote_it(
    observed: RunningStack, http: httpx.AsyncClient
) -> None:
    trace = traceparent()
    async with AIOKafkaProducer(bootstrap_servers=observed.bootstrap) as producer:
        await producer.send_and_wait(
            "orders", key=b"no envelope", value=b"{", headers=[("traceparent", trace.encode())]
        )
    found = await Store(observed).trace(http, trace, until={("sink", "process orders", "client")})
    assert found.edges == {("sink", "process orders", "client")}
    for span in found.spans:
        assert span["tags"]["sink.dead_letter.stage"]
        assert "error" in span["tags"]
    logged = observed.demo("logs", "--trace", trace)
    assert "record.dead_lettered" in logged.stdout


@pytest.mark.slow
async def test_the_page_is_told_where_the_trace_of_an_order_is_shown(
    observed: RunningStack, http: httpx.AsyncClient
) -> None:
    body = {"user_id": "eve", "lines": [{"product_id": "green-tea", "quantity": 1}]}
    placed = await http.post(f"{observed.catalog}/instances/order-1/orders", json=body)
    place, _, trace = placed.headers["trace-url"].rpartition("/")
    assert place == f"{Store(observed).url}/zipkin/traces"
    expected = {
        ("catalog", "post", "post /instances/{instance}/orders"),
        ("order-1", "post /orders", "post"),
        ("catalog", "visible orders", "placeorder"),
    }
    await Store(observed).trace(http, f"00-{trace}", until=expected)
    order_id = placed.json()["order_id"]
    told = (await http.get(f"{observed.catalog}/orders/{order_id}/trace")).raise_for_status().json()
    assert told["records"][0]["trace_url"] == placed.headers["trace-url"]


@pytest.mark.slow
@pytest.mark.skipif(prometheus_program() is None, reason="Prometheus is not installed")
async def test_a_histogram_leads_to_a_trace(observed: RunningStack, http: httpx.AsyncClient) -> None:
    body = {"user_id": "eve", "lines": [{"product_id": "green-tea", "quantity": 1}]}
    (await http.post(f"{observed.instances['order-3']}/orders", json=body)).raise_for_status()
    url = observed.addresses["parts"]["prometheus"]["url"]

    async def exemplars(histogram: str) -> list[str]:
        now = time.time()
        asked: dict[str, str | float] = {"query": f"{histogram}_bucket", "start": now - 600, "end": now + 60}
        told = (await http.get(f"{url}/api/v1/query_exemplars", params=asked)).raise_for_status().json()
        return [each["labels"]["trace_id"] for series in told["data"] for each in series["exemplars"]]

    async def leads_to_a_stored_trace(histogram: str) -> bool:
        stored = [
            await http.get(f"{Store(observed).url}/api/v2/trace/{each}")
            for each in await exemplars(histogram)
        ]
        return any(answer.is_success for answer in stored)

    for histogram in HISTOGRAMS:
        await wait_until(
            partial(leads_to_a_stored_trace, histogram),
            timeout_s=2 * SAGA_S,
            what=f"{histogram} leads to a trace that is stored",
        )


@pytest.mark.slow
async def test_audits_that_run_unattended_serve_their_last_result(
    observed: RunningStack, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    """As the containers of infra/docker/observe.yml run them."""
    (target := tmp_path / "target.json").write_text(json.dumps(observed.addresses["audit"]))
    (port,) = free_ports(1)
    words = ("-m", "auditor.unattended", str(target), "--every", "1", "--wait", "0", "--port", str(port))
    audits = await asyncio.create_subprocess_exec(sys.executable, *words)
    try:

        async def told() -> bool:
            try:
                text = (await http.get(f"http://127.0.0.1:{port}/metrics")).text
            except httpx.TransportError:
                return False  # it has not begun
            return "audit_complete 1.0" in text and "audit_violations " in text

        await wait_until(told, timeout_s=2 * SAGA_S, what="an audit has come to a verdict")
    finally:
        audits.kill()
        await audits.wait()


@pytest.mark.slow
async def test_the_trace_store_that_is_full_forgets_the_oldest_and_goes_on(
    observed: RunningStack, http: httpx.AsyncClient
) -> None:
    """With spans as large as those of this system, a quarter more than it keeps."""
    url = f"{Store(observed).url}/api/v2"
    tags = {f"a.tag.of.a.span.{n}": secrets.token_hex(16) for n in range(18)}
    first = last = ""
    for _ in range(0, MOST_SPANS + MOST_SPANS // 4, SPANS_AT_ONCE):
        last = secrets.token_hex(16)
        first = first or last
        begun = time.time_ns() // 1_000
        spans = [
            {
                "traceId": last,
                "id": secrets.token_hex(8),
                "name": "process orders",
                "timestamp": begun,
                "duration": 1,
                "localEndpoint": {"serviceName": "filler"},
                "tags": tags,
            }
            for _ in range(SPANS_AT_ONCE)
        ]
        (await http.post(f"{url}/spans", json=spans)).raise_for_status()

    async def newest_is_kept() -> bool:
        return (await http.get(f"{url}/trace/{last}")).is_success

    await wait_until(newest_is_kept, what="the newest trace is stored")
    assert (await http.get(f"{url}/trace/{first}")).status_code == 404
    assert observed.deaths()["zipkin"] == 0


@pytest.mark.slow
@pytest.mark.skipif(prometheus_program() is None, reason="Prometheus is not installed")
async def test_after_a_load_and_an_audit_every_query_of_every_dashboard_has_data(
    observed: RunningStack, http: httpx.AsyncClient
) -> None:
    """But for the one about certificates, which only a stack with TLS has (test_observe_secure)."""
    loaded = observed.demo("load", "--orders", "40", "--rate", "10")
    assert loaded.returncode == 0, loaded.stdout + loaded.stderr
    observed.demo("audit", "--wait", "30")
    queries = {
        target["expr"]
        for file in (REPOSITORY / "infra/observability/grafana/dashboards").glob("*.json")
        for panel in json.loads(file.read_text())["panels"]
        for target in panel["targets"]
        if "certificate" not in target["expr"]
    }
    assert len(queries) > 40
    url = observed.addresses["parts"]["prometheus"]["url"]
    for query in sorted(queries):

        async def has_data(query: str = query) -> bool:
            answer = (await http.get(f"{url}/api/v1/query", params={"query": query})).json()
            assert answer["status"] == "success", (query, answer)
            return bool(answer["data"]["result"])

        await wait_until(has_data, what=f"{query} has data")
