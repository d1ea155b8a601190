"""The whole real stack, started by the demo as a person would: one per test session, in a home of its own."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from auditor import Target
from demo.home import Home
from demo.stack import Stack
from demo.supervisor.record import running
from devservers.ports import Ports, taken

BROKERS = 3
_START_TIMEOUT_S = 240
_COMMAND_TIMEOUT_S = 120
# Below the ports that systems hand out to clients, and away from a stack somebody runs at the default ones.
_OFFSETS = range(20_000, 23_500, 500)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningStack:
    """`described` has its addresses; `demo` is the command line on it."""

    described: Stack = field(repr=False)  # it holds passwords, and a failed test prints its arguments

    @property
    def instances(self) -> dict[str, str]:
        return self.described.orders

    @property
    def catalog(self) -> str:
        return self.described.catalog_url

    @property
    def target(self) -> Target:
        return Target.of(self.described)

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
        home, ports = self.described.home, self.described.ports
        env = os.environ | {"DEMO_HOME": str(home.root), "DEMO_PORT_OFFSET": str(ports.offset)}
        command = [sys.executable, "-m", "demo", *arguments]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        with process:
            try:
                yield process
            finally:
                process.kill()

    def status(self) -> dict[str, Any]:
        status: dict[str, Any] = json.loads(self.demo("status", "--json").stdout)
        return status

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

    def is_ready(self) -> bool:
        """Every part is ready, as `./demo status` sees it."""
        return all(part["state"] == "ready" for part in self.status()["parts"].values())


@contextmanager
def whole_stack(directory: Path) -> Iterator[RunningStack]:
    """Start the stack in `directory`; afterwards nothing of it is left.

    `TEST_STACK_HOME` names the home of one that runs already, which spares a developer the start; it is left running.
    """
    if home_in_use := os.environ.get("TEST_STACK_HOME"):
        home = Home(Path(home_in_use))
        record = running(home)
        assert record, f"nothing runs in {home.root}"
        yield RunningStack(
            described=Stack.of(home=home, ports=record.ports, brokers=record.brokers, classpath="")
        )
        return
    ports = next(
        ports for offset in _OFFSETS if not taken((ports := Ports(offset=offset)).all(brokers=BROKERS))
    )
    home = Home(directory)
    home.make()
    stack = RunningStack(described=Stack.of(home=home, ports=ports, brokers=BROKERS, classpath=""))
    try:
        started = stack.demo("up", timeout_s=_START_TIMEOUT_S)
        assert started.returncode == 0, started.stdout + started.stderr
        yield stack
    finally:
        stack.demo("down", "--volumes")
