"""What `--playground` adds to a stack, and that nothing of it is there without."""

import httpx
import pytest

from auditor.observations import Planted
from demo.__main__ import main
from demo.cli.up import Kind
from demo.home import Home
from demo.planted_records import keep_planted_records, planted_records
from demo.stack import Stack
from demo.stack_graph import graph_of
from demo.supervisor.graph import Service
from demo.supervisor.state import PartState, State
from devservers.ports import Ports


async def services(home: Home, *, playground: bool) -> dict[str, Service]:
    stack = Stack.of(home=home, ports=Ports(), brokers=3, classpath="", playground=playground)
    async with httpx.AsyncClient() as http:
        return {service.name: service for service in graph_of(stack, http).services}


async def test_a_control_and_two_spare_workers_come_with_it_and_the_catalog_knows_where(home: Home) -> None:
    plain, more = await services(home, playground=False), await services(home, playground=True)
    assert more.keys() - plain.keys() == {"playground", "links", "sink-2", "sink-3"}
    assert {name for name, service in more.items() if service.spare} == {"sink-2", "sink-3"}
    assert more["catalog"].env["CATALOG_PLAYGROUND_URL"] == "http://127.0.0.1:8095"
    assert not any("PLAYGROUND" in name for service in plain.values() for name in service.env)


async def test_a_spare_worker_is_one_of_the_group_at_a_port_of_its_own(home: Home) -> None:
    found = await services(home, playground=True)
    ports = {name: found[name].env["SINK_REST_PORT"] for name in ("sink", "sink-2", "sink-3")}
    assert ports == {"sink": "8083", "sink-2": "8084", "sink-3": "8085"}
    assert {found[name].env["SINK_GROUP_ID"] for name in ports} == {"sink"}
    assert {int(port) for port in ports.values()} <= Ports().all(brokers=1, playground=True).keys()


async def test_a_spare_is_no_part_of_the_stack_until_it_is_wanted(home: Home) -> None:
    found = await services(home, playground=True)
    spare, sink = PartState.of(found["sink-2"]), PartState.of(found["sink"])
    assert spare.absent
    assert spare.came_up.is_set(), "nobody waits for it"
    assert not sink.absent
    spare.wanted = True
    assert not spare.absent
    spare.state, spare.wanted = State.STOPPING, False
    assert not spare.absent, "it is seen until it has ended"


def test_whoever_sees_a_playground_may_break_it_so_there_is_none_behind_log_ins(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEMO_HOME", str(home.root))
    assert main(["up", "--secure", "--playground"]) == 2
    assert "not to be had with --secure" in capsys.readouterr().err


def test_a_kind_of_stack_is_told_to_the_supervisor_by_the_same_options() -> None:
    assert Kind().words == ()
    assert Kind(observe=True, playground=True).words == ("--observe", "--playground")


def test_records_that_were_planted_are_known_after_a_restart(home: Home) -> None:
    assert planted_records(home) == []
    places = [Planted("orders", 3, 17), Planted("orders", 0, 4)]
    keep_planted_records(home, places)
    assert planted_records(home) == places
    assert (home.data / "planted.json").stat().st_mode & 0o077 == 0
