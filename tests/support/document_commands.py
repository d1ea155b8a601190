"""The documents' commands, run as a reader runs them: only ports and places are those of the stack at hand."""

import os
import re
import subprocess
import sys
from pathlib import Path

from devservers.postgres_programs import binaries
from tests.support.documents import REPOSITORY
from tests.support.stack import RunningStack, environment

TIMEOUT_S = 120.0
NAMED = ("contracts", "infra")
"""Folders of the repository that the commands name."""


def on(stack: RunningStack, script: str) -> str:
    """`script` with the ports and the folder of `stack` in place of the usual ones."""
    ports = stack.ports
    script = script.replace("localhost:800$n", f"localhost:$(({8000 + ports.offset} + n))")
    script = re.sub(r"localhost:(80\d\d)", lambda match: f"localhost:{int(match[1]) + ports.offset}", script)
    script = script.replace("-p 5433", f"-p {ports.postgres}").replace(".demo/", f"{stack.home}/")
    return script.replace("./demo ", f"{sys.executable} -m demo ")


def run(stack: RunningStack, script: str, *, folder: Path, timeout_s: float = TIMEOUT_S) -> str:
    """What a shell prints that runs `script` in `folder`; every command of it has to succeed."""
    for name in NAMED:
        if not (folder / name).exists():
            (folder / name).symlink_to(REPOSITORY / name)
    environ = environment(stack.home, stack.ports)
    environ |= {"PATH": f"{environ['PATH']}{os.pathsep}{binaries()}"}
    command = ["bash", "-euo", "pipefail", "-c", on(stack, script)]
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=timeout_s, check=False
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    return done.stdout


def run_each(
    stack: RunningStack, scripts: list[str], *, folder: Path, timeout_s: float = TIMEOUT_S
) -> list[str]:
    """What each of `scripts` prints, run one after the other in one shell."""
    mark = "--- next block ---"
    printed = run(stack, f"\nprintf '\n%s\n' '{mark}'\n".join(scripts), folder=folder, timeout_s=timeout_s)
    return printed.split(f"\n{mark}\n")
