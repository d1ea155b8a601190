"""Faults of links, of a stack that was brought up as a playground: drawn from a seed under load, and by hand."""

import asyncio
import json
import signal
from functools import partial

import httpx
import pytest

from demo.chaos.schedule import LINK_FAULTS
from tests.support.stack import RunningStack
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

MINUTES = 0.5


def test_links_that_a_seed_breaks_under_load_break_no_promise(playground: RunningStack) -> None:
    words = ("--seed", "2", "--minutes", str(MINUTES), "--faults", ",".join(LINK_FAULTS), "--json")
    run = playground.demo("chaos", *words, timeout_s=300)
    assert run.returncode == 0, run.stdout + run.stderr
    result = json.loads(run.stdout)
    assert result["operations"] > 100
    assert result["not_carried_out"] == []
    assert sum(kind["struck"] for kind in result["faults"].values()) >= 5


async def test_a_link_held_by_hand_is_away_for_its_client_alone_and_whole_afterwards(
    playground: RunningStack,
) -> None:
    before = playground.deaths()
    async with httpx.AsyncClient(base_url=playground.catalog, timeout=20) as http:

        async def answers(status: int) -> bool:
            return (await http.get("/orders")).status_code == status

        with playground.spawned("fault", "hold-link", "catalog:postgres", "--seconds", "60") as fault:
            await wait_until(partial(answers, 503), what="the catalog misses its database")
            await wait_until(
                lambda: playground.status()["parts"]["sink"]["state"] == "ready", what="the sink has its own"
            )
            fault.send_signal(signal.SIGINT)
            said, complained = await asyncio.to_thread(fault.communicate, timeout=60)
            assert "taken back" in said, complained
        await wait_until(partial(answers, 200), what="the catalog has its database again")
    assert playground.deaths() == before


def test_what_can_be_broken_is_listed_and_what_cannot_is_refused(playground: RunningStack) -> None:
    listed = playground.demo("fault")
    assert listed.returncode == 0, listed.stderr
    assert "order-1:kafka" in listed.stdout
    for words in (("melt",), ("kill-broker", "order-1"), ("cut-link",)):
        refused = playground.demo("fault", *words)
        assert refused.returncode == 2, refused.stdout
