"""`./demo up --observe`: orders read back from the real trace store, and what the real Prometheus has of a load."""

import asyncio
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from demo.observers import prometheus_program
from devservers.ports import Ports, taken
from tests.support.stack import REPOSITORY, RunningStack, described, run_demo
from tests.support.waiting import wait_until

START_TIMEOUT_S = 400
OFFSETS = range(14_000, 18_000, 300)  # beside those of other stacks of the tests
CLIENT = "00f067aa0ba902b7"
SAGA_S = 60

Edge = tuple[str, str, str]
"""Who did it, what, and what caused it (itself a span's name)."""


@pytest.fixture(scope="module")
def observed(session_directory: Path) -> Iterator[RunningStack]:
    home = session_directory / "observed"
    ports = next(p for n in OFFSETS if not taken((p := Ports(offset=n)).all(brokers=1, observe=True)))
    try:
        up = run_demo(home, ports, "up", "--brokers", "1", "--observe", timeout_s=START_TIMEOUT_S)
        assert up.returncode == 0, up.stdout + up.stderr
        yield described(home, ports)
    finally:
        run_demo(home, ports, "down", "--volumes")


@dataclass(frozen=True)
class Trace:
    """A trace as Zipkin has it. Its root is the client's span, which nobody recorded here."""

    spans: list[dict[str, Any]]

    @property
    def edges(self) -> set[Edge]:
        names = {span["id"]: span["name"] for span in self.spans} | {CLIENT: "client"}
        return {
            (span["localEndpoint"]["serviceName"], span["name"], names[span["parentId"]])
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
@pytest.mark.skipif(prometheus_program() is None, reason="Prometheus is not installed")
async def test_after_a_load_every_query_of_every_dashboard_has_data(
    observed: RunningStack, http: httpx.AsyncClient
) -> None:
    loaded = observed.demo("load", "--orders", "40", "--rate", "10")
    assert loaded.returncode == 0, loaded.stdout + loaded.stderr
    queries = {
        target["expr"]
        for file in (REPOSITORY / "infra/observability/grafana/dashboards").glob("*.json")
        for panel in json.loads(file.read_text())["panels"]
        for target in panel["targets"]
    }
    assert len(queries) > 40
    url = observed.addresses["parts"]["prometheus"]["url"]
    for query in sorted(queries):

        async def has_data(query: str = query) -> bool:
            answer = (await http.get(f"{url}/api/v1/query", params={"query": query})).json()
            assert answer["status"] == "success", (query, answer)
            return bool(answer["data"]["result"])

        await wait_until(has_data, timeout_s=30, what=f"{query} has data")
