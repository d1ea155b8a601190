"""The shell in which the steps run, with the addresses of the stack that is up."""

import os
import re
import secrets
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from demo.home import REPOSITORY
from demo.read_database import DATABASE
from demo.stack import Stack
from devservers.ports import HOST
from devservers.postgres_programs import binaries
from devservers.private_files import private_directory, write_private

KEPT = ("user", "id", "token", "leader")
"""The variables of one step that the next ones use."""
_PORT = re.compile(r"(localhost:80)(\d|\$n)")


@dataclass(frozen=True, slots=True)
class TourShell:
    """Runs scripts in bash. `folder` keeps what one step leaves for the next; `variables` is part of it."""

    stack: Stack
    folder: Path

    @property
    def variables(self) -> Path:
        """The file with the variables of the steps so far."""
        return self.folder / "variables"

    def open(self) -> None:
        """Make the folder, and a name for this tour's user where there is none yet."""
        private_directory(self.folder)
        if not self.variables.exists():
            self.forget()

    def forget(self) -> None:
        """Begin anew, as another user."""
        write_private(self.variables, f"user=ada-{secrets.token_hex(3)}\n")

    def here(self, script: str) -> str:
        """`script` with the ports of this stack."""
        offset = self.stack.ports.offset
        return (
            script
            if not offset
            else re.sub(
                r"localhost:(80\d\d)",
                lambda m: f"localhost:{int(m[1]) + offset}",
                script.replace("localhost:800$n", f"localhost:$(({8000 + offset} + n))"),
            )
        )

    def run(self, script: str, show: Callable[[str], None]) -> tuple[int, str]:
        """Run it, handing every line of its output to `show` as it comes; gives the exit code and all of the output."""
        keep = "\n".join(f'[ -z "${{{name}+set}}" ] || printf "%s=%q\\n" {name} "${name}"' for name in KEPT)
        whole = (
            f'set -euo pipefail\n. "$TOUR/variables"\n{self.here(script)}\n{{ {keep}\n}} >"$TOUR/variables"'
        )
        said: list[str] = []
        with subprocess.Popen(
            ["/usr/bin/env", "bash", "-c", whole],
            cwd=REPOSITORY,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as shell:
            for line in shell.stdout or ():
                said.append(line)
                show(line)
        return shell.returncode, "".join(said)

    def environment(self) -> Mapping[str, str]:
        """The caller's, with the stack's addresses and programs."""
        read = self.stack.read
        paths = [Path(sys.executable).parent, binaries()]
        return os.environ | {
            "TOUR": str(self.folder),
            "PATH": os.pathsep.join([*map(str, paths), os.environ.get("PATH", os.defpath)]),
            "DEMO_HOME": str(self.stack.home.root),
            "PGHOST": HOST,
            "PGPORT": str(self.stack.ports.postgres),
            "PGUSER": "read_owner",
            "PGPASSWORD": read.owner_password,
            "PGDATABASE": DATABASE,
            "SINK_DATABASE_URL": read.sink_dsn,
            "SINK_TOPIC_PREFIX": "",
            "SINK_BOOTSTRAP_SERVERS": self.stack.bootstrap,
            **self._secure(),
        }

    def _secure(self) -> Mapping[str, str]:
        if (security := self.stack.security) is None:
            return {}
        return security.sink_client_env() | {
            "CURL_HOME": str(security.curl_home("staff")),
            "PGHOST": str(self.stack.postgres.socket_directory),
        }
