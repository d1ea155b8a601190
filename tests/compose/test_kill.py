"""Containers killed in the middle of a load, and the auditor afterwards."""

import asyncio
import json
import random

import pytest

from loadgen.load import ANSWER_TIMEOUT_S
from loadgen.schedule import Generator, Sent, load_client
from loadgen.seed_data import Customers, open_shop
from tests.support.compose import RunningContainers, docker
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(280)]

ORDERS, RATE, FAULT_AFTER = 800, 50.0, 200
VICTIMS = ("kafka-1", "sink", "order-2", "read-db")


@pytest.mark.guarantees("G-KAFKA-2")
async def test_a_broker_a_worker_an_instance_and_the_read_database_killed__ack_stock_sum(
    stack: RunningContainers,
) -> None:
    victims = [stack.container(service) for service in VICTIMS]
    sent = await _load(stack, victims)
    await wait_until(
        lambda: asyncio.to_thread(stack.is_ready), timeout_s=120, every_s=1, what="every container is healthy"
    )
    report = await stack.audit(commands=[order.command() for order in sent], wait_s=120)
    assert report.clean, report
    assert report.counts["commands ok"] > ORDERS / 2
    assert report.counts["dead letters"] == 0, "an outage is no reason to give up a record"
    assert {order.instance for order in sent if order.outcome != "ok"} <= {"order-2"}


def test_a_seed_of_mixed_faults_under_load_breaks_no_promise(stack: RunningContainers) -> None:
    run = stack.demo("chaos", "--compose", "--seed", "1", "--minutes", "0.5", "--json", timeout_s=240)
    assert run.returncode == 0, run.stdout + run.stderr
    result = json.loads(run.stdout)
    assert result["operations"] > 100
    struck = sum(kind["struck"] for kind in result["faults"].values()) - len(result["not_carried_out"])
    assert struck >= 5
    assert stack.is_ready()


def test_a_fault_is_thrown_by_hand(stack: RunningContainers) -> None:
    listed = stack.demo("fault", "--compose")
    assert "sink, sink-2" in listed.stdout, listed.stderr
    thrown = stack.demo("fault", "--compose", "pause-instance", "order-2", "--seconds", "1")
    assert thrown.returncode == 0, thrown.stderr
    state = docker("inspect", "--format", "{{.State.Status}}", stack.container("order-2"))
    assert state.strip() == "running"


async def _load(stack: RunningContainers, victims: list[str]) -> list[Sent]:
    """Send `ORDERS` orders; in the middle `victims` are killed, and started as a person would."""
    customers = Customers(run="kill", users=50, dice=random.Random(1))  # noqa: S311  dice, no secret
    answered: list[Sent] = []
    due = asyncio.Event()

    def count(sent: Sent) -> None:
        answered.append(sent)
        if len(answered) == FAULT_AFTER:
            due.set()

    async def kill() -> None:
        await due.wait()
        for victim in victims:
            await asyncio.to_thread(docker, "kill", victim)
        # What somebody has killed through the engine, it leaves alone.
        await asyncio.to_thread(docker, "start", *victims)

    async with load_client(timeout_s=ANSWER_TIMEOUT_S) as client:
        await open_shop(client, stack.instances)
        generator = Generator(client=client, instances=stack.instances, answered=count)
        async with asyncio.TaskGroup() as group:
            group.create_task(kill())
            group.create_task(generator.send_all(orders=ORDERS, rate=RATE, draw=customers.basket))
    return answered
