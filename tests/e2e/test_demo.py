"""`./demo` on the real stack: it is left as it was found."""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support.stack import REPOSITORY, RunningStack
from tests.support.waiting import wait_until

SERVICES = {"kafka-1", "kafka-2", "kafka-3", "postgres", "order-1", "order-2", "order-3", "sink", "catalog"}
ReadEventLog = Callable[[], list[str]]


@pytest.fixture
def event_log(stack: RunningStack) -> ReadEventLog:
    """The supervisor's event_log, as `./demo logs` shows it."""

    def read() -> list[str]:
        return stack.demo("logs", "supervisor").stdout.splitlines()

    return read


def pids(stack: RunningStack) -> dict[str, int]:
    return {name: part["pid"] for name, part in stack.status()["parts"].items()}


async def status_of_ready(stack: RunningStack, *words: str) -> "subprocess.CompletedProcess[str]":
    """What `./demo status` says once every part is ready: one that is slow to answer is not, for that moment."""

    def said() -> "subprocess.CompletedProcess[str] | None":
        ended = stack.demo("status", *words)
        return ended if ended.returncode == 0 else None

    found = await wait_until(said, what="every part is ready")
    assert found is not None
    return found


async def test_status_tells_of_every_part(stack: RunningStack) -> None:
    status = json.loads((await status_of_ready(stack, "--json")).stdout)
    assert status["parts"].keys() == SERVICES
    for name, part in status["parts"].items():
        assert part["state"] == "ready", name
        assert psutil.pid_exists(part["pid"]), name
        assert part["rss_mb"] > 0, name
    assert status["kafka"]["bootstrap"] == stack.bootstrap
    assert status["postgres"]["admin_dsn"].startswith("postgresql://postgres:")


async def test_status_says_it_to_a_person_as_well_and_how_far_the_read_side_is_behind(
    stack: RunningStack,
) -> None:
    said = await status_of_ready(stack)
    assert set(said.stdout.split()) >= SERVICES
    assert "records behind" in said.stdout


def test_the_whole_stack_fits_in_two_and_a_half_gigabytes(stack: RunningStack) -> None:
    status = stack.status()
    parts = {name: part["rss_mb"] for name, part in status["parts"].items()}
    parts["supervisor"] = status["supervisor"]["rss_mb"]
    assert sum(parts.values()) <= 2_500, parts


def test_a_second_up_changes_nothing_and_says_so(stack: RunningStack) -> None:
    before = pids(stack)
    again = stack.demo("up")
    assert again.returncode == 0
    assert "nothing to do" in again.stdout
    assert stack.catalog in again.stdout
    assert pids(stack) == before


def test_up_with_another_number_of_brokers_is_refused(stack: RunningStack) -> None:
    before = pids(stack)
    refused = stack.demo("up", "--brokers", "1")
    assert refused.returncode == 1
    assert "runs with 3 broker(s)" in refused.stdout
    assert pids(stack) == before


def test_a_taken_port_is_named_with_its_owner_and_nothing_is_started(
    stack: RunningStack, tmp_path: Path
) -> None:
    ports = stack.ports
    env = os.environ | {"DEMO_HOME": str(tmp_path / "second"), "DEMO_PORT_OFFSET": str(ports.offset)}
    command = [sys.executable, "-m", "demo", "up"]
    refused = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode == 1
    said = refused.stdout
    running = pids(stack)
    for part, port in [("catalog", ports.catalog), ("kafka-2", ports.broker(2)), ("order-3", ports.order(3))]:
        assert f"port {port}, needed by {part}, is taken by pid {running[part]} (" in said
    assert f"port {ports.postgres}, needed by postgres, is taken by pid" in said
    assert "DEMO_PORT_OFFSET" in said
    assert not (tmp_path / "second").exists()


@pytest.mark.parametrize("part", ["order-2", "sink"])
async def test_a_killed_part_is_started_again_and_the_logs_say_so(
    stack: RunningStack, event_log: ReadEventLog, part: str
) -> None:
    deaths = sum("part.died" in line for line in event_log())
    restarts = stack.status()["parts"][part]["restarts"]
    killed = stack.signal(part, signal.SIGKILL)
    await wait_until(lambda: stack.pid(part) not in (0, killed), what="a new process")
    await wait_until(stack.is_ready, timeout_s=60, what="everything is ready again")
    assert stack.status()["parts"][part]["restarts"] == restarts + 1
    told = event_log()
    assert sum("part.died" in line for line in told) == deaths + 1
    assert any(f"part.died part={part} exit=SIGKILL" in line for line in told)


async def test_a_paused_part_is_shown_as_unready(stack: RunningStack) -> None:
    stack.signal("order-1", signal.SIGSTOP)
    try:
        said = stack.demo("status", "--json")
        assert said.returncode == 1
        assert json.loads(said.stdout)["parts"]["order-1"]["state"] == "unready"
    finally:
        stack.signal("order-1", signal.SIGCONT)
    await wait_until(stack.is_ready, what="everything is ready again")


async def test_a_part_can_be_stopped_started_and_restarted(stack: RunningStack) -> None:
    url = stack.instances["order-3"]
    assert stack.demo("stop", "order-3").returncode == 0
    assert stack.status()["parts"]["order-3"]["state"] == "stopped"
    async with httpx.AsyncClient(timeout=20) as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(f"{url}/health/live")
        assert stack.demo("start", "order-3").returncode == 0
        started = stack.pid("order-3")
        assert (await http.get(f"{url}/health/ready")).status_code == 200
    assert stack.demo("restart", "order-3").returncode == 0
    assert stack.pid("order-3") != started
    await wait_until(stack.is_ready, what="everything is ready")
    unknown = stack.demo("stop", "order-7")
    assert unknown.returncode == 2
    assert "no part is called 'order-7'; there are catalog, kafka-1" in unknown.stderr


def test_the_quickstart_of_kafka_s_notes_works(stack: RunningStack) -> None:
    topic = f"quickstart-{uuid.uuid4().hex[:8]}"
    created = stack.demo("kafka", "topics", "create", topic, "--partitions", "2")
    assert created.returncode == 0, created.stdout + created.stderr
    try:
        assert topic in stack.demo("kafka", "topics", "list").stdout.splitlines()
        described = stack.demo("kafka", "topics", "describe", topic).stdout
        assert "PartitionCount: 2" in described
        assert "ReplicationFactor: 3" in described
        produced = stack.demo("kafka", "produce", topic, feed="first\nsecond\n")
        assert produced.returncode == 0, produced.stderr
        read = stack.demo("kafka", "consume", topic, "--from-beginning", "--max-messages", "2")
        assert sorted(read.stdout.split()) == ["first", "second"]
    finally:
        stack.demo("kafka", "topics", "delete", topic)
    quorum = stack.demo("kafka", "quorum").stdout
    assert "LeaderId:" in quorum
    assert all(f'"id": {node}' in quorum for node in (1, 2, 3))


def test_the_sink_s_groups_are_shown(stack: RunningStack) -> None:
    assert {"connect-orders", "connect-products"} <= set(stack.demo("kafka", "groups").stdout.split())


def test_doctor_is_content_with_a_running_stack(stack: RunningStack) -> None:
    said = stack.demo("doctor")
    assert said.returncode == 0, said.stdout
    assert "in use by the running stack" in said.stdout


def test_the_wrapper_hands_over_to_the_demo(stack: RunningStack) -> None:
    """The script a person types; it finds its own environment, wherever it is called from."""
    env = os.environ | {"DEMO_HOME": str(stack.home)}
    said = subprocess.run(
        [REPOSITORY / "demo", "status", "--json"],
        cwd="/",
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode in (0, 1), said.stderr  # 1: a part was slow to answer
    assert said.stdout.lstrip().startswith("{")
