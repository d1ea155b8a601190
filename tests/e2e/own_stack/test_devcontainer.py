"""What `.devcontainer` runs once its container is made, on a machine as bare as that container.

The user is not root and has no curl and no git, the files are closed to others, the folder has blanks in its name, and no
package and no jar is there yet.
"""

import json
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from devservers.ports import Ports, taken
from tests.support.stack import REPOSITORY

DEVCONTAINER = json.loads((REPOSITORY / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
TIMEOUT_S = 270
# Beside those that the other stacks of the tests pick from.
OFFSETS = range(14_500, 16_400, 300)
EVERYBODYS = ("/usr/local/bin", "/usr/bin", "/bin")
MISSING = ("curl", "git")
MADE_FOR_PYTHON = "import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))"


@dataclass(frozen=True, slots=True)
class Container:
    """A checkout of a user of its own, and the environment that a container gives."""

    checkout: Path
    account: pwd.struct_passwd
    environment: dict[str, str]

    def run(self, command: str) -> "subprocess.CompletedProcess[str]":
        """Run a command as that user, in the checkout."""
        return subprocess.run(
            ["sh", "-c", command],
            cwd=self.checkout,
            env=self.environment,
            user=self.account.pw_uid,
            group=self.account.pw_gid,
            extra_groups=[],
            umask=0o077,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )


@pytest.fixture
def container(session_directory: Path) -> Iterator[Container]:
    if os.geteuid() != 0:
        pytest.skip("only root may run a command as somebody else")
    account = pwd.getpwnam("nobody")
    home = session_directory / "home of nobody"
    checkout, programs = home / "a checkout", home / "programs"
    programs.mkdir(parents=True)
    link_programs(programs)
    ports = next(p for offset in OFFSETS if not taken((p := Ports(offset=offset)).all(brokers=1)))
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.startswith("PIP_") or name.lower().endswith("_proxy")
    }
    made = Container(
        checkout=checkout,
        account=account,
        environment=kept
        | {"PATH": str(programs), "HOME": str(home), "USER": "nobody", "DEMO_PORT_OFFSET": str(ports.offset)},
    )
    copy_tracked(checkout)
    give(home, account)
    if made.run(f"python3 -c '{MADE_FOR_PYTHON}'").returncode:
        pytest.skip("no Python 3.11 with venv that every user may run")
    yield made
    made.run("./demo down --volumes")


def link_programs(directory: Path) -> None:
    """What every user may run, but for what a bare container lacks."""
    for program in (each for folder in EVERYBODYS for each in Path(folder).iterdir()):
        if program.name not in MISSING and not (directory / program.name).is_symlink():
            (directory / program.name).symlink_to(program)


def copy_tracked(target: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, check=True, timeout=60
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / name, target / name, follow_symlinks=False)


def give(directory: Path, account: pwd.struct_passwd) -> None:
    """Have a directory and all in it be somebody's, closed to others."""
    for path in (directory, *directory.rglob("*")):
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o700)


@pytest.mark.slow
def test_the_container_s_command_brings_the_stack_up_and_is_at_once_done_the_next_time(
    container: Container,
) -> None:
    # One broker: the session's own stack runs beside it.
    made = container.run(f"{DEVCONTAINER['postCreateCommand']} --brokers 1")
    assert made.returncode == 0, made.stdout + made.stderr
    again = container.run(DEVCONTAINER["postStartCommand"])
    assert again.returncode == 0, again.stdout + again.stderr
    status = json.loads(container.run("./demo status --json").stdout)
    assert {part["state"] for part in status["parts"].values()} == {"ready"}
    data = container.checkout / ".demo"
    open_to_others = [
        path for path in data.rglob("*") if not path.is_symlink() and path.stat().st_mode & 0o077
    ]
    assert open_to_others == []
    assert {path.stat().st_uid for path in data.rglob("*")} == {container.account.pw_uid}
