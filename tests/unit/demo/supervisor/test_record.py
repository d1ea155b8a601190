"""What a supervisor writes down, and what is found by it once the supervisor is gone."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest

from demo.home import Home
from demo.supervisor import record
from demo.supervisor.record import AlreadyRunningError, ProcessId, Record, supervisor_lock


@pytest.fixture
def sleeper() -> Iterator["subprocess.Popen[bytes]"]:
    """A process with a child of its own, both deaf to polite requests."""
    script = "trap '' TERM; sleep 600 & echo $!; wait"
    process = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE, start_new_session=True)
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def dead() -> ProcessId:
    """Identity of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    identity = ProcessId.of("supervisor", process.pid)
    process.kill()
    process.wait()
    return identity


def test_a_record_reads_as_it_was_written(home: Home, dead: ProcessId) -> None:
    written = Record(supervisor=dead, socket="/run/x", brokers=3, port_offset=500, children=(dead,))
    written.write(home)
    assert Record.read(home) == written
    assert written.ports.catalog == 8500


@pytest.mark.parametrize("content", ["", "{", "[]", '{"supervisor": 1}'])
def test_a_record_that_cannot_be_understood_counts_as_none(home: Home, content: str) -> None:
    home.record.write_text(content)
    assert record.running(home) is None
    assert record.leftovers(home) == []


def test_a_process_that_got_the_pid_of_an_old_one_is_not_taken_for_it() -> None:
    here = ProcessId.of("me", os.getpid())
    assert here.find() is not None
    assert replace(here, started=here.started - 60).find() is None


def test_children_are_leftovers_only_when_their_supervisor_is_gone(
    home: Home, dead: ProcessId, sleeper: "subprocess.Popen[bytes]"
) -> None:
    child = ProcessId.of("kafka-1", sleeper.pid)
    alive = Record(
        supervisor=ProcessId.of("supervisor", os.getpid()),
        socket="",
        brokers=1,
        port_offset=0,
        children=(child,),
    )
    alive.write(home)
    assert record.leftovers(home) == []
    replace(alive, supervisor=dead).write(home)
    assert [(found.name, process.pid) for found, process in record.leftovers(home)] == [
        ("kafka-1", sleeper.pid)
    ]


def test_leftovers_end_with_their_descendants_even_when_deaf(sleeper: "subprocess.Popen[bytes]") -> None:
    assert sleeper.stdout is not None
    grandchild = ProcessId.of("sleep", int(sleeper.stdout.readline()))
    process = ProcessId.of("sh", sleeper.pid).find()
    assert process is not None
    record.end([process], grace_s=0.3)
    assert grandchild.find() is None
    assert ProcessId.find_now("sh", sleeper.pid) is None or sleeper.poll() is not None


def test_two_supervisors_cannot_hold_one_home(home: Home) -> None:
    with (
        supervisor_lock(home),
        pytest.raises(AlreadyRunningError, match="running already"),
        supervisor_lock(home),
    ):
        pass
    with supervisor_lock(home):
        pass
