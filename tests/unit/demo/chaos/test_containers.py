"""What the nemesis does to containers, by the commands that the engine gets."""

import asyncio
import threading

import pytest

from demo.chaos import containers as module
from demo.chaos.containers import Containers
from demo.chaos.nemesis import Nemesis
from demo.chaos.schedule import DEFAULT, Fault, draw_schedule
from demo.compose.containers import Container
from demo.errors import NotRunningError

NAMES = (
    "catalog", "kafka-1", "kafka-2", "kafka-3", "order-1", "order-1-db", "order-2", "order-2-db", "read-db", "sink", "sink-2",
)  # fmt: skip


def system() -> Containers:
    return Containers(
        instances={}, catalog_url="", bootstrap="", admin_dsn="", owner_dsn="", catalog_dsn="",
        ids={name: f"id-{name}" for name in NAMES},
    )  # fmt: skip


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What it was asked."""
    asked: list[str] = []
    monkeypatch.setattr(module, "docker", lambda *words: asked.append(" ".join(words)))
    return asked


def test_every_kind_of_fault_hits_a_container_and_no_instance_loses_its_database() -> None:
    faults = draw_schedule(seed=1, seconds=3_000, parts=system().parts)
    assert {fault.kind for fault in faults} == set(DEFAULT)
    assert {fault.part for fault in faults} == {*NAMES, ""} - {"order-1-db", "order-2-db"}


@pytest.mark.parametrize(
    ("kind", "commands"),
    [
        ("kill-sink", ["kill id-sink-2", "start id-sink-2"]),
        ("pause-sink", ["pause id-sink-2", "unpause id-sink-2"]),
        ("stop-broker", ["stop id-sink-2", "start id-sink-2"]),
    ],
)
async def test_what_is_done_is_taken_back(engine: list[str], kind: str, commands: list[str]) -> None:
    await Nemesis(system=system()).carry_out(Fault(at_s=0, kind=kind, part="sink-2", lasts_s=0.001))
    assert engine == commands


async def test_a_fault_of_a_container_that_is_away_is_not_carried_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def docker(*words: str) -> str:
        raise NotRunningError(f"cannot {words[0]}")

    monkeypatch.setattr(module, "docker", docker)
    nemesis = Nemesis(system=system())
    fault = Fault(at_s=0, kind="pause-sink", part="sink", lasts_s=0.001)
    await nemesis.strike([fault], began=0)
    assert nemesis.failed == [f"{str(fault).partition('  ')[2]}: sink: cannot pause"]
    assert not nemesis.active


async def test_whatever_is_paused_or_does_not_run_goes_on(
    engine: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = [
        _container("catalog", state="ready", pid=7),
        _container("sink", state="paused", pid=8),
        _container("read-db", state="stopped", pid=None),
    ]
    monkeypatch.setattr(module, "containers", lambda: tuple(there))
    await system().resume_all()
    assert engine == ["unpause id-sink", "start id-read-db"]


def _container(service: str, *, state: str, pid: int | None) -> Container:
    return Container(
        id=f"id-{service}", name=service, service=service, number=1, state=state, pid=pid, restarts=0, is_job=False,
        ports={},
    )  # fmt: skip


async def test_a_stop_that_is_given_up_half_way_is_taken_back_once_it_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, begun, ends = [], threading.Event(), threading.Event()

    def docker(*words: str) -> str:
        if words[0] == "stop":
            begun.set()
            assert ends.wait(timeout=10)
        asked.append(words[0])
        return ""

    monkeypatch.setattr(module, "docker", docker)
    fault = Fault(at_s=0, kind="stop-broker", part="kafka-1", lasts_s=600)
    striking = asyncio.create_task(Nemesis(system=system()).carry_out(fault))
    await asyncio.to_thread(begun.wait, 10)
    striking.cancel()
    await asyncio.wait([striking], timeout=0.05)
    assert asked == []
    ends.set()
    with pytest.raises(asyncio.CancelledError):
        await striking
    assert asked == ["stop", "start"]


async def test_one_that_the_engine_refuses_to_start_keeps_no_other_from_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []

    def docker(*words: str) -> str:
        asked.append(" ".join(words))
        if words[1] == "id-sink":
            raise NotRunningError("no such container")
        return ""

    there = [_container("sink", state="paused", pid=8), _container("read-db", state="stopped", pid=None)]
    monkeypatch.setattr(module, "docker", docker)
    monkeypatch.setattr(module, "containers", lambda: tuple(there))
    await system().resume_all()
    assert asked == ["unpause id-sink", "start id-read-db"]
