"""Fault: SIGKILL of an instance between any two steps of its relay, one after the other. Invariants: ACK, VER, ACCT.

What was sent and not noted is sent again: nothing is lost, and what the topics hold twice the read database has once.
"""

import signal
from collections.abc import Iterable
from typing import Any

import pytest

from auditor import Command, Target, audit, canonical
from devservers.ports import free_ports
from tests.conftest import MakeTopic
from tests.integration.order.conftest import MakeUrl, built_clusters
from tests.support.order_cluster import Instance
from tests.support.order_instance_killed_at import (
    OF_RELAY,
    OF_RELAY_SENDING_WHAT_WAS_SET_ASIDE,
    OF_RELAY_SETTING_ASIDE,
    order_instance_killed_at,
)
from tests.support.read_model import read_model

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

ORDERS = 5
"""Before each step, so that there is something to publish: to the topics of orders, of products and of the inbox."""


@pytest.mark.guarantees("G-RELAY-1", "G-RELAY-5")
async def test_a_relay_killed_at_each_of_its_steps_loses_nothing_and_the_read_side_drops_what_it_sends_twice(
    make_url: MakeUrl, make_topic: MakeTopic, kafka_bootstrap: str, database: str
) -> None:
    async def all_but_the_inbox(*, name: str, **more: Any) -> str:
        return name if "inbox" in name else await make_topic(name=name, **more)

    placed: list[Command] = []
    async with built_clusters(make_url, all_but_the_inbox, kafka_bootstrap) as make:
        cluster = await make()
        writer = await cluster[1].start(without=lambda task: task != "commits")
        await writer.product("tea", stock=1_000)
        beside = writer.settings.model_copy(update={"port": free_ports(1)[0]})

        async def killed_at(steps: Iterable[str]) -> None:
            for step in steps:
                placed.extend([await order(writer, len(placed) + n) for n in range(ORDERS)])
                assert await order_instance_killed_at(step, beside) == -signal.SIGKILL, step

        await killed_at(OF_RELAY_SETTING_ASIDE)
        inbox = f"{cluster.prefix}inbox.order-1"
        assert await writer.rows("SELECT DISTINCT topic FROM set_aside") == [{"topic": inbox}]
        await make_topic(name=inbox)
        await killed_at(OF_RELAY_SENDING_WHAT_WAS_SET_ASIDE)
        await killed_at(OF_RELAY)
        await writer.stop()
        await cluster.start()
        for command in placed:
            await writer.reaches(str(command.order_id), "CONFIRMED")
        target = Target(
            write_databases={"order-1": writer.settings.database_url},
            read_dsn=database,
            bootstrap=kafka_bootstrap,
            topic_prefix=cluster.prefix,
        )
        async with read_model(kafka_bootstrap, database, prefix=cluster.prefix):
            report = await audit(target, commands=placed, wait_s=60)
        assert report.clean, report
        assert report.counts["read orders"] == len(placed)
        for topic in ("orders", "products"):
            sources = [dict(record.headers)["ce_id"] for record in await cluster.records(topic)]
            assert len(set(sources)) < len(sources), f"something on {topic} was sent again"


async def order(writer: Instance, number: int) -> Command:
    """One pot of tea, accepted."""
    user = f"user-{number}"
    placed = await writer.placed(("tea", 1), user_id=user)
    return Command(number, "ok", placed, user, canonical([["tea", 1]]))
