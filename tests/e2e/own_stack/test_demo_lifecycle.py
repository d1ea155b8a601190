"""The beginning and the end of a stack: a light one of its own for each test."""

import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from devservers.ports import Ports, taken
from tests.support.stack import described, own_ports, run_demo
from tests.support.waiting import wait_until

START_TIMEOUT_S = 240
# Beside those that the shared stack of the tests picks from.
OFFSETS = range(18_200, 20_000, 300)


@dataclass(frozen=True, slots=True)
class Light:
    """`./demo` with a home and ports of its own, one broker."""

    home: Path
    ports: Ports

    def demo(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return run_demo(self.home, self.ports, *words, timeout_s=START_TIMEOUT_S)

    def up(self) -> None:
        started = self.demo("up", "--brokers", "1")
        assert started.returncode == 0, started.stdout + started.stderr

    def supervisor(self) -> psutil.Process:
        return psutil.Process(described(self.home, self.ports).addresses["supervisor"]["pid"])

    def family(self) -> list[psutil.Process]:
        """Every process of the stack: the supervisor, the parts, and what they started."""
        supervisor = self.supervisor()
        return [supervisor, *supervisor.children(recursive=True)]


@pytest.fixture
def light(session_directory: Path, request: pytest.FixtureRequest) -> Iterator[Light]:
    home = session_directory / f"light of {request.node.name[:20]}"
    with own_ports(OFFSETS) as ports:
        one = Light(home=home, ports=ports)
        yield one
        one.demo("down", "--volumes")


def alive(family: list[psutil.Process]) -> list[int]:
    """Pids of those that still run; a pid that another process got meanwhile does not count."""
    return [
        process.pid for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    ]


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
    assert (light.home / "data" / "order-1" / "orders.db").exists()
    assert "Nothing was running" in light.demo("down", "--volumes").stdout
    assert not light.home.exists()


@pytest.mark.slow
async def test_after_a_supervisor_was_killed_the_next_up_ends_what_it_left_and_starts_anew(
    light: Light,
) -> None:
    light.up()
    family = light.family()
    light.supervisor().kill()
    await wait_until(lambda: family[0].pid not in alive(family), what="the supervisor is gone")
    seen = light.demo("doctor")
    assert "order-1" in seen.stdout
    assert "blocking" not in seen.stdout, "what is its own is not in the way"
    said = light.demo("status")
    assert (said.returncode, "the supervisor is gone" in said.stdout) == (1, True), said.stdout
    again = light.demo("up", "--brokers", "1")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "Ending what a supervisor that died left behind" in again.stdout
    assert alive(family) == []
    family = light.family()
    assert light.demo("down").returncode == 0
    assert alive(family) == []


@pytest.mark.slow
def test_two_ups_at_once_bring_one_stack_up_and_both_say_so(light: Light) -> None:
    ended: list[subprocess.CompletedProcess[str]] = []
    both = [
        threading.Thread(target=lambda: ended.append(light.demo("up", "--brokers", "1"))) for _ in range(2)
    ]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert [each.returncode for each in ended] == [0, 0], [each.stdout + each.stderr for each in ended]
    assert sum("is starting the stack" in each.stdout for each in ended) == 1


@pytest.mark.slow
async def test_what_is_stopped_is_the_cause_that_is_named(light: Light) -> None:
    light.up()
    said = light.demo("stop", "postgres")
    assert (said.returncode, "postgres is stopped" in said.stdout) == (0, True), said.stdout + said.stderr
    assert "postgres was stopped already" in light.demo("stop", "postgres").stdout
    shown = light.demo("status")
    assert shown.returncode == 1
    overall, read_side = shown.stdout.splitlines()[-2:]
    assert overall.startswith("not ready: ")
    assert "postgres is stopped" in overall
    assert "postgres is stopped" in read_side
    assert "Kafka" not in read_side
    started = light.demo("start", "postgres")
    assert (started.returncode, "postgres is ready (pid " in started.stdout) == (0, True), started.stdout
    assert "postgres was running already" in light.demo("start", "postgres").stdout


def test_a_start_that_fails_says_which_part_and_why_and_leaves_nothing_running(light: Light) -> None:
    database = light.home / "data" / "order-2" / "orders.db"
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
    (light.home / "data").mkdir(parents=True)
    (light.home / "data" / "brokers").write_text("3")
    refused = light.demo("up", "--brokers", "1")
    assert refused.returncode == 1
    assert "made with 3 broker(s)" in refused.stdout
    assert "--volumes" in refused.stdout
    assert not (light.home / "supervisor.json").exists()
