"""Directories in memory, which nothing empties when the session that made them was killed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import directories


def test_what_a_session_that_was_killed_has_left_goes_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directories, "MEMORY", tmp_path)
    monkeypatch.setattr(directories, "ROOM", 0)
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    (tmp_path / f"cqrs-sync-{gone.pid}-left" / "postgres").mkdir(parents=True)
    others = {tmp_path / f"cqrs-sync-{os.getppid()}-kept", tmp_path / "cqrs-sync-of-something-else"}
    for each in others:
        each.mkdir()
    with directories.quick_directory() as made:
        assert made.name.startswith(f"cqrs-sync-{os.getpid()}-")
        assert set(tmp_path.iterdir()) == {*others, made}
    assert set(tmp_path.iterdir()) == others
