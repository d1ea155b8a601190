"""What the catalog knows of Kafka's brokers: each answers for itself, and no answer is not an empty list."""

import signal
from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial
from pathlib import Path

import psutil
import pytest

from catalog_service.monitoring.brokers import Broker, Brokers
from devservers.kafka_cluster import KafkaCluster
from tests.support.waiting import wait_until

NOWHERE = "127.0.0.1:9"
PATIENCE_S = 30.0


@pytest.fixture
async def brokers(kafka_bootstrap: str) -> AsyncIterator[Brokers]:
    """One that has not asked yet, and takes none that is slow to answer for one that is down."""
    async with aclosing(Brokers(kafka_bootstrap, patience_s=PATIENCE_S)) as brokers:
        yield brokers


async def test_it_names_every_broker_and_one_controller(brokers: Brokers) -> None:
    found = await brokers.brokers()
    assert len(found) == 3
    assert all(each.up for each in found)
    assert sum(each.controller for each in found) == 1


async def test_one_broker_of_the_bootstrap_list_is_enough_to_find_all(kafka_bootstrap: str) -> None:
    one = f"{NOWHERE},{kafka_bootstrap.split(',', maxsplit=1)[0]}"
    async with aclosing(Brokers(one, patience_s=PATIENCE_S)) as brokers:
        assert [each.up for each in await brokers.brokers()] == [True] * 3


async def test_a_connection_that_was_closed_meanwhile_is_no_broker_down(brokers: Brokers) -> None:
    before = await brokers.brokers()
    await brokers.aclose()
    assert await brokers.brokers() == before


async def test_before_the_first_answer_there_are_none() -> None:
    async with aclosing(Brokers(NOWHERE)) as brokers:
        assert await brokers.brokers() == []


@pytest.mark.slow
async def test_the_broker_that_is_gone_is_named_and_no_other(tmp_path: Path) -> None:
    """The controller is killed, the next one hangs: whoever still runs is never called down meanwhile."""
    async with (
        KafkaCluster(directory=tmp_path, brokers=3) as kafka,
        aclosing(Brokers(kafka.bootstrap, patience_s=5)) as brokers,
    ):
        gone: set[int] = set()

        async def told() -> list[Broker] | None:
            found = await brokers.brokers()
            down = {each.node_id for each in found if not each.up}
            assert down <= gone
            assert not any(each.controller for each in found if not each.up)
            return found if down == gone and any(each.controller for each in found) else None

        for fault in (signal.SIGKILL, signal.SIGSTOP):
            found = await wait_until(
                told, timeout_s=60, what=f"{gone or 'nobody'} is down, and another one the controller"
            )
            controller = next(each.node_id for each in found or () if each.controller)
            _process(tmp_path, controller).send_signal(fault)
            gone.add(controller)
            await wait_until(partial(_all_down, brokers, gone), timeout_s=60, what=f"{gone} are down")
            if fault is signal.SIGSTOP:
                _process(tmp_path, controller).send_signal(signal.SIGCONT)


async def _all_down(brokers: Brokers, gone: set[int]) -> bool:
    down = {each.node_id for each in await brokers.brokers() if not each.up}
    assert down <= gone
    return down == gone


def _process(directory: Path, node: int) -> psutil.Process:
    file = str(directory / f"kafka-{node}.properties")
    return next(each for each in psutil.Process().children() if file in each.cmdline())
