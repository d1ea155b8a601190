"""The sink's benchmark, small: what it claims about rows holds, and it would notice if it did not."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from benchmarks.sink.drain import WrongRowsError, drain
from benchmarks.sink.limit import PostgresLimit
from benchmarks.sink.orders import Order, orders_and_updates
from benchmarks.sink.ours import OurSink
from benchmarks.sink.servers import Servers, servers
from benchmarks.sink.system import WorkerDiedError
from benchmarks.sink.topics import delete_topics, fill_topic
from benchmarks.sink.workloads import Workload

ROOT = Path(__file__).parents[3]
RECORDS = 25_000


@pytest.fixture
async def stack(session_directory: Path, kafka_bootstrap: str) -> AsyncIterator[Servers]:
    """The benchmark's own PostgreSQL beside the Kafka of the test session."""
    async with servers(session_directory / "sink-benchmark", bootstrap=kafka_bootstrap) as running:
        yield running


@pytest.fixture
async def workload(stack: Servers) -> AsyncIterator[Workload]:
    """Orders and updates to be upserted."""
    orders = partial(orders_and_updates, RECORDS)
    name = f"test-{stack.new_directory().name}"
    yield Workload(
        name="upsert", mode="upsert", topic=await fill_topic(stack.bootstrap, name, orders()), orders=orders
    )
    await delete_topics(stack.bootstrap, [name])


async def test_the_smoke_run_drains_every_record_and_writes_its_result(
    kafka_bootstrap: str, tmp_path: Path
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-m",
            "benchmarks.sink",
            "--smoke",
            "--kafka",
            kafka_bootstrap,
            "--results",
            tmp_path,
        ),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    page = page_in(tmp_path)
    result = json.loads(page.with_suffix(".json").read_text())
    assert {(each["group"], each["connections"], each["workload"]) for each in result["drains"]} == {
        (group, connections, workload)
        for group, workloads in (
            ("ours", ("insert", "upsert", "transforms")),
            ("limit", ("insert", "upsert")),
        )
        for connections in (1, 2)
        for workload in workloads
    }
    assert all(each["rate"] > 0 and not each["wrong_sums"] for each in result["drains"])
    (survival,) = result["survivals"]
    assert (survival["group"], survival["lost"], survival["doubled"]) == ("ours", 0, 0)
    assert len(survival["killed_at"]) == 3
    assert survival["killed_at"][0] < survival["records"]
    assert {each["events"] for each in result["latencies"]} == {400}
    assert "share of PostgreSQL's limit" in page.read_text()
    assert page.with_suffix(".svg").read_text().startswith("<svg")


async def test_a_lost_update_is_noticed(stack: Servers, workload: Workload) -> None:
    lossy = replace(workload, orders=lambda: without_one_update(workload.orders()))
    with pytest.raises(WrongRowsError):
        await drain(PostgresLimit(), lossy, stack)


async def test_a_changed_value_is_named(stack: Servers, workload: Workload) -> None:
    dearer = replace(
        workload, orders=lambda: (replace(o, total_cents=o.total_cents + 1) for o in workload.orders())
    )
    assert (await drain(PostgresLimit(), dearer, stack)).wrong_sums == ("cents",)


async def test_a_worker_that_ends_early_is_told_with_its_log(stack: Servers, workload: Workload) -> None:
    misconfigured = OurSink(settings={"insert.mode": "sideways"})
    with pytest.raises(WorkerDiedError, match=r"insert\.mode"):
        await drain(misconfigured, workload, stack)


def page_in(folder: Path) -> Path:
    (page,) = folder.glob("*.md")
    return page


def without_one_update(orders: Iterable[Order]) -> Iterator[Order]:
    final = {order.order_id: order.version for order in orders_and_updates(RECORDS)}
    lost = next(key for key, version in final.items() if version > 1)
    return (order for order in orders if (order.order_id, order.version) != (lost, final[lost]))
