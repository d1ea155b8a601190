"""Two thousand orders, and in the middle of them something breaks.

Each test names its fault; the invariants are the auditor's, asked once everything runs again (`FaultInjector.calm`): ACK (what
was acknowledged is there exactly once, what was refused is not), VER, SUM, STOCK, ACCT, and LIVE (within 60 s).
"""

import asyncio
import re
import signal
from contextlib import ExitStack

import httpx
import pytest

from tests.support.fault_injector import FaultInjector
from tests.support.memory_limit import crowded, no_more_memory, says_so
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(280)]

KILL, STOP, CONTINUE = signal.SIGKILL, signal.SIGSTOP, signal.SIGCONT


def _kill(injector: FaultInjector, part: str) -> int:
    return injector.stack.signal(part, KILL)


async def _leaders(injector: FaultInjector, *question: str, told: str) -> list[str]:
    """The parts that `./demo kafka …` names, each as often as it does."""
    answer = await asyncio.to_thread(injector.stack.demo, "kafka", *question)
    found = re.findall(told, answer.stdout)
    assert found, answer.stdout + answer.stderr
    return [f"kafka-{number}" for number in found]


async def _controller(injector: FaultInjector) -> str:
    """The part that leads the controllers now."""
    return (await _leaders(injector, "quorum", told=r"LeaderId:\s+(\d)"))[0]


async def _leading(injector: FaultInjector) -> str:
    """The part that leads the orders' partitions now, or most of them."""
    leaders = await _leaders(injector, "topics", "describe", "orders", told=r"Leader: (\d)")
    return max(leaders, key=leaders.count)


@pytest.mark.guarantees("G-KAFKA-2")
async def test_the_leading_broker_killed__everything_goes_on__ack_live(injector: FaultInjector) -> None:
    leading = await _leading(injector)

    async def fault() -> None:
        await asyncio.to_thread(_kill, injector, leading)

    await injector.inject(fault)
    await injector.recover(victims=[leading])
    assert not injector.turned_away()


@pytest.mark.guarantees("G-KAFKA-2")
async def test_the_controller_killed__everything_goes_on__ack_live(injector: FaultInjector) -> None:
    controller = await _controller(injector)

    async def fault() -> None:
        await asyncio.to_thread(_kill, injector, controller)

    await injector.inject(fault)
    await injector.recover(victims=[controller])
    assert not injector.turned_away()


async def test_the_controller_paused_for_eight_seconds__everything_goes_on__ack_live(
    injector: FaultInjector,
) -> None:
    controller = await _controller(injector)

    async def fault() -> None:
        await asyncio.to_thread(injector.stack.signal, controller, STOP)
        await asyncio.sleep(8)  # the fault's own length
        await asyncio.to_thread(injector.stack.signal, controller, CONTINUE)

    await injector.inject(fault)
    await injector.recover()
    assert not injector.turned_away()


async def test_a_broker_paused_for_eight_seconds__everything_goes_on__ack_live(
    injector: FaultInjector,
) -> None:
    leading = await _leading(injector)

    async def fault() -> None:
        await asyncio.to_thread(injector.stack.signal, leading, STOP)
        await asyncio.sleep(8)  # the fault's own length
        await asyncio.to_thread(injector.stack.signal, leading, CONTINUE)

    await injector.inject(fault)
    await injector.recover()
    assert not injector.turned_away()


@pytest.mark.guarantees("G-CMD-10", "G-RELAY-1", "G-KAFKA-2")
async def test_two_of_three_brokers_killed__commands_are_still_accepted__ack_live(
    injector: FaultInjector,
) -> None:
    async def fault() -> None:
        for part in ("kafka-1", "kafka-3"):
            await asyncio.to_thread(_kill, injector, part)

    await injector.inject(fault)
    await injector.recover(victims=["kafka-1", "kafka-3"])
    assert not injector.turned_away()


@pytest.mark.guarantees("G-CMD-10")
async def test_the_sink_killed__goes_on_from_its_stored_offsets__ack_acct(injector: FaultInjector) -> None:
    async def fault() -> None:
        await asyncio.to_thread(_kill, injector, "sink")

    await injector.inject(fault)
    report = await injector.recover(victims=["sink"])
    assert not injector.turned_away()
    assert report.counts["dead letters"] == 0


@pytest.mark.guarantees("G-CMD-1", "G-CMD-3", "G-RELAY-2")
async def test_an_order_instance_killed_three_times__what_it_acknowledged_stays__ack_stock(
    injector: FaultInjector,
) -> None:
    """Its relay dies with it, after sending and before noting so: it sends again, and the repeats drop out."""
    killed: set[int] = set()

    async def restarted() -> bool:
        pid = await asyncio.to_thread(injector.stack.pid, "order-2")
        return pid > 0 and pid not in killed

    async def fault() -> None:
        for _ in range(3):
            await wait_until(restarted, what="order-2 runs again")
            killed.add(await asyncio.to_thread(_kill, injector, "order-2"))

    await injector.inject(fault)
    await injector.recover(victims=["order-2"])
    assert {instance for instance, _, _ in injector.turned_away()} == {"order-2"}, injector.turned_away()
    assert len(killed) == 3


async def test_an_order_instance_paused_for_six_seconds__others_go_on_and_it_too__ack_stock(
    injector: FaultInjector,
) -> None:
    async def fault() -> None:
        await asyncio.to_thread(injector.stack.signal, "order-2", STOP)
        await asyncio.sleep(6)  # the fault's own length
        await asyncio.to_thread(injector.stack.signal, "order-2", CONTINUE)

    await injector.inject(fault)
    await injector.recover()
    assert {instance for instance, _, _ in injector.turned_away()} <= {"order-2"}, injector.turned_away()


async def test_an_order_instance_stopped_in_order__it_drains_and_comes_back__ack_stock(
    injector: FaultInjector,
) -> None:
    async def fault() -> None:
        stopped = await asyncio.to_thread(injector.stack.demo, "stop", "order-2")
        assert stopped.returncode == 0, stopped.stderr
        started = await asyncio.to_thread(injector.stack.demo, "start", "order-2")
        assert started.returncode == 0, started.stderr

    await injector.inject(fault)
    await injector.recover()
    assert {instance for instance, _, _ in injector.turned_away()} <= {"order-2"}, injector.turned_away()


@pytest.mark.guarantees("G-CMD-10")
async def test_the_catalog_killed__commands_do_not_notice__ack(injector: FaultInjector) -> None:
    async def fault() -> None:
        await asyncio.to_thread(_kill, injector, "catalog")

    await injector.inject(fault)
    await injector.recover(victims=["catalog"])
    assert not injector.turned_away()
    order = next(sent.order_id for sent in injector.sent if sent.order_id)
    async with httpx.AsyncClient(timeout=20) as client:
        assert (await client.get(f"{injector.stack.catalog}/orders/{order}")).status_code == 200


@pytest.mark.guarantees("G-CMD-10", "G-SINK-11")
async def test_the_read_database_killed__retried_and_nothing_set_aside__sum_ryw(
    injector: FaultInjector,
) -> None:
    async def fault() -> None:
        await asyncio.to_thread(_kill, injector, "postgres")

    await injector.inject(fault)
    report = await injector.recover(victims=["postgres"])
    assert not injector.turned_away()
    assert report.counts["dead letters"] == 0, "an outage is no reason to give up a record"


async def test_no_more_memory_for_one_of_each_part_for_six_seconds__they_go_on_or_are_started_again__ack_sum_live(
    injector: FaultInjector,
) -> None:
    starved = ["order-2", "catalog", "sink", await _leading(injector)]

    async def fault() -> None:
        with ExitStack() as limits:
            for part in starved:
                limits.enter_context(no_more_memory(await asyncio.to_thread(injector.stack.pid, part)))
            async with crowded(injector.stack.instances["order-2"]):
                await asyncio.sleep(6)  # the fault's own length

    await injector.inject(fault)
    report = await injector.recover(perhaps=starved)
    missed = {part for part in starved if says_so(injector.stack.home / "logs" / f"{part}.log")}
    assert missed, "nobody was refused any memory"
    assert {instance for instance, _, _ in injector.turned_away()} <= {"order-2"}, injector.turned_away()
    assert report.counts["dead letters"] == 0, "a lack of memory says nothing of a record"
