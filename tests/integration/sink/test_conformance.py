"""The rules of Kafka Connect and its JDBC sinks, put to this sink's worker as anybody could put them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from connect_conformance.battery import put
from connect_conformance.bench import Bench, Worker
from connect_conformance.cli import TIMEOUT_S
from connect_conformance.rules import RULES, Rule, status
from devservers.ports import free_ports
from tests.contract.sink.record_connect_rest import delete_topics
from tests.support.sink_worker import Group, SinkWorker, sink_worker


@pytest.fixture(scope="module")
def running(kafka_bootstrap: str, session_directory: Path) -> Iterator[SinkWorker]:
    group = Group(bootstrap=kafka_bootstrap)
    with sink_worker(group, port=free_ports(1)[0], directory=session_directory) as worker:
        yield worker
    with asyncio.Runner() as runner:
        runner.run(delete_topics(kafka_bootstrap, group.topics))


@pytest.fixture
async def worker(running: SinkWorker, kafka_bootstrap: str, database: str) -> AsyncIterator[Worker]:
    async with httpx.AsyncClient(base_url=running.url, timeout=TIMEOUT_S) as rest:
        yield Worker(rest=rest, bootstrap=kafka_bootstrap, database=database, patience_s=60)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.number)
async def test_the_worker_keeps_the_rule(rule: Rule, worker: Worker) -> None:
    assert await put(rule, worker) == ""


async def test_a_rule_that_is_not_kept_is_noticed_with_what_is_done_instead(worker: Worker) -> None:
    async def check(bench: Bench) -> None:
        status(await bench.ask("GET", "/connectors"), 418)

    found = await put(Rule(number="X-1", says="", source="", check=check), worker)
    assert found == "GET is answered with 200, expected 418"


async def test_what_never_comes_is_a_rule_that_is_not_kept(worker: Worker) -> None:
    async def check(bench: Bench) -> None:
        await bench.until_rows('SELECT id FROM "T"', [("a",)])

    hasty = replace(worker, patience_s=0.5)
    found = await put(Rule(number="X-2", says="", source="", check=check), hasty)
    assert found == "rows are [], expected [('a',)]"
