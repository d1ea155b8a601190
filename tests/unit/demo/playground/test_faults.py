"""The switches: each is a fault of the nemesis that lasts until it is taken back."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from demo.chaos.nemesis import Nemesis
from demo.chaos.schedule import BY_NAME, Fault
from demo.links import StackLinks
from demo.playground.errors import PlaygroundError
from demo.playground.faults import LINK_FAULTS, NOUNS, VERBS, Switches, verbs_of
from demo.playground.parts import PartState, PartStates
from devservers import links
from devservers.ports import free_ports
from tests.support.waiting import wait_until


class _Nemesis:
    """Notes what is carried out and what is taken back."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.failed: list[str] = []

    async def strike(self, schedule: Sequence[Fault], *, began: float) -> None:
        (fault,) = schedule
        assert fault.at_s == 0
        assert began <= asyncio.get_running_loop().time()
        self.told.append(f"{fault.kind} {fault.part}".strip())
        if fault.lasts_s:
            try:
                await asyncio.sleep(fault.lasts_s)
            finally:
                self.told.append(f"back: {fault.kind}")


class _Parts:
    def __init__(self) -> None:
        self.resumed: list[str] = []

    async def now(self) -> list[PartState]:
        return [PartState(name="kafka-2", state="stopped", url=None)]

    async def resume(self, name: str) -> None:
        self.resumed.append(name)


@pytest.fixture
def nemesis() -> _Nemesis:
    return _Nemesis()


@pytest.fixture
def parts() -> _Parts:
    return _Parts()


@pytest.fixture
def switches(nemesis: _Nemesis, parts: _Parts) -> Switches:
    return Switches(nemesis=cast(Nemesis, nemesis), parts=cast(PartStates, parts), owner_dsn="")


LINKS = ("order-1:kafka", "sink:postgres")


@pytest.fixture
async def with_links(nemesis: _Nemesis, parts: _Parts, tmp_path: Path) -> AsyncIterator[Switches]:
    """Switches of a stack with two links, which are forwarded."""
    away, *ways = free_ports(1 + len(LINKS))
    routes = [
        links.Route(link=name, listen=port, target=away) for name, port in zip(LINKS, ways, strict=True)
    ]
    control = tmp_path / "links"
    serving = asyncio.create_task(links.serve(routes, control))
    await wait_until(control.exists, what="the links answer")
    yield Switches(
        nemesis=cast(Nemesis, nemesis), parts=cast(PartStates, parts), owner_dsn="",
        links=cast(StackLinks, SimpleNamespace(names=LINKS, control=control)),
    )  # fmt: skip
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving


async def _told(nemesis: _Nemesis, *lines: str) -> None:
    await wait_until(lambda: nemesis.told == [*lines], what=f"{lines} are told, not {nemesis.told}")


async def test_a_stop_lasts_until_it_is_healed(switches: Switches, nemesis: _Nemesis, parts: _Parts) -> None:
    await switches.throw("stop", "kafka-2")
    await _told(nemesis, "stop-broker kafka-2")
    await switches.throw("stop", "kafka-2")  # it is so already
    await switches.heal("kafka-2")
    assert nemesis.told == ["stop-broker kafka-2", "back: stop-broker"]
    assert parts.resumed == ["kafka-2"], "also where something else has stopped it"


async def test_a_kill_is_over_at_once_and_can_be_repeated(switches: Switches, nemesis: _Nemesis) -> None:
    await switches.throw("kill", "sink")
    await _told(nemesis, "kill-sink sink")
    await switches.throw("kill", "sink")
    await _told(nemesis, "kill-sink sink", "kill-sink sink")


async def test_a_lock_is_on_until_it_is_taken_back(switches: Switches, nemesis: _Nemesis) -> None:
    switches.throw_at_all("lock-table")
    await _told(nemesis, "lock-table")
    assert [each["name"] for each in switches.stack_faults if each["on"]] == ["lock-table"]
    await switches.heal("lock-table")
    assert not any(each["on"] for each in switches.stack_faults)
    assert nemesis.told[-1] == "back: lock-table"


async def test_a_poisoned_topic_is_remembered(nemesis: _Nemesis, parts: _Parts) -> None:
    kept: list[int] = []
    switches = Switches(
        nemesis=cast(Nemesis, nemesis), parts=cast(PartStates, parts), owner_dsn="", planted=lambda: kept.append(1)
    )  # fmt: skip
    switches.throw_at_all("poison")
    await wait_until(lambda: kept == [1], what="it is written down")


async def test_a_link_is_broken_until_it_is_healed_and_says_how_it_is(with_links: Switches) -> None:
    async def states() -> list[str | None]:
        return [each["fault"] for each in await with_links.link_states()]

    for fault in LINK_FAULTS:
        await with_links.break_link(fault, "order-1:kafka")
        assert await states() == [fault, None]
    await with_links.break_link("hold-answers", "sink:postgres")
    await with_links.heal("order-1:kafka")
    assert await states() == [None, "hold-answers"]
    await with_links.release()
    assert await states() == [None, None]


async def test_a_link_that_is_not_there_is_not_broken(with_links: Switches, switches: Switches) -> None:
    for fault, link in (("cut", "sink:moon"), ("melt", "sink:postgres"), ("heal", "sink:postgres")):
        with pytest.raises(PlaygroundError):
            await with_links.break_link(fault, link)
    with pytest.raises(PlaygroundError):
        await switches.break_link("cut", "sink:postgres")
    assert await switches.link_states() == []


async def test_at_the_end_everything_is_taken_back(switches: Switches, nemesis: _Nemesis) -> None:
    await switches.throw("pause", "order-1")
    switches.throw_at_all("lock-table")
    await wait_until(lambda: len(nemesis.told) == 2)
    await switches.release()
    assert {line for line in nemesis.told if line.startswith("back")} == {
        "back: pause-instance",
        "back: lock-table",
    }


@pytest.mark.parametrize(
    ("verb", "part"),
    [("stop", "catalog"), ("pause", "postgres"), ("explode", "kafka-1"), ("stop", "playground")],
)
async def test_what_is_nobody_s_toy_is_refused(switches: Switches, verb: str, part: str) -> None:
    with pytest.raises(PlaygroundError):
        await switches.throw(verb, part)
    with pytest.raises(PlaygroundError):
        switches.throw_at_all(f"{verb}-{part}")


def test_the_faults_are_those_of_the_nemesis() -> None:
    assert set(VERBS) == set(NOUNS)
    kinds = {f"{verb}-{NOUNS[part]}" for part, verbs in VERBS.items() for verb in verbs}
    assert kinds - BY_NAME.keys() == {"stop-sink"}, "no schedule draws it"
    assert {*LINK_FAULTS, links.HEAL} == links.FAULTS.keys()
    assert verbs_of("sink-2") == ("pause", "kill"), "it is removed, not stopped"
