"""An upgrade in place: 0.1.0 has worked in a folder and was taken down with work under way, this version goes on there."""

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaProducer

from auditor import audit
from auditor.journal import read_journal
from auditor.observations import Command, Planted
from catalog_service.read_model import migrations
from order_service.adapters.migrations import head
from tests.support.earlier_version import EarlierVersion, check_out
from tests.support.record_batches import RawRecord, send_batch
from tests.support.stack import RunningStack, described, own_ports, run_demo
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

# Beside those that the other stacks of the tests pick from.
OFFSETS = range(16_400, 18_200, 300)
LOAD = ("load", "--orders", "150", "--rate", "50", "--json", "--journal")
KEY = {"Idempotency-Key": "before-the-upgrade"}
ORDER = {"user_id": "ada", "lines": [{"product_id": "green-tea", "quantity": 1}]}
OFFSETS_NOTED = "SELECT connector, topic, partition, next_offset, epoch FROM sink.offsets WHERE topic <> ''"
UNREADABLE = RawRecord(b"no envelope", b"no envelope either", [("ce_type", b"no such event")])

Noted = dict[tuple[str, str, int], tuple[int, int]]


@dataclass(slots=True, kw_only=True)
class Left:
    """What the earlier version has left behind."""

    commands: list[Command] = field(default_factory=list)
    under_way: dict[str, str] = field(default_factory=dict)
    """Orders that are not in the read database, with their consistency tokens."""
    answer: dict[str, Any] = field(default_factory=dict)
    """To the command with the key `KEY`."""
    planted: list[Planted] = field(default_factory=list)
    offsets: Noted = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Upgraded:
    """The stack of this version, and what it began with."""

    stack: RunningStack
    left: Left


@pytest.fixture(scope="module")
def upgraded(session_directory: Path) -> Iterator[Upgraded]:
    home = session_directory / "upgraded"
    checkout = check_out("0.1.0", session_directory / "0.1.0")
    with own_ports(OFFSETS) as ports:
        earlier = EarlierVersion(checkout=checkout, home=home, ports=ports)
        try:
            earlier.demo("up", "--brokers", "1", timeout_s=400)
            left = asyncio.run(leave_work_under_way(earlier, session_directory / "0.1.0.journal"))
            earlier.demo("down")
            started = run_demo(home, ports, "up", timeout_s=400)
            assert started.returncode == 0, started.stdout + started.stderr
            yield Upgraded(described(home, ports), left)
        finally:
            run_demo(home, ports, "down", "--volumes")


async def leave_work_under_way(earlier: EarlierVersion, journal: Path) -> Left:
    """Load it, give it records that it cannot read, and stop it in the middle: some orders are not written, some not even published."""
    earlier.demo(*LOAD, str(journal))
    left = Left(commands=list(read_journal(journal)))
    about = json.loads(earlier.demo("status", "--json"))
    left.planted = await plant(about["kafka"]["bootstrap"])
    await wait_until(lambda: dead_letters(about, earlier.home), what="what cannot be read is a dead letter")
    instances = {name: part["url"] for name, part in about["parts"].items() if name.startswith("order-")}
    async with httpx.AsyncClient(timeout=60, trust_env=False) as http:
        earlier.demo("stop", "sink")
        for url in instances.values():
            await place(http, url, left)
        await wait_until(lambda: confirmed(http, instances, left), what="the orders are decided over Kafka")
        earlier.demo("stop", "kafka-1")
        for url in instances.values():
            await place(http, url, left)
        answer = await http.post(f"{instances['order-1']}/orders", json=ORDER, headers=KEY)
        assert answer.status_code == 201, answer.text
        left.answer = answer.json()
    left.offsets = await noted(about["postgres"]["read_dsn"])
    return left


async def plant(bootstrap: str) -> list[Planted]:
    """A record that nobody can read for the read database, and one for an inbox."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        return [
            Planted(topic, 0, await send_batch(producer, topic, [UNREADABLE]))
            for topic in ("orders", "inbox.order-1")
        ]


async def dead_letters(about: dict[str, Any], home: Path) -> bool:
    """Whether both readers of the orders, and the instance, have set aside what was planted."""
    of_sink = await fetch(about["postgres"]["read_dsn"], "SELECT connector FROM sink.dead_letters")
    return len(of_sink) == 2 and len(rows(home, "SELECT record FROM parked")) == 1


async def place(http: httpx.AsyncClient, url: str, left: Left) -> None:
    answer = await http.post(f"{url}/orders", json=ORDER)
    assert answer.status_code == 201, answer.text
    left.under_way[answer.json()["order_id"]] = answer.headers["consistency-token"]


async def confirmed(http: httpx.AsyncClient, instances: dict[str, str], left: Left) -> bool:
    urls = [f"{instances[order_id[: len('order-1')]]}/orders/{order_id}" for order_id in left.under_way]
    return all([(await http.get(url)).json()["status"] == "CONFIRMED" for url in urls])


async def fetch(dsn: str, query: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(dsn)
    try:
        return [tuple(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


async def noted(dsn: str) -> Noted:
    """Next offset and epoch of each partition that a connector reads."""
    return {(c, t, p): (offset, epoch) for c, t, p, offset, epoch in await fetch(dsn, OFFSETS_NOTED)}


def rows(home: Path, query: str, instance: str = "order-1") -> list[tuple[Any, ...]]:
    """Of an instance's database."""
    connection = sqlite3.connect(f"file:{home / 'data' / instance / 'orders.db'}?mode=ro", uri=True)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


async def test_the_schemas_are_those_of_this_version(upgraded: Upgraded) -> None:
    revision = "SELECT version_num FROM alembic_version"
    assert await fetch(upgraded.stack.owner_dsn, revision) == [(migrations.head(),)]
    for instance in upgraded.stack.instances:
        assert rows(upgraded.stack.home, revision, instance) == [(head(),)]


async def test_what_was_committed_and_not_written_becomes_visible(upgraded: Upgraded) -> None:
    assert len(upgraded.left.under_way) == 6
    async with httpx.AsyncClient(base_url=upgraded.stack.catalog, timeout=60, trust_env=False) as http:
        for order_id, token in upgraded.left.under_way.items():
            headers = {"Consistency-Token": token, "Prefer": "wait=30"}
            answer = await http.get(f"/orders/{order_id}", headers=headers)
            assert answer.status_code == 200, answer.text

        async def all_confirmed() -> bool:
            found = [(await http.get(f"/orders/{order_id}")).json() for order_id in upgraded.left.under_way]
            return all(order["status"] == "CONFIRMED" for order in found)

        await wait_until(all_confirmed, what="the orders that lay in the outboxes are decided")


async def test_a_command_sent_again_after_the_upgrade_gets_the_answer_it_got_before(
    upgraded: Upgraded,
) -> None:
    async with httpx.AsyncClient(timeout=60, trust_env=False) as http:
        for url in upgraded.stack.instances.values():
            again = await http.post(f"{url}/orders", json=ORDER, headers=KEY)
            assert (again.status_code, again.json()) == (201, upgraded.left.answer)
        other = await http.post(f"{url}/orders", json=ORDER | {"user_id": "eve"}, headers=KEY)
        assert other.status_code == 422, other.text


async def test_the_sink_goes_on_from_its_offsets_and_keeps_its_dead_letters(upgraded: Upgraded) -> None:
    assert upgraded.left.offsets

    async def every_partition_is_claimed() -> bool:
        now = await noted(upgraded.stack.owner_dsn)
        return all(now[partition][1] > epoch for partition, (_, epoch) in upgraded.left.offsets.items())

    await wait_until(every_partition_is_claimed, what="the sink has every partition")
    now = await noted(upgraded.stack.owner_dsn)
    assert all(now[partition][0] >= offset for partition, (offset, _) in upgraded.left.offsets.items())
    place = (
        upgraded.left.planted[0].topic,
        upgraded.left.planted[0].partition,
        upgraded.left.planted[0].position,
    )
    letters = await fetch(
        upgraded.stack.owner_dsn,
        'SELECT connector, topic, partition, "offset", key FROM sink.dead_letters_v1 ORDER BY connector',
    )
    assert letters == [(name, *place, UNREADABLE.key) for name in ("order-history", "orders")]


def test_the_dead_letters_of_an_instance_are_kept_under_their_new_name(upgraded: Upgraded) -> None:
    kept = rows(upgraded.stack.home, "SELECT record, value FROM dead_letters")
    planted = upgraded.left.planted[1]
    assert kept == [(f"{planted.topic}/{planted.partition}/{planted.position}", UNREADABLE.value)]


async def test_after_a_load_on_both_versions_the_audit_is_clean(upgraded: Upgraded, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    loaded = upgraded.stack.demo(*LOAD, str(journal))
    assert loaded.returncode == 0, loaded.stdout + loaded.stderr
    commands = [*upgraded.left.commands, *read_journal(journal)]
    report = await audit(upgraded.stack.target, commands=commands, planted=upgraded.left.planted, wait_s=60)
    assert report.clean, report
    assert report.counts["commands ok"] == 300
    assert report.counts["dead letters"] == 3
    assert sum(upgraded.stack.deaths().values()) == 0
