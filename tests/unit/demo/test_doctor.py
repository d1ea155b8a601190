"""Doctor: what it finds, how grave it is, and that there is a remedy."""

import argparse
import os
import shutil
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import psutil
import pytest

from demo import doctor
from demo.doctor import Finding, Place, Weight
from demo.home import Home
from demo.supervisor.record import ProcessId, Record
from devservers.certificates import Authority
from devservers.ports import MAX_BROKERS, Ports, free_ports, outgoing

GB = 10**9


@pytest.fixture
def place(home: Home) -> Place:
    """A home beside ports that nobody uses."""
    return Place(home=home, ports=Ports(offset=free_ports(1)[0] % 10_000 + 10_000), is_running=False)


def one(findings: Iterator[Finding]) -> Finding:
    (finding,) = findings
    return finding


def test_this_machine_is_fit_as_the_tests_run_on_it(
    monkeypatch: pytest.MonkeyPatch, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEMO_HOME", str(home.root))
    monkeypatch.setattr(
        doctor, "CHECKS", (doctor.python, doctor.java, doctor.memory, doctor.disk, doctor.left_behind)
    )
    assert doctor.run(argparse.Namespace()) == 0
    said = capsys.readouterr().out
    assert "openjdk version" in said
    assert "blocking" not in said


def test_a_taken_port_is_blocking_and_names_its_owner(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", place.ports.catalog)):
        finding = one(doctor.listening(place))
        assert (finding.weight, f"pid {os.getpid()}" in finding.what) == (Weight.BLOCKING, True)
        assert "DEMO_PORT_OFFSET" in finding.remedy
        monkeypatch.setenv("DEMO_HOME", str(place.home.root))
        monkeypatch.setenv("DEMO_PORT_OFFSET", str(place.ports.offset))
        assert doctor.run(argparse.Namespace()) == 1
    assert f"port {place.ports.catalog}, needed by catalog" in capsys.readouterr().out


def test_free_ports_and_those_of_the_running_stack_are_fine(place: Place) -> None:
    assert one(doctor.listening(place)).weight is Weight.OK
    with socket.create_server(("127.0.0.1", place.ports.catalog)):
        assert one(doctor.listening(replace(place, is_running=True))).weight is Weight.OK


def test_ports_that_the_system_lends_out_are_warned_of_with_an_offset_that_avoids_them(place: Place) -> None:
    first = outgoing().start
    safe = first - 1 - max(Ports().all(brokers=MAX_BROKERS))
    assert list(doctor.lent(replace(place, ports=Ports(offset=safe)))) == []
    finding = one(doctor.lent(replace(place, ports=Ports(offset=safe + 1))))
    assert (finding.weight, f"port {first} " in finding.what) == (Weight.HINT, True)
    assert f"DEMO_PORT_OFFSET={safe} " in finding.remedy


@pytest.mark.parametrize(
    ("available_gb", "weight", "remedy"),
    [(8, Weight.OK, ""), (2, Weight.HINT, "--brokers 1"), (1, Weight.BLOCKING, "Close other programs")],
)
def test_memory_is_weighed(
    place: Place, monkeypatch: pytest.MonkeyPatch, available_gb: int, weight: Weight, remedy: str
) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=available_gb * GB))
    finding = one(doctor.memory(place))
    assert finding.weight is weight
    assert remedy in finding.remedy


@pytest.mark.parametrize(("free_gb", "weight"), [(50, Weight.OK), (1, Weight.BLOCKING)])
def test_disk_is_weighed(place: Place, monkeypatch: pytest.MonkeyPatch, free_gb: int, weight: Weight) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=free_gb * GB))
    assert one(doctor.disk(place)).weight is weight


def test_a_process_without_its_supervisor_is_found(place: Place) -> None:
    me = ProcessId.of("kafka-1", os.getpid())
    gone = replace(me, name="supervisor", started=0.0)
    Record(supervisor=gone, socket="", brokers=1, port_offset=0, children=(me,)).write(place.home)
    finding = one(doctor.left_behind(place))
    assert f"kafka-1 (pid {os.getpid()})" in finding.what
    assert "./demo down" in finding.remedy


def test_nothing_is_said_about_a_home_without_leftovers(place: Place) -> None:
    assert list(doctor.left_behind(place)) == []


def test_the_certificates_of_a_secure_stack_are_shown_and_the_one_that_ends_is_renewed_by_a_start(
    place: Place,
) -> None:
    assert list(doctor.certificates(place)) == []
    authority = Authority(place.home.secrets / "tls").make()
    authority.issue("order-1")
    finding = one(doctor.certificates(place))
    assert (finding.weight, "order-1's" in finding.what) == (Weight.OK, True)
    authority.issue("catalog", life=timedelta(days=2))
    finding = one(doctor.certificates(place))
    assert (finding.weight, "catalog's" in finding.what) == (Weight.HINT, True)
    assert "./demo up --secure" in finding.remedy
