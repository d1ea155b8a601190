"""The whole real stack, started by `./demo` as a person would: one per test session, in a home of its own."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from auditor import Command, Report, Target, audit
from demo.cli import status
from demo.home import Home
from devservers.ports import HOST, Ports, taken

REPOSITORY = Path(__file__).parents[2]
DEMO = (sys.executable, "-m", "demo")
BROKERS = 3
_START_TIMEOUT_S = 240
_COMMAND_TIMEOUT_S = 120
# Below the ports that systems hand out to clients, and away from a stack somebody runs at the default ones.
_OFFSETS = range(20_000, 23_500, 500)
_RESERVATION = 7_999  # a port that no part has: who holds it has all the others


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningStack:
    """A stack that is up: its addresses as `./demo status --json` gave them, and `demo`, the command line on it."""

    home: Path
    addresses: dict[str, Any] = field(repr=False)  # with passwords, and a failed test prints its arguments

    @property
    def ports(self) -> Ports:
        return Ports(offset=self.addresses["port_offset"])

    @property
    def instances(self) -> dict[str, str]:
        """Base URL of each order instance."""
        return {
            name: self._url(name) for name in sorted(self.addresses["parts"]) if name.startswith("order-")
        }

    @property
    def catalog(self) -> str:
        return self._url("catalog")

    @property
    def sink_url(self) -> str:
        return self._url("sink")

    @property
    def access(self) -> dict[str, Any]:
        """What an httpx client of the services needs to be let in: as a member of the staff, where they ask."""
        if not self.addresses["cafile"]:
            return {}
        return {
            "verify": ssl.create_default_context(cafile=self.addresses["cafile"]),
            "headers": {"authorization": f"Bearer {self.token('staff')}"},
        }

    def token(self, user: str) -> str:
        """An access token of a secure stack."""
        return self.demo("token", user).stdout.strip()

    @property
    def bootstrap(self) -> str:
        return str(self.addresses["kafka"]["bootstrap"])

    @property
    def owner_dsn(self) -> str:
        """The read database as its owner."""
        return str(self.addresses["postgres"]["read_dsn"])

    @property
    def target(self) -> Target:
        return Target.from_json(self.addresses["audit"])

    async def audit(self, *, commands: Iterable[Command] = (), wait_s: float = 0.0) -> Report:
        """The auditor's report on this stack."""
        return await audit(self.target, commands=commands, wait_s=wait_s)

    def _url(self, part: str) -> str:
        return str(self.addresses["parts"][part]["url"])

    def demo(
        self, *arguments: str, timeout_s: float = _COMMAND_TIMEOUT_S, feed: str = ""
    ) -> "subprocess.CompletedProcess[str]":
        """Run `./demo …` against this stack, with `feed` as its standard input."""
        with self.spawned(*arguments) as process:
            said, complained = process.communicate(feed, timeout=timeout_s)
        return subprocess.CompletedProcess(process.args, process.returncode, said, complained)

    @contextmanager
    def spawned(self, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
        """`./demo …` against this stack while it runs; it is killed if the block does not see its end."""
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            [*DEMO, *arguments],
            env=environment(self.home, self.ports),
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            text=True,
        )
        with process:
            try:
                yield process
            finally:
                process.kill()

    def status(self) -> dict[str, Any]:
        """What `./demo status --json` prints, without a process for each of the many times that tests ask."""
        return status.read(Home(self.home)) or {"phase": "down", "parts": {}}

    def pid(self, part: str) -> int:
        """Process id of `part`, 0 while it has no process."""
        return self.status()["parts"][part]["pid"] or 0

    def signal(self, part: str, sig: signal.Signals) -> int:
        """Send `sig` to the process of `part`; returns its pid."""
        pid = self.pid(part)
        os.kill(pid, sig)
        return pid

    def deaths(self) -> Counter[str]:
        """How often each part has died so far, and was started anew."""
        return Counter({name: part["restarts"] for name, part in self.status()["parts"].items()})

    def process(self, part: str) -> psutil.Process:
        """The process of `part`, which tells its command and its environment."""
        return psutil.Process(self.pid(part))

    def is_ready(self) -> bool:
        """Every part is ready, as `./demo status` sees it."""
        return all(part["state"] == "ready" for part in self.status()["parts"].values())


@contextmanager
def whole_stack(directory: Path, *options: str) -> Iterator[RunningStack]:
    """Start the stack in `directory` with the `options` of `up`; afterwards nothing of it is left.

    `TEST_STACK_HOME` names the home of one that runs already, which spares a developer the start; it is left running.
    """
    if home_in_use := os.environ.get("TEST_STACK_HOME"):
        yield described(Path(home_in_use), Ports())
        return
    with own_ports() as ports:
        try:
            started = run_demo(directory, ports, "up", *options, timeout_s=_START_TIMEOUT_S)
            assert started.returncode == 0, started.stdout + started.stderr
            yield described(directory, ports)
        finally:
            run_demo(directory, ports, "down", "--volumes")


@contextmanager
def own_ports(offsets: Iterable[int] = _OFFSETS) -> Iterator[Ports]:
    """Ports that are free, and nobody's else until the block ends: another worker may start a stack at the same moment."""
    for offset in offsets:
        ports = Ports(offset=offset)
        with socket.socket() as reservation:
            try:
                reservation.bind((HOST, _RESERVATION + offset))
            except OSError:
                continue
            if not taken(ports.all(brokers=BROKERS, observe=True, secure=True, playground=True)):
                yield ports
                return
    raise OSError("no offset is left whose ports are free")


def environment(home: Path, ports: Ports) -> dict[str, str]:
    """The caller's environment with the settings of one stack."""
    return os.environ | {"DEMO_HOME": str(home), "DEMO_PORT_OFFSET": str(ports.offset)}


def run_demo(
    home: Path, ports: Ports, *arguments: str, timeout_s: float = _COMMAND_TIMEOUT_S
) -> "subprocess.CompletedProcess[str]":
    """Run `./demo …` for the stack of `home`, whether or not one runs there."""
    return subprocess.run(
        [*DEMO, *arguments],
        env=environment(home, ports),
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def described(home: Path, ports: Ports) -> RunningStack:
    """The stack that runs in `home`."""
    said = run_demo(home, ports, "status", "--json")
    addresses = json.loads(said.stdout)
    assert "audit" in addresses, f"nothing runs in {home}: {said.stdout}{said.stderr}"
    return RunningStack(home=home, addresses=addresses)
