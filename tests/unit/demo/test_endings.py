"""What `| head`, Ctrl-C and a full disk leave of a command: an exit code, and no traceback."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from auditor import cli, unattended

SAYS_AND_SLEEPS = """
import sys, time
from {package}.endings import ended_quietly
def command():
    print("begun", flush=True)
    time.sleep(60)
sys.exit(ended_quietly(command))
"""
ASYNC_WRITER = """
import asyncio, sys
from {package}.endings import ended_quietly
async def say():
    sys.stdin.readline()  # until nobody reads
    print("x" * 100_000)
sys.exit(ended_quietly(lambda: asyncio.run(say()) or 0))
"""
FULL = Path("/dev/full")
PACKAGES = ("auditor", "connect_conformance")


def begun(*words: str, home: Path | None = None) -> subprocess.Popen[str]:
    env = {**os.environ, "DEMO_HOME": str(home)} if home else None
    return subprocess.Popen(
        [sys.executable, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    assert process.stderr is not None
    told = process.stderr.read()
    return process.wait(timeout=20), told


@pytest.mark.parametrize(
    ("words", "code"),
    # What the demo draws as a table is rich's to write, which ends with 1.
    [(["demo", "doctor"], 1), (["connect_conformance", "--list"], 141)],
    ids=["demo", "connect_conformance"],
)
def test_a_command_whose_reader_has_gone_ends_quietly(words: list[str], code: int, tmp_path: Path) -> None:
    process = begun("-m", *words, home=tmp_path)
    assert process.stdout is not None
    process.stdout.close()
    assert ended(process) == (code, "")


@pytest.mark.parametrize("package", PACKAGES)
def test_a_closed_pipe_in_the_midst_of_work_is_the_end(package: str) -> None:
    process = begun("-c", ASYNC_WRITER.format(package=package))
    assert process.stdout is not None
    assert process.stdin is not None
    process.stdout.close()
    process.stdin.close()
    assert ended(process) == (141, "")


@pytest.mark.parametrize("package", PACKAGES)
def test_ctrl_c_is_no_traceback(package: str) -> None:
    process = begun("-c", SAYS_AND_SLEEPS.format(package=package))
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    process.send_signal(signal.SIGINT)
    assert ended(process) == (130, "")


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


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1", "soon"])
@pytest.mark.parametrize(("main", "option"), [(cli.main, "--wait"), (unattended.main, "--every")])
def test_an_audit_waits_for_a_number_of_seconds_only(
    main: Callable[[Sequence[str]], int], option: str, seconds: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended_with:
        main(["target.json", option, seconds])
    assert ended_with.value.code == 2
    assert option in capfd.readouterr().err
