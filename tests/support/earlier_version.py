"""An earlier version of the project, out of the repository's own history, with the environment that it locked."""

import io
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from devservers.ports import Ports
from tests.support.stack import REPOSITORY, environment

RELEASED = {"0.1.0": "be6d5d836e31f967a8ac608e3b5f0a4ee25e6bbe"}
"""The last commit of each version. 0.1.0 has no tag: this is what was on the main branch until 0.2.0's work began."""
UV = str(Path(sys.executable).with_name("uv"))
MEMBERS = ("services/order", "services/catalog", "sink_connector", "infra/launcher")
INSTALL_TIMEOUT_S = 240.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierVersion:
    """A checkout of it with its environment, on the stack of `home`."""

    checkout: Path
    home: Path
    ports: Ports

    def demo(self, *words: str, timeout_s: float = 240.0) -> str:
        """Run its `./demo`, past the script that looks after the environment; gives what it said, once it has succeeded."""
        done = subprocess.run(
            [str(self.checkout / ".venv/bin/python"), "-m", "launcher", *words],
            env=environment(self.home, self.ports),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout


def check_out(version: str, directory: Path) -> Path:
    """Its files and its environment in `directory`; the test is skipped where the history does not reach back so far."""
    commit = RELEASED[version]
    if shutil.which("git") is None:
        pytest.skip(f"there is no git to check {version} out with")
    words = ("git", "-C", str(REPOSITORY))
    known = subprocess.run(
        [*words, "cat-file", "-e", f"{commit}^{{commit}}"], capture_output=True, check=False
    )
    if known.returncode != 0:
        pytest.skip(f"the history does not reach back to {version} ({commit[:7]}): `git fetch --unshallow`")
    archive = subprocess.run([*words, "archive", commit], capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(directory, filter="data")
    directory.chmod(0o755)  # as root PostgreSQL, which is in its environment, runs as another user
    _install(directory)
    return directory


def _install(checkout: Path) -> None:
    """What it has locked, by `uv`: ten times as quick as its own script does it, and the same packages."""
    python = ("--python", str(checkout / ".venv/bin/python"))
    members = [word for member in MEMBERS for word in ("--editable", str(checkout / member))]
    _uv("venv", "--python", sys.executable, str(checkout / ".venv"))
    _uv("pip", "install", *python, "--require-hashes", "-r", str(checkout / "requirements/launcher.txt"))
    _uv("pip", "install", *python, "--no-deps", "--no-build-isolation", *members)


def _uv(*words: str) -> None:
    done = subprocess.run(
        [UV, *words], capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False
    )
    assert done.returncode == 0, done.stderr
