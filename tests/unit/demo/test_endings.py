"""What `| head`, Ctrl-C and a full disk leave of a command: an exit code, and no traceback."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from auditor import cli, unattended
from connect_conformance.cli import main as conformance
from demo.__main__ import main as demo

SAYS_AND_SLEEPS = """
import signal, sys, time
from {package}.endings import ended_quietly
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background inherits that it is ignored
def command():
    print("begun", flush=True)
    time.sleep(60)
sys.exit(ended_quietly(command))
"""
ASYNC_WRITER = """
import asyncio, sys
from {package}.endings import ended_quietly
async def say():
    print("x" * 100_000)
sys.exit(ended_quietly(lambda: asyncio.run(say()) or 0))
"""
INTERRUPTED_AT = """
import runpy, sys
class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == "{imported}":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupt())
sys.argv = ["{package}", "{word}"]
runpy.run_module("{package}", run_name="__main__", alter_sys=True)
"""
FULL = Path("/dev/full")
PACKAGES = ("auditor", "connect_conformance")


@pytest.fixture
def unread() -> Iterator[int]:
    """A pipe whose reader has gone."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


def ended(*words: str, stdout: int, **variables: str) -> tuple[int, str]:
    process = subprocess.run(
        [sys.executable, *words],
        stdout=stdout, stderr=subprocess.PIPE, text=True, env=os.environ | variables, timeout=60, check=False,
    )  # fmt: skip
    return process.returncode, process.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    # What the demo draws as a table is rich's to write, which ends with 1.
    [(["demo", "doctor"], 1), (["connect_conformance", "--list"], 141)],
    ids=["demo", "connect_conformance"],
)
def test_a_command_whose_reader_has_gone_ends_quietly(
    words: list[str], code: int, unread: int, tmp_path: Path
) -> None:
    assert ended("-m", *words, stdout=unread, DEMO_HOME=str(tmp_path)) == (code, "")


@pytest.mark.parametrize("package", PACKAGES)
def test_a_closed_pipe_in_the_midst_of_work_is_the_end(package: str, unread: int) -> None:
    assert ended("-c", ASYNC_WRITER.format(package=package), stdout=unread) == (141, "")


@pytest.mark.parametrize("package", PACKAGES)
def test_ctrl_c_is_no_traceback(package: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SAYS_AND_SLEEPS.format(package=package)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert (process.returncode, told) == (130, "")


@pytest.mark.parametrize(
    ("package", "imported"),
    [
        ("demo", "auditor"),
        ("demo", "demo.cli.suites"),
        ("demo", "demo.doctor"),
        ("auditor", "auditor.endings"),
        ("loadgen", "auditor"),
        ("rebuild", "auditor"),
        ("connect_conformance", "connect_conformance.endings"),
        ("sink_connector", "sink_connector.cli.commands"),
    ],
)
def test_ctrl_c_while_a_command_is_loaded_is_no_traceback(package: str, imported: str) -> None:
    word = "doctor" if package == "demo" else "--help"
    code = INTERRUPTED_AT.format(package=package, imported=imported, word=word)
    assert ended("-c", code, stdout=subprocess.DEVNULL) == (130, "")


def list_rules(**streams: Any) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "connect_conformance", "--list"]
    return subprocess.run(words, text=True, check=False, **streams)


@pytest.mark.skipif(not FULL.exists(), reason="Linux has one")
def test_a_full_disk_is_one_line() -> None:
    with FULL.open("w") as full:
        process = list_rules(stdout=full, stderr=subprocess.PIPE)
    assert process.returncode == 2, "1 would be a verdict"
    assert process.stderr.startswith("cannot go on: ")
    assert process.stderr.count("\n") == 1


@pytest.mark.skipif(not FULL.exists(), reason="Linux has one")
def test_a_full_disk_is_no_verdict_where_it_cannot_be_told_either() -> None:
    with FULL.open("w") as full:
        assert list_rules(stdout=full, stderr=full).returncode == 2


@pytest.mark.parametrize(
    ("main", "words", "option"),
    [
        (demo, ["chaos", "--customers", "0"], "--customers"),
        (demo, ["chaos", "--customers", "-1"], "--customers"),
        (demo, ["chaos", "--customers", "9" * 20], "--customers"),
        (unattended.main, ["target.json", "--port", "65536"], "--port"),
        (unattended.main, ["target.json", "--port", "-1"], "--port"),
        (conformance, ["--at-once", "0"], "--at-once"),
        (conformance, ["--patience", "nan"], "--patience"),
        (conformance, ["--patience", "inf"], "--patience"),
    ],
)
def test_a_number_that_means_nothing_is_refused_by_its_option(
    main: Callable[[list[str]], object], words: list[str], option: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended_with:
        main(words)
    assert ended_with.value.code == 2
    assert option in capfd.readouterr().err


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1", "soon"])
@pytest.mark.parametrize(("main", "option"), [(cli.main, "--wait"), (unattended.main, "--every")])
def test_an_audit_waits_for_a_number_of_seconds_only(
    main: Callable[[Sequence[str]], int], option: str, seconds: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended_with:
        main(["target.json", option, seconds])
    assert ended_with.value.code == 2
    assert option in capfd.readouterr().err
