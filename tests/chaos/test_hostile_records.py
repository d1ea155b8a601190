"""Hundreds of records that nobody honest sends, in every topic, under a light load: all of the system lives on.

On a stack of its own: what is planted stays in the topics, and every later audit would speak of it.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from auditor import audit
from auditor.journal import read_journal
from auditor.observations import Planted
from auditor.report import Finding
from tests.support.hostile_records import FORGED, HostileRecord, Place, hostile_records, send_alone
from tests.support.stack import RunningStack, whole_stack
from tests.support.waiting import assert_stays, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

SEED, RECORDS = 20_261_125, 400
ORDERS, RATE = 300, 10
LIVE_S = 120.0
CRASH_S = 15.0
"""A part that dies of a record does so again and again at intervals of at most this."""

Life = dict[str, tuple[int, int]]


@pytest.fixture(scope="module")
def own_stack(session_directory: Path) -> Iterator[RunningStack]:
    with whole_stack(session_directory / "hostile") as running:
        yield running


def lives(stack: RunningStack) -> Life:
    """Process and number of restarts of each part."""
    return {name: (part["pid"], part["restarts"]) for name, part in stack.status()["parts"].items()}


async def _plant(stack: RunningStack) -> list[Place]:
    """Send them all while the load runs; gives where they are."""
    partitions = Counter[str]()
    producer = AIOKafkaProducer(bootstrap_servers=stack.bootstrap, acks="all")
    async with producer:
        return [
            await send_alone(producer, record, partition=_next(partitions, record))
            for record in hostile_records(seed=SEED, count=RECORDS)
        ]


async def _delete_forged_connectors(stack: RunningStack) -> None:
    """What a planted configuration has made of itself can be deleted like any connector."""
    async with httpx.AsyncClient(base_url=stack.sink_url, timeout=30, trust_env=False) as sink:
        forged = [name for name in (await sink.get("/connectors")).json() if name.startswith(FORGED)]
        for name in forged:
            answer = await sink.delete(f"/connectors/{name}")
            assert answer.status_code == 204, answer.text


def _next(partitions: Counter[str], record: HostileRecord) -> int:
    """Each partition of the read topics in turn; the others have one."""
    if record.topic not in ("orders", "products"):
        return 0
    partitions[record.topic] += 1
    return partitions[record.topic] % 6


def _of_forgeries_only(finding: Finding) -> bool:
    """Every case of it is one of a planted name; more cases than it shows could hide another."""
    return finding.count == len(finding.samples) and all(FORGED in "".join(case) for case in finding.samples)


async def test_hostile_records_in_every_topic__nobody_dies_and_honest_orders_are_visible__live_acct(
    own_stack: RunningStack, tmp_path: Path
) -> None:
    before = lives(own_stack)
    journal = tmp_path / "journal"
    load = ("load", "--orders", str(ORDERS), "--rate", str(RATE), "--json", "--journal", str(journal))
    loading = asyncio.create_task(asyncio.to_thread(own_stack.demo, *load, timeout_s=300))
    planted = await _plant(own_stack)
    assert len(planted) == RECORDS
    loaded = await loading
    assert loaded.returncode == 0, loaded.stdout + loaded.stderr

    await _delete_forged_connectors(own_stack)
    await wait_until(
        lambda: asyncio.to_thread(own_stack.is_ready), timeout_s=LIVE_S, every_s=1, what="every part is ready"
    )
    report = await audit(
        own_stack.target,
        commands=list(read_journal(journal)),
        planted=[Planted(*place) for place in planted if not place.topic.startswith("sink-")],
        wait_s=LIVE_S,
        samples=10_000,
    )
    unexpected = [str(finding) for finding in report.findings if not _of_forgeries_only(finding)]
    assert unexpected == [], "\n".join(unexpected)
    assert report.counts["commands ok"] == ORDERS
    assert report.counts["dead letters"] > 0

    async def nobody_died() -> bool:
        return await asyncio.to_thread(lives, own_stack) == before

    await assert_stays(nobody_died, for_s=CRASH_S, every_s=1, what="no part was restarted")
