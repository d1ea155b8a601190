"""One longer piece of work at a time, and what each led to."""

import asyncio

import pytest

from demo.playground.errors import BusyError
from demo.playground.work import Result, Work
from tests.support.waiting import wait_until


async def _ends(work: Work) -> None:
    await wait_until(lambda: work.running is None, what="the work has ended")


async def test_a_second_piece_of_work_has_to_wait_for_the_first() -> None:
    work, may_end = Work(clock=lambda: 7.0), asyncio.Event()

    async def audit() -> Result:
        await may_end.wait()
        return {"clean": True}

    work.begin("audit", audit)
    assert work.running == {"name": "audit", "began_ms": 7000}
    with pytest.raises(BusyError, match="audit"):
        work.begin("walk", audit)
    may_end.set()
    await _ends(work)
    assert work.results == {"audit": {"at_ms": 7000, "clean": True}}


async def test_what_is_ended_has_cleaned_up_behind_itself_and_says_that_it_was_ended() -> None:
    work, cleaned = Work(clock=lambda: 0.0), asyncio.Event()

    async def schedule() -> Result:
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.set()
        return {}

    work.begin("schedule", schedule)
    await asyncio.sleep(0)
    await work.stop()
    assert cleaned.is_set()
    assert work.results["schedule"] == {"at_ms": 0, "stopped": True}
    work.require_idle()


async def test_a_failure_is_told_and_leaves_the_way_free() -> None:
    work = Work(clock=lambda: 0.0)

    async def audit() -> Result:
        raise ConnectionRefusedError("the read database is away")

    work.begin("audit", audit)
    await _ends(work)
    assert work.results["audit"]["error"] == "the read database is away"
    work.require_idle()
