"""Containers killed in the middle of two thousand orders, and the auditor afterwards (`tests/support/storm.py`)."""

import asyncio

import pytest

from launcher.compose.containers import docker
from tests.support.compose import RunningContainers
from tests.support.storm import Storm

pytestmark = [pytest.mark.slow, pytest.mark.timeout(280)]

VICTIMS = ("kafka-1", "sink", "order-2", "read-db")


async def test_a_broker_a_worker_an_instance_and_the_read_database_killed__ack_stock_sum_live(
    stack: RunningContainers,
) -> None:
    storm = Storm(stack=stack)  # type: ignore[arg-type]  # it has all that a storm asks of a stack
    victims = [stack.described.one(service).id for service in VICTIMS]

    async def fault() -> None:
        await asyncio.to_thread(docker, "kill", *victims)
        # The engine leaves alone what somebody has killed through it; a person starts it again.
        await asyncio.to_thread(docker, "start", *victims)

    await storm.rage(fault)
    report = await storm.calm()
    assert {instance for instance, _, _ in storm.turned_away()} <= {"order-2"}, storm.turned_away()
    assert report.counts["dead letters"] == 0, "an outage is no reason to give up a record"
