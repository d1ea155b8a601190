"""The runbook, followed on the running stack: a fault, its alert, what the paragraph says, and the alert is gone.

Prometheus has the rules of the repository with shorter times, so that a fault is an alert within seconds.
CertificateExpiring is followed where there are certificates, in test_observe_secure.
"""

import asyncio
import math
import os
import re
import secrets
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from demo.observers import prometheus_program
from tests.support.runbook import ALERT_S, Alerts, Paragraph
from tests.support.stack import REPOSITORY, RunningStack
from tests.support.topics import is_gone
from tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(prometheus_program() is None, reason="Prometheus is not installed"),
]
PARTITIONS = 6
STALE_ORDERS = 30
"""So many that they are more than a twentieth of what became visible in five minutes."""


@pytest.fixture
async def alerts(observed: RunningStack, http: httpx.AsyncClient) -> Alerts:
    return await Alerts.sooner(observed, http)


@dataclass(frozen=True, slots=True)
class Placed:
    """An order, which the catalog shows as soon as it can."""

    url: str
    token: str

    @classmethod
    async def at(
        cls, http: httpx.AsyncClient, stack: RunningStack, instance: str, *, product: str = "green-tea"
    ) -> "Placed":
        order = {"user_id": "ada", "lines": [{"product_id": product, "quantity": 1}]}
        answer = await http.post(f"{stack.instances[instance]}/orders", json=order)
        assert answer.status_code == 201, answer.text
        return cls(f"{stack.catalog}{answer.headers['location']}", answer.headers["consistency-token"])

    async def becomes_visible(self, http: httpx.AsyncClient, *, status: str = "") -> None:
        """As it was placed or later; with a `status`, in that."""

        async def is_visible() -> bool:
            answer = await http.get(self.url, headers={"consistency-token": self.token})
            return answer.is_success and status in answer.json()["status"]

        await wait_until(is_visible, timeout_s=ALERT_S, what=f"the order is visible as {status or 'placed'}")


@asynccontextmanager
async def owner_of(stack: RunningStack) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection of the read database's owner."""
    connection = await asyncpg.connect(stack.owner_dsn)
    try:
        yield connection
    finally:
        await connection.close()


def write_database(stack: RunningStack, instance: str) -> Path:
    """An instance's database, which is a file of SQLite."""
    return Path("/", stack.target.write_databases[instance].partition("://")[2].lstrip("/"))


async def test_audit_failed(observed: RunningStack, http: httpx.AsyncClient, alerts: Alerts) -> None:
    """The first of all: what later tests do to the stack is no longer accounted for in its topics."""
    paragraph = Paragraph(observed, "AuditFailed")
    await (await Placed.at(http, observed, "order-1")).becomes_visible(http)
    paragraph.demo("audit --wait 60")
    async with owner_of(observed) as owner:
        await owner.execute("UPDATE orders SET total_cents = total_cents + 1")
    assert observed.demo("audit", "--wait", "0").returncode == 1
    await alerts.fires("AuditFailed", instance="audit")
    paragraph.demo("rebuild")
    paragraph.demo("audit --wait 60")
    await alerts.ends("AuditFailed")


async def test_messages_refused(observed: RunningStack, alerts: Alerts) -> None:
    """Before those that leave something in the topics for which nobody accounts any more."""
    paragraph = Paragraph(observed, "MessagesRefused")
    async with AIOKafkaProducer(bootstrap_servers=observed.bootstrap) as producer:
        await producer.send_and_wait("inbox.order-2", key=b"no envelope", value=b"{")
    await alerts.fires("MessagesRefused", instance="order-2", topic="inbox.order-2")
    paragraph.says("table `dead_letters` with the reason")
    with closing(sqlite3.connect(f"file:{write_database(observed, 'order-2')}?mode=ro", uri=True)) as there:
        ((reason,),) = there.execute("SELECT reason FROM dead_letters WHERE record LIKE 'inbox.order-2/%'")
    assert reason.startswith("nothing to do for type")
    paragraph.says("`inbox.record_refused`")
    assert "inbox.record_refused" in paragraph.demo("logs order-2", meaning="logs order-N")
    paragraph.demo("audit")
    await alerts.ends("MessagesRefused")


async def test_read_model_stale(observed: RunningStack, http: httpx.AsyncClient, alerts: Alerts) -> None:
    paragraph = Paragraph(observed, "ReadModelStale")
    async with owner_of(observed) as owner, owner.transaction():
        await owner.execute("LOCK TABLE orders IN SHARE MODE")  # it is read, and not written
        for _ in range(STALE_ORDERS):
            placed = await Placed.at(http, observed, "order-1")
        await alerts.fires("ReadModelStale")
        paragraph.says("send the `Consistency-Token`; they wait, or are told 503")
        told = await http.get(placed.url, headers={"consistency-token": placed.token, "prefer": "wait=1"})
        assert told.status_code == 503
    await alerts.ends("ReadModelStale")
    await placed.becomes_visible(http)
    query = "histogram_quantile(0.95, sum by (leg, le) (rate(catalog_leg_seconds_bucket[5m])))"
    paragraph.says(f"`{query}`")
    legs = ("relay", "kafka", "take", "apply")

    async def slowest() -> str:
        told = await alerts.values(query, by="leg")
        known = {leg: told[leg] for leg in legs if not math.isnan(told.get(leg, math.nan))}
        leg = max(known, key=known.__getitem__)
        return leg if known[leg] > 1 else ""

    assert await wait_until(slowest, what="a leg took its time") in {"take", "apply"}
    paragraph.says("*take* and *apply*: see SinkBehind")
    assert "LeaderId" in paragraph.demo("kafka quorum")


async def test_part_unwell(observed: RunningStack, http: httpx.AsyncClient, alerts: Alerts) -> None:
    paragraph = Paragraph(observed, "PartUnwell")
    connector = f"{observed.sink_url}/connectors/order-history"
    async with owner_of(observed) as owner:
        await owner.execute("REVOKE INSERT ON order_history FROM sink_writer")
        try:
            await Placed.at(http, observed, "order-1")
            await alerts.fires("PartUnwell", part="order-history")
            paragraph.says("`GET /sync` of the catalog (`parts[].detail`)")
            parts = (await http.get(f"{observed.catalog}/sync")).json()["parts"]
            assert "failed" in {part["name"]: part["detail"] for part in parts}["order-history"]
            paragraph.says("`GET /connectors/NAME/status`")
            (task,) = (await http.get(f"{connector}/status")).json()["tasks"]
            assert task["state"] == "FAILED"
            assert "permission denied" in task["trace"]
        finally:
            await owner.execute("GRANT INSERT ON order_history TO sink_writer")
    paragraph.says("`POST /connectors/NAME/tasks/0/restart`")
    (await http.post(f"{connector}/tasks/0/restart")).raise_for_status()
    await alerts.ends("PartUnwell", part="order-history")


async def test_catalog_blind(observed: RunningStack, alerts: Alerts) -> None:
    paragraph = Paragraph(observed, "CatalogBlind")
    observed.demo("stop", "catalog")
    await alerts.fires("CatalogBlind")
    paragraph.says("PartDown fires as well")
    await alerts.fires("PartDown", instance="catalog")
    assert paragraph.demo("logs catalog -n 50")
    paragraph.demo("start catalog")
    await alerts.ends("CatalogBlind")
    await alerts.ends("PartDown", instance="catalog")


async def test_server_errors(observed: RunningStack, http: httpx.AsyncClient, alerts: Alerts) -> None:
    """A table that the catalog may not read stands for a defect: nothing in it expects that."""
    paragraph = Paragraph(observed, "ServerErrors")
    trace = secrets.token_hex(16)
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}

    async def is_told() -> bool:
        assert (await http.get(f"{observed.catalog}/sales", headers=headers)).status_code == 500
        return await alerts.firing("ServerErrors", job="catalog")

    async with owner_of(observed) as owner:
        await owner.execute("REVOKE SELECT ON product_sales FROM catalog_reader")
        try:
            await wait_until(is_told, timeout_s=ALERT_S, what="ServerErrors of the catalog fires")
        finally:
            await owner.execute("GRANT SELECT ON product_sales TO catalog_reader")
    query = 'sum by (route) (rate(catalog_http_request_seconds_count{status=~"5.."}[5m]))'
    paragraph.says(f"`{query}`")
    assert (await alerts.values(query, by="route"))["/sales"] > 0
    paragraph.says("`request.failed`")
    logged = paragraph.demo("logs catalog", meaning="logs PART")
    assert "request.failed" in logged
    assert trace in logged
    assert "permission denied for table product_sales" in paragraph.demo(
        f"logs --trace {trace}", meaning="logs --trace ID"
    )
    await alerts.ends("ServerErrors")


async def test_commits_waiting(observed: RunningStack, http: httpx.AsyncClient, alerts: Alerts) -> None:
    paragraph = Paragraph(observed, "CommitsWaiting")
    order = {"user_id": "ada", "lines": [{"product_id": "green-tea", "quantity": 1}]}
    placing: list[asyncio.Task[httpx.Response]] = []
    patient = httpx.AsyncClient(timeout=60, limits=httpx.Limits())
    file = write_database(observed, "order-1")
    slow = (
        'order_commit_seconds_count{instance="order-1"} - ignoring(le) order_commit_seconds_bucket{le="0.1"}'
    )
    before = await alerts.value(slow)
    async with patient:
        with closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")

            async def is_told() -> bool:
                asked = patient.post(f"{observed.instances['order-1']}/orders", json=order)
                placing.append(asyncio.create_task(asked))
                return await alerts.firing("CommitsWaiting", instance="order-1")

            await wait_until(is_told, timeout_s=ALERT_S, what="CommitsWaiting of order-1 fires")
            paragraph.says("`commit.failed`")

            async def says_why() -> bool:
                logged = await asyncio.to_thread(paragraph.demo, "logs order-1", meaning="logs order-N")
                return logs_both(logged, "commit.failed", "locked")

            await wait_until(says_why, what="the instance says why")
            other.execute("ROLLBACK")
        codes = {answer.status_code for answer in await asyncio.gather(*placing)}
    assert 201 in codes
    assert codes <= {201, 503}
    await alerts.ends("CommitsWaiting")
    paragraph.says("`order_commit_seconds` how long a commit takes")

    async def says_how_long() -> bool:
        return await alerts.value(slow) > before

    await wait_until(says_how_long, what="a commit took longer than a tenth of a second")
    await (await Placed.at(http, observed, "order-1")).becomes_visible(http)


async def test_outbox_set_aside(observed: RunningStack, http: httpx.AsyncClient, alerts: Alerts) -> None:
    paragraph = Paragraph(observed, "OutboxSetAside")
    admin = AIOKafkaAdminClient(bootstrap_servers=observed.bootstrap)
    await admin.start()
    try:
        await admin.delete_topics(["inbox.order-3"])
        await wait_until(lambda: is_gone(admin, "inbox.order-3"), what="no broker knows the topic")
    finally:
        await admin.close()
    placed = await Placed.at(http, observed, "order-1", product="stoneware-mug")
    await alerts.fires("OutboxSetAside", instance="order-1", topic="inbox.order-3")
    paragraph.says("`relay.refused` with the reason")
    logged = paragraph.demo("logs order-1", meaning="logs order-N")
    assert logs_both(logged, "relay.refused", "topic inbox.order-3 does not exist")
    command = "python infra/kafka/create_topics.py --bootstrap BROKERS --replication N"
    paragraph.says(f"`{command}`")
    in_repository(command, BROKERS=observed.bootstrap, N="1")
    await alerts.ends("OutboxSetAside")
    await placed.becomes_visible(http, status="CONFIRMED")


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

    async def it_rises() -> bool:
        return await alerts.value(retries) > before

    await wait_until(it_rises, timeout_s=ALERT_S, what="the retries rise")
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


def logs_both(logged: str, event: str, reason: str) -> bool:
    """Whether a line has both."""
    return any(event in line and reason in line for line in logged.splitlines())


def in_repository(command: str, **given: str) -> None:
    """Run a command of this environment's Python, with what is `given` in the place of its capitals."""
    _python, *words = (given.get(word, word) for word in command.split())
    subprocess.run([sys.executable, *words], cwd=REPOSITORY, check=True)


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
