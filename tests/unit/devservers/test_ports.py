"""Ports: which ones, and who holds one that is taken."""

import os
import socket
import sys
from pathlib import Path

import pytest

from devservers import ports as module
from devservers.ports import Ports, free_ports, taken


def test_the_ports_are_those_of_the_design() -> None:
    ports = Ports()
    assert (ports.catalog, ports.sink, ports.postgres) == (8000, 8083, 5433)
    assert [ports.order(n) for n in (1, 2, 3)] == [8001, 8002, 8003]
    assert [ports.broker(n) for n in (1, 2, 3)] == [9092, 9093, 9094]


def test_one_offset_shifts_every_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_PORT_OFFSET", "10000")
    shifted = Ports.from_environment().all(brokers=3)
    assert {port - 10_000: part for port, part in shifted.items()} == Ports().all(brokers=3)
    assert len(shifted) == 12


@pytest.mark.parametrize("offset", ["-1", "60000", "ten", "1.5"])
def test_an_offset_that_leaves_no_valid_port_is_refused(monkeypatch: pytest.MonkeyPatch, offset: str) -> None:
    monkeypatch.setenv("DEMO_PORT_OFFSET", offset)
    with pytest.raises(ValueError, match="DEMO_PORT_OFFSET"):
        Ports.from_environment()


def test_a_taken_port_is_named_with_pid_and_command_of_its_owner() -> None:
    free, held = free_ports(2)
    with socket.create_server(("127.0.0.1", held)):
        (found,) = taken({held: "catalog", free: "sink"})
    assert (found.port, found.wanted_by, found.pid) == (held, "catalog", os.getpid())
    assert Path(sys.executable).name in found.command
    assert str(found).startswith(f"port {held}, needed by catalog, is taken by pid {os.getpid()} (")


def test_a_port_that_somebody_holds_on_every_address_is_taken_too() -> None:
    (held,) = free_ports(1)
    with socket.create_server(("0.0.0.0", held)):  # noqa: S104  that is the case to test
        assert [found.pid for found in taken({held: "catalog"})] == [os.getpid()]


def test_no_port_is_given_away_twice_though_nobody_listens_there_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    (port,) = free_ports(1)
    module._reserved.pop().close()  # noqa: SLF001 - as when the process that had it has ended
    monkeypatch.setattr(module, "_FOR_TESTS", range(port, port + 1))
    assert free_ports(1) == [port]
    with pytest.raises(OSError, match="fewer than 1 ports"):
        free_ports(1)


def test_free_ports_are_free_and_differ() -> None:
    ports = free_ports(5)
    assert len(set(ports)) == 5
    assert taken(dict.fromkeys(ports, "anything")) == []
