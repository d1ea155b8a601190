"""The runbook, followed on the running stack: a fault, its alert, what the paragraph says, and the alert is gone.

Prometheus has the rules of the repository with shorter times, so that a fault is an alert within seconds.
"""

import json
import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaProducer

from demo.observers import prometheus_program
from tests.support.stack import REPOSITORY, RunningStack
from tests.support.waiting import wait_until
from tests.support.yaml_text import one_document

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(prometheus_program() is None, reason="Prometheus is not installed"),
]
RUNBOOK = REPOSITORY / "docs" / "runbooks" / "alerts.md"
RULES = REPOSITORY / "infra" / "observability" / "rules.yml"
SOONER = {"OutboxOld": ("> 30", "> 3"), "SinkBehind": ("> 30", "> 3"), "DeadLetters": ("> 300", "> 1")}
ALERT_S = 90
PARTITIONS = 6
ORDER = {"user_id": "ada", "lines": [{"product_id": "green-tea", "quantity": 1}]}


@dataclass(frozen=True, slots=True)
class Alerts:
    """What the stack's Prometheus says is wrong."""

    http: httpx.AsyncClient
    url: str

    async def firing(self, name: str, **labels: str) -> bool:
        answer = (await self.http.get(f"{self.url}/api/v1/alerts")).raise_for_status().json()
        return any(
            each["state"] == "firing" and (labels | {"alertname": name}).items() <= each["labels"].items()
            for each in answer["data"]["alerts"]
        )

    async def fires(self, name: str, **labels: str) -> None:
        await wait_until(
            lambda: self.firing(name, **labels), timeout_s=ALERT_S, what=f"{name} of {labels} fires"
        )

    async def ends(self, name: str, **labels: str) -> None:
        async def is_over() -> bool:
            return not await self.firing(name, **labels)

        await wait_until(is_over, timeout_s=ALERT_S, what=f"{name} of {labels} is over")

    async def value(self, query: str) -> float:
        """The one value of a query; 0 when there is none."""
        answer = await self.http.get(f"{self.url}/api/v1/query", params={"query": query})
        result = answer.raise_for_status().json()["data"]["result"]
        return float(result[0]["value"][1]) if result else 0.0


@dataclass(frozen=True, slots=True)
class Paragraph:
    """An alert's part of the runbook, and a stack on which it is followed."""

    stack: RunningStack
    alert: str

    @property
    def text(self) -> str:
        (found,) = re.findall(
            rf"^## {self.alert}\n(.+?)(?=^## |\Z)", RUNBOOK.read_text(), re.DOTALL | re.MULTILINE
        )
        return " ".join(found.split())

    def says(self, words: str) -> None:
        assert words in self.text, f"{self.alert} does not say so: {words}"

    def demo(self, command: str, *, meaning: str = "", code: int = 0) -> str:
        """Run a command of `./demo` that the paragraph names, literally or as `meaning`; gives what it printed."""
        self.says(f"`./demo {meaning or command}`")
        done = self.stack.demo(*command.split(), timeout_s=240)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
async def alerts(observed: RunningStack, http: httpx.AsyncClient) -> Alerts:
    """Prometheus with shorter times, read again by its own signal for that."""
    folder = observed.home / "data" / "prometheus"
    rules = one_document(RULES.read_text())
    for rule in rules["groups"][0]["rules"]:
        rule["for"] = "1s"
        if rule["alert"] in SOONER:
            then, now = SOONER[rule["alert"]]
            assert rule["expr"].endswith(then)
            rule["expr"] = rule["expr"].removesuffix(then) + now
    write(folder / "sooner.yml", rules)
    config = json.loads((folder / "prometheus.yml").read_text())
    config["global"]["evaluation_interval"] = "1s"
    config["rule_files"] = [str(folder / "sooner.yml")]
    write(folder / "prometheus.yml", config)
    observed.signal("prometheus", signal.SIGHUP)
    url = observed.addresses["parts"]["prometheus"]["url"]

    async def has_rules() -> bool:
        groups = (await http.get(f"{url}/api/v1/rules")).raise_for_status().json()["data"]["groups"]
        return [rule["duration"] for group in groups for rule in group["rules"]] == [1] * len(
            rules["groups"][0]["rules"]
        )

    await wait_until(has_rules, what="Prometheus has the rules with shorter times")
    return Alerts(http, url)


def write(file: Path, content: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(content))  # JSON is YAML


@dataclass(frozen=True, slots=True)
class Placed:
    """An order, which the catalog shows as soon as it can."""

    url: str
    token: str

    @classmethod
    async def at(cls, http: httpx.AsyncClient, stack: RunningStack, instance: str) -> "Placed":
        answer = await http.post(f"{stack.instances[instance]}/orders", json=ORDER)
        assert answer.status_code == 201, answer.text
        return cls(f"{stack.catalog}{answer.headers['location']}", answer.headers["consistency-token"])

    async def becomes_visible(self, http: httpx.AsyncClient) -> None:
        async def is_visible() -> bool:
            return (await http.get(self.url, headers={"consistency-token": self.token})).is_success

        await wait_until(is_visible, timeout_s=ALERT_S, what="the order is visible")


async def test_audit_failed(observed: RunningStack, http: httpx.AsyncClient, alerts: Alerts) -> None:
    """The first of all: what later tests do to the stack is no longer accounted for in its topics."""
    paragraph = Paragraph(observed, "AuditFailed")
    await (await Placed.at(http, observed, "order-1")).becomes_visible(http)
    paragraph.demo("audit --wait 60")
    owner = await asyncpg.connect(observed.owner_dsn)
    try:
        await owner.execute("UPDATE orders SET total_cents = total_cents + 1")
    finally:
        await owner.close()
    assert observed.demo("audit", "--wait", "0").returncode == 1
    await alerts.fires("AuditFailed", instance="audit")
    paragraph.demo("rebuild")
    paragraph.demo("audit --wait 60")
    await alerts.ends("AuditFailed")


async def test_part_down(observed: RunningStack, alerts: Alerts) -> None:
    paragraph = Paragraph(observed, "PartDown")
    observed.demo("stop", "order-3")
    await alerts.fires("PartDown", instance="order-3")
    assert re.search(r"order-3\s+stopped", paragraph.demo("status", code=1))
    assert paragraph.demo("logs order-3 -n 50", meaning="logs PART -n 50")
    assert "order-3" in paragraph.demo("logs supervisor")
    paragraph.demo("start order-3", meaning="start PART")
    await alerts.ends("PartDown", instance="order-3")


async def test_outbox_old(observed: RunningStack, http: httpx.AsyncClient, alerts: Alerts) -> None:
    paragraph = Paragraph(observed, "OutboxOld")
    observed.demo("stop", "kafka-1")
    placed = await Placed.at(http, observed, "order-1")
    await alerts.fires("OutboxOld", instance="order-1")
    paragraph.says("`GET /health/ready`")

    async def says_what_it_waits_for() -> bool:
        return "kafka: " in (await http.get(f"{observed.instances['order-1']}/health/ready")).text

    await wait_until(says_what_it_waits_for, what="the instance says that it waits for Kafka")
    paragraph.demo("start kafka-1", meaning="start kafka-N")
    await alerts.ends("OutboxOld", instance="order-1")
    await placed.becomes_visible(http)


async def test_sink_behind(observed: RunningStack, http: httpx.AsyncClient, alerts: Alerts) -> None:
    paragraph = Paragraph(observed, "SinkBehind")
    await every_partition_has_been_written(observed, alerts)
    retries = 'sum(sink_retries_total{connector="orders"})'
    before = await alerts.value(retries)
    observed.demo("stop", "postgres")
    placed = await Placed.at(http, observed, "order-2")
    await alerts.fires("SinkBehind", connector="orders", topic="orders")
    paragraph.says("`GET /connectors/NAME/status`")

    async def tells_why() -> str:
        status = (await http.get(f"{observed.sink_url}/connectors/orders/status")).raise_for_status().json()
        return str(status["tasks"][0].get("trace") or "")

    assert "retrying since" in await wait_until(tells_why, what="the task says what it tries again")
    paragraph.says("`sink_retries_total` rises: the database is away")
    assert await alerts.value(retries) > before
    paragraph.demo("start postgres")
    await alerts.ends("SinkBehind")
    await placed.becomes_visible(http)


async def every_partition_has_been_written(stack: RunningStack, alerts: Alerts) -> None:
    """A task tells the lag of a partition once it has claimed it and fetched from it."""
    loaded = stack.demo("load", "--orders", "60", "--rate", "20")
    assert loaded.returncode == 0, loaded.stdout + loaded.stderr

    async def told() -> bool:
        return await alerts.value('count(sink_lag_seconds{connector="orders"})') == PARTITIONS

    await wait_until(told, what="every partition of the orders has a lag")


async def test_dead_letters(observed: RunningStack, alerts: Alerts) -> None:
    paragraph = Paragraph(observed, "DeadLetters")
    trace = secrets.token_hex(16)
    headers = [("traceparent", f"00-{trace}-00f067aa0ba902b7-01".encode())]
    async with AIOKafkaProducer(bootstrap_servers=observed.bootstrap) as producer:
        await producer.send_and_wait("orders", key=b"no envelope", value=b"{", headers=headers)
    await alerts.fires("DeadLetters")
    paragraph.says("`sink-connector dead-letters list FILE.json`")
    files = [f"infra/connectors/{name}.json" for name in ("orders", "order-history")]
    for file in files:
        (listed,) = dead_letters(observed, "list", file).splitlines()
        number, _, place, stage, _ = listed.split("\t")
        assert place.startswith("orders/")
        assert stage == "VALUE_CONVERTER"
        paragraph.says("`show` has their bytes")
        assert "no envelope" in dead_letters(observed, "show", file, number)
        paragraph.says("`dead-letters replay`")
        assert "stays" in dead_letters(observed, "replay", file, code=1), "its cause is not gone"
    assert "record.dead_lettered" in paragraph.demo(f"logs --trace {trace}", meaning="logs --trace ID")
    paragraph.says("What must never be applied: `dead-letters drop`")
    for file in files:
        assert dead_letters(observed, "drop", file, "--all") == "1 dropped\n"
    await alerts.ends("DeadLetters")


def dead_letters(stack: RunningStack, action: str, file: str, *words: str, code: int = 0) -> str:
    """What `sink-connector dead-letters` prints about a connector of the stack."""
    settings = {
        "SINK_DATABASE_URL": stack.addresses["postgres"]["sink_dsn"],
        "SINK_TOPIC_PREFIX": "",
        "SINK_CONFIG_PROVIDERS": "env",
    }
    done = subprocess.run(
        [str(Path(sys.executable).with_name("sink-connector")), "dead-letters", action, file, *words],
        cwd=REPOSITORY,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout
