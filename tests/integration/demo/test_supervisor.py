"""The supervisor over real, tiny processes."""

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from demo.supervisor.graph import Job, JobError, Part, Service
from demo.supervisor.record import ProcessId
from demo.supervisor.state import PartState, Phase, State
from demo.supervisor.supervisor import Supervisor
from tests.support.waiting import wait_until

Supervise = Callable[[Sequence[Part]], AbstractAsyncContextManager[Supervisor]]
ReadEventLog = Callable[[], list[str]]
MakeService = Callable[..., Service]


def state_of(supervisor: Supervisor, name: str) -> PartState:
    return next(state for state in supervisor.parts if state.part.name == name)


def pid(supervisor: Supervisor, name: str) -> int:
    child = state_of(supervisor, name).child
    assert child is not None
    return child.pid


async def until_ready(supervisor: Supervisor) -> None:
    await wait_until(lambda: supervisor.phase is Phase.READY, what="the stack is ready")


async def test_a_part_starts_when_the_parts_before_it_are_ready_and_not_earlier(
    supervise: Supervise, python_service: MakeService, event_log: ReadEventLog, tmp_path: Path
) -> None:
    async def let_it_be_ready(_log: Path) -> None:
        (tmp_path / "flag").touch()

    base = python_service("base", flag="flag")
    parts: list[Part] = [python_service("shop", after=["base"]), base, Job(name="bell", run=let_it_be_ready)]
    async with supervise(parts) as supervisor:
        await until_ready(supervisor)
        told = event_log()
    assert told.index("part.done bell") < told.index("part.ready base") < told.index("part.started shop")


async def test_parts_stop_in_the_reverse_order(
    supervise: Supervise, python_service: MakeService, tmp_path: Path
) -> None:
    last_words = tmp_path / "last words"

    def says(name: str) -> str:
        return (
            f"say = lambda *_: (open({str(last_words)!r}, 'a').write('{name} '), sys.exit(0))\n"
            f"signal.signal(signal.SIGTERM, say)\npathlib.Path({str(tmp_path / name)!r}).touch()"
        )

    parts = [
        python_service("base", says("base"), flag="base"),
        python_service("middle", says("middle"), flag="middle", after=["base"]),
        python_service("top", says("top"), flag="top", after=["middle"]),
    ]
    async with supervise(parts) as supervisor:
        await until_ready(supervisor)
    assert last_words.read_text().split() == ["top", "middle", "base"]
    assert {state.state for state in supervisor.parts} == {State.STOPPED}


async def test_a_part_that_dies_is_started_again_and_the_event_log_says_so(
    supervise: Supervise, python_service: MakeService, event_log: ReadEventLog
) -> None:
    async with supervise([python_service("shop")]) as supervisor:
        await until_ready(supervisor)
        first = pid(supervisor, "shop")
        os.kill(first, signal.SIGKILL)
        await wait_until(lambda: state_of(supervisor, "shop").restarts == 1)
        await wait_until(lambda: state_of(supervisor, "shop").state is State.READY)
        assert pid(supervisor, "shop") != first
        assert "part.died shop" in event_log()


async def test_descendants_of_a_part_that_dies_end_with_it(
    supervise: Supervise, python_service: MakeService, tmp_path: Path
) -> None:
    spawn = (
        "child = subprocess.Popen(['sleep', '600'])\n"
        f"pathlib.Path({str(tmp_path / 'child')!r}).write_text(str(child.pid))"
    )
    async with supervise([python_service("shop", spawn, flag="child")]) as supervisor:
        await until_ready(supervisor)
        grandchild = psutil.Process(int((tmp_path / "child").read_text()))
        os.kill(pid(supervisor, "shop"), signal.SIGKILL)
        await wait_until(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE)


async def test_a_paused_part_is_stopped_all_the_same(
    supervise: Supervise, python_service: MakeService
) -> None:
    async with supervise([python_service("shop", grace_s=1)]) as supervisor:
        await until_ready(supervisor)
        shop = pid(supervisor, "shop")
        os.kill(shop, signal.SIGSTOP)
    assert not psutil.pid_exists(shop)


async def test_a_part_that_ignores_the_request_to_stop_is_killed(
    supervise: Supervise, python_service: MakeService, tmp_path: Path
) -> None:
    deaf = f"signal.signal(signal.SIGTERM, signal.SIG_IGN)\npathlib.Path({str(tmp_path / 'deaf')!r}).touch()"
    async with supervise([python_service("shop", deaf, flag="deaf", grace_s=1)]) as supervisor:
        await until_ready(supervisor)
        shop = pid(supervisor, "shop")
    assert not psutil.pid_exists(shop)


async def test_a_part_that_ends_before_it_is_ready_fails_the_start_with_its_last_words(
    supervise: Supervise, python_service: MakeService, tmp_path: Path
) -> None:
    broken = python_service("shop", "sys.exit('the till is jammed')", flag="never", after=["base"])
    async with supervise([python_service("base"), broken]) as supervisor:
        await wait_until(lambda: supervisor.phase is Phase.FAILED)
    assert supervisor.failure is not None
    assert "shop ended with exit code 1" in supervisor.failure
    assert "the till is jammed" in supervisor.failure
    assert all(state.child is None for state in supervisor.parts)


async def test_a_job_that_fails_fails_the_start_and_nothing_is_left_running(
    supervise: Supervise, python_service: MakeService, children: list[tuple[ProcessId, ...]]
) -> None:
    async def refuse(_log: Path) -> None:
        raise JobError("no such bell")

    async with supervise(
        [python_service("base"), Job(name="bell", run=refuse, after=frozenset({"base"}))]
    ) as supervisor:
        await wait_until(lambda: supervisor.phase is Phase.FAILED)
    assert supervisor.failure == "bell failed: no such bell"
    assert any(children)
    assert children[-1] == ()
    assert not [child for reported in children for child in reported if child.find()]


async def test_a_program_that_is_not_there_fails_the_start(
    supervise: Supervise, python_service: MakeService
) -> None:
    ghost = Service(name="ghost", command=("/no/such/program",), ready=python_service("x").ready)
    async with supervise([ghost]) as supervisor:
        await wait_until(lambda: supervisor.phase is Phase.FAILED)
    assert "/no/such/program" in (supervisor.failure or "")


async def test_a_stopped_part_stays_stopped_until_it_is_started(
    supervise: Supervise, python_service: MakeService, event_log: ReadEventLog
) -> None:
    async with supervise([python_service("shop"), python_service("page")]) as supervisor:
        await until_ready(supervisor)
        await supervisor.stop_part("shop")
        assert state_of(supervisor, "shop").state is State.STOPPED
        assert state_of(supervisor, "shop").child is None
        await supervisor.start_part("shop")
        await wait_until(lambda: state_of(supervisor, "shop").state is State.READY)
        assert state_of(supervisor, "shop").restarts == 0
        assert "part.died shop" not in event_log()


async def test_a_part_can_be_stopped_while_it_waits_for_its_next_try(
    supervise: Supervise, python_service: MakeService, tmp_path: Path
) -> None:
    dies = f"if pathlib.Path({str(tmp_path / 'die')!r}).exists(): sys.exit(1)"
    async with supervise([python_service("shop", dies)]) as supervisor:
        await until_ready(supervisor)
        (tmp_path / "die").touch()
        os.kill(pid(supervisor, "shop"), signal.SIGKILL)
        await wait_until(lambda: state_of(supervisor, "shop").restarts >= 2)
        async with asyncio.timeout(60):
            await supervisor.stop_part("shop")
        assert state_of(supervisor, "shop").state is State.STOPPED


async def test_only_services_can_be_stopped(supervise: Supervise, python_service: MakeService) -> None:
    async def ring(_log: Path) -> None:
        return None

    async with supervise([Job(name="bell", run=ring), python_service("shop")]) as supervisor:
        for name in ("bell", "nobody"):
            with pytest.raises(KeyError):
                await supervisor.stop_part(name)


async def test_a_spare_part_runs_only_while_it_is_wanted_and_nobody_waits_for_it(
    supervise: Supervise, python_service: MakeService, event_log: ReadEventLog
) -> None:
    spare = replace(python_service("spare", after=["shop"]), spare=True)
    async with supervise([python_service("shop"), spare]) as supervisor:
        await until_ready(supervisor)
        assert state_of(supervisor, "spare").absent
        await supervisor.start_part("spare")
        await wait_until(lambda: state_of(supervisor, "spare").state is State.READY, what="it runs")
        os.kill(pid(supervisor, "spare"), signal.SIGKILL)
        await wait_until(
            lambda: state_of(supervisor, "spare").restarts == 1, what="it is restarted as any part"
        )
        await wait_until(lambda: state_of(supervisor, "spare").state is State.READY, what="it runs again")
        await supervisor.stop_part("spare")
        assert state_of(supervisor, "spare").absent
    assert event_log().count("part.stopped spare") == 1
