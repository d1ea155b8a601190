"""The beginning and the end of a stack: a light one of its own for each test."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from demo.home import Home
from demo.supervisor.record import ProcessId, Record
from devservers.ports import Ports, taken
from tests.support.waiting import wait_until

START_TIMEOUT_S = 240
# Beside those that the shared stack of the tests picks from.
OFFSETS = range(18_200, 20_000, 300)


@dataclass(frozen=True, slots=True)
class Light:
    """`./demo` with a home and ports of its own, one broker."""

    home: Home
    ports: Ports

    def demo(self, *words: str) -> "subprocess.CompletedProcess[str]":
        env = os.environ | {"DEMO_HOME": str(self.home.root), "DEMO_PORT_OFFSET": str(self.ports.offset)}
        command = [sys.executable, "-m", "demo", *words]
        return subprocess.run(
            command, env=env, capture_output=True, text=True, timeout=START_TIMEOUT_S, check=False
        )

    def up(self) -> None:
        started = self.demo("up", "--brokers", "1")
        assert started.returncode == 0, started.stdout + started.stderr

    def family(self) -> set[ProcessId]:
        """Every process of the stack: the supervisor, the parts, and what they started."""
        record = Record.read(self.home)
        assert record is not None
        supervisor = psutil.Process(record.supervisor.pid)
        found = (
            ProcessId.find_now(p.name(), p.pid) for p in [supervisor, *supervisor.children(recursive=True)]
        )
        return {identity for identity in found if identity}


@pytest.fixture
def light(session_directory: Path, request: pytest.FixtureRequest) -> Iterator[Light]:
    home = Home(session_directory / f"light of {request.node.name[:20]}")
    ports = next(p for offset in OFFSETS if not taken((p := Ports(offset=offset)).all(brokers=1)))
    one = Light(home=home, ports=ports)
    yield one
    one.demo("down", "--volumes")


def alive(family: set[ProcessId]) -> list[str]:
    return sorted(identity.name for identity in family if identity.find())


@pytest.mark.slow
def test_down_leaves_no_process_and_no_port_keeps_the_data_and_forgets_it_when_told(light: Light) -> None:
    light.up()
    family = light.family()
    assert (
        len(family) >= 8
    )  # supervisor, Kafka, PostgreSQL and its own processes, three orders, sink, catalog
    assert light.demo("down").returncode == 0
    assert alive(family) == []
    assert taken(light.ports.all(brokers=1)) == []
    assert (light.home.data / "order-1" / "orders.db").exists()
    assert "Nothing was running" in light.demo("down", "--volumes").stdout
    assert not light.home.root.exists()


@pytest.mark.slow
async def test_after_a_supervisor_was_killed_the_next_up_ends_what_it_left_and_starts_anew(
    light: Light,
) -> None:
    light.up()
    family = light.family()
    record = Record.read(light.home)
    assert record is not None
    os.kill(record.supervisor.pid, signal.SIGKILL)
    await wait_until(lambda: record.supervisor.find() is None)
    assert "order-1" in light.demo("doctor").stdout
    again = light.demo("up", "--brokers", "1")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "Ending what a supervisor that died left behind" in again.stdout
    assert alive(family) == []
    family = light.family()
    assert light.demo("down").returncode == 0
    assert alive(family) == []


def test_a_start_that_fails_says_which_part_and_why_and_leaves_nothing_running(light: Light) -> None:
    database = light.home.data / "order-2" / "orders.db"
    database.parent.mkdir(parents=True)
    database.write_text("certainly no database " * 500)
    failed = light.demo("up", "--brokers", "1")
    assert failed.returncode == 1
    assert "order-2-migrate failed: `order-service migrate` ended with exit code 1" in failed.stdout
    assert "file is not a database" in failed.stdout
    assert "nothing was left running" in failed.stdout
    assert taken(light.ports.all(brokers=1)) == []
    assert "part.failed part=order-2-migrate" in light.demo("logs", "supervisor").stdout


def test_data_made_with_another_number_of_brokers_is_refused_before_anything_starts(light: Light) -> None:
    light.home.make()
    (light.home.data / "brokers").write_text("3")
    refused = light.demo("up", "--brokers", "1")
    assert refused.returncode == 1
    assert "made with 3 broker(s)" in refused.stdout
    assert "--volumes" in refused.stdout
    assert not light.home.record.exists()
