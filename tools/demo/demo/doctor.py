"""`./demo doctor`: what could keep the stack from coming up, each finding with its remedy."""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path

import psutil
from rich.console import Console

from demo.home import REPOSITORY, Home
from demo.supervisor import record
from devservers.certificates import RENEWED_BEFORE_END, expires_at
from devservers.jars import Jars
from devservers.ports import MAX_BROKERS, Ports, TakenPort, outgoing, taken
from devservers.postgres import PostgresInstall
from devservers.postgres_programs import PostgresUnavailableError, binaries

MEMORY_NEEDED_GB = 2.5
MEMORY_LIGHT_GB = 1.5
DISK_NEEDED_GB = 2.0
MIN_PYTHON = (3, 11)


class Weight(Enum):
    """How grave a finding is, as it is shown."""

    OK = "[green]ok[/]"
    HINT = "[yellow]hint[/]"
    BLOCKING = "[bold red]blocking[/]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at; `remedy` is empty when it is fine."""

    weight: Weight
    what: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a check may look at."""

    home: Home
    ports: Ports
    is_running: bool


Check = Callable[[Place], Iterator[Finding]]


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """There is nothing to choose."""


def run(_args: argparse.Namespace) -> int:
    """0 unless a finding is blocking."""
    home = Home.from_environment()
    running = record.running(home)
    ports = running.ports if running else Ports.from_environment()
    place = Place(home=home, ports=ports, is_running=running is not None)
    console = Console(highlight=False)
    findings = [finding for check in CHECKS for finding in check(place)]
    for finding in findings:
        console.print(f"{finding.weight.value:>22}  {finding.what}", soft_wrap=True)
        if finding.remedy:
            console.print(f"{'':10}{finding.remedy}", style="dim", soft_wrap=True)
    return 1 if any(finding.weight is Weight.BLOCKING for finding in findings) else 0


def python(_place: Place) -> Iterator[Finding]:
    """Whether this Python is new enough."""
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < MIN_PYTHON:
        yield Finding(
            weight=Weight.BLOCKING,
            what=f"Python {version}",
            remedy="Install Python 3.11 or newer, remove .venv and run ./demo again.",
        )
    else:
        yield Finding(weight=Weight.OK, what=f"Python {version}")


def environment(_place: Place) -> Iterator[Finding]:
    """Whether it runs in the environment that `./demo` keeps."""
    own = REPOSITORY / ".venv"
    if Path(sys.prefix).resolve() == own.resolve():
        yield Finding(weight=Weight.OK, what=f"environment {own}")
    else:
        yield Finding(
            weight=Weight.HINT,
            what=f"runs in {sys.prefix}, not in {own}",
            remedy="Start it as ./demo, which keeps an environment with the locked versions.",
        )


def java(_place: Place) -> Iterator[Finding]:
    """Whether the Java runtime runs."""
    program = Jars.java()
    try:
        answer = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=20, check=True)
        yield Finding(weight=Weight.OK, what=answer.stderr.splitlines()[0])
    except (OSError, subprocess.SubprocessError) as error:
        yield Finding(
            weight=Weight.BLOCKING,
            what=f"the Java runtime {program} does not run: {error}",
            remedy="Remove .venv and run ./demo again; is this file system mounted noexec?",
        )


def postgres(place: Place) -> Iterator[Finding]:
    """Whether PostgreSQL runs and its user reaches what it needs."""
    server = PostgresInstall(directory=place.home.data / "postgres", port=place.ports.postgres, password="")
    try:
        server.require_reachable()
        program = binaries() / "postgres"
        answer = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=20, check=True
        )
        user = f", run as {server.user}" if server.user else ""
        yield Finding(weight=Weight.OK, what=answer.stdout.strip() + user)
    except PostgresUnavailableError as error:
        what, _, remedy = str(error).partition(" Remedy: ")
        yield Finding(weight=Weight.BLOCKING, what=what, remedy=remedy)
    except (OSError, subprocess.SubprocessError) as error:
        yield Finding(
            weight=Weight.BLOCKING,
            what=f"PostgreSQL does not run: {error}",
            remedy="Remove .venv and run ./demo again.",
        )


def listening(place: Place) -> Iterator[Finding]:
    """Whether the ports that the stack needs are free; what its own dead supervisor left behind is no obstacle."""
    if place.is_running:
        yield Finding(weight=Weight.OK, what="ports: in use by the running stack")
        return
    wanted = place.ports.all(brokers=MAX_BROKERS)
    own = {process.pid for _, left in record.leftovers(place.home) for process in _family(left)}
    found = taken(wanted)
    busy = [port for port in found if port.pid not in own]
    for number, port in enumerate(busy, start=1):
        yield Finding(
            weight=Weight.BLOCKING, what=str(port), remedy=remedy_for(busy) if number == len(busy) else ""
        )
    if not found:
        yield Finding(
            weight=Weight.OK, what=f"ports {min(wanted)} to {max(wanted)}: {len(wanted)} needed, all free"
        )
    elif not busy:
        yield Finding(
            weight=Weight.OK, what="ports: in use by what a dead supervisor of this stack left behind"
        )


def remedy_for(busy: Sequence[TakenPort]) -> str:
    """What to do about taken ports, in one sentence for all of them."""
    shift = "shift every port of this one: DEMO_PORT_OFFSET=10000 ./demo up"
    supervisors = {_supervisor_of(port.pid) for port in busy if port.pid}
    if len(supervisors) == 1 and (only := supervisors.pop()):
        return f"Another stack of this project runs in {only}: `./demo down` there, or {shift}"
    return f"End {'that process' if len(busy) == 1 else 'those processes'}, or {shift}"


def _supervisor_of(pid: int) -> str | None:
    """The directory in which the supervisor of a part was started, None for a process that is no part."""
    try:
        for parent in psutil.Process(pid).parents():
            if "supervise" in (line := parent.cmdline()) and "demo" in line:
                return parent.cwd()
    except psutil.Error:
        pass
    return None


def _family(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return [process]


def lent(place: Place) -> Iterator[Finding]:
    """Whether the system may lend a port of the stack to an outgoing connection."""
    given = outgoing()
    wanted = place.ports.all(brokers=MAX_BROKERS)
    if within := sorted(port for port in wanted if port in given):
        most = max(given.start - 1 - (max(wanted) - place.ports.offset), 0)
        yield Finding(
            weight=Weight.HINT,
            what=f"port {within[0]} is one of those that the system lends to outgoing connections, {given.start} and up; "
            "a part may find its own taken when it starts",
            remedy=f"Shift the ports by {most} at most: DEMO_PORT_OFFSET={most} ./demo up",
        )


def memory(place: Place) -> Iterator[Finding]:
    """Whether there is memory enough."""
    free_gb = psutil.virtual_memory().available / 1e9
    what = f"memory: {free_gb:.1f} GB available"
    if place.is_running or free_gb >= MEMORY_NEEDED_GB:
        yield Finding(weight=Weight.OK, what=what)
    else:
        light = free_gb >= MEMORY_LIGHT_GB
        yield Finding(
            weight=Weight.HINT if light else Weight.BLOCKING,
            what=f"{what}, {MEMORY_NEEDED_GB} GB needed",
            remedy="Use one broker: ./demo up --brokers 1" if light else "Close other programs.",
        )


def disk(place: Place) -> Iterator[Finding]:
    """Whether there is room enough for the data."""
    there = next(p for p in (place.home.root, *place.home.root.parents) if p.exists())
    free_gb = shutil.disk_usage(there).free / 1e9
    if free_gb >= DISK_NEEDED_GB:
        yield Finding(weight=Weight.OK, what=f"disk: {free_gb:.0f} GB free for {place.home.root}")
    else:
        yield Finding(
            weight=Weight.BLOCKING,
            what=f"disk: {free_gb:.1f} GB free for {place.home.root}, {DISK_NEEDED_GB:.0f} GB needed",
            remedy="Make room, or keep the data elsewhere: DEMO_HOME=/another/disk/demo ./demo up",
        )


def left_behind(place: Place) -> Iterator[Finding]:
    """What a supervisor that died left behind."""
    left = record.leftovers(place.home)
    for child, process in left:
        yield Finding(
            weight=Weight.HINT,
            what=f"{child.name} (pid {process.pid}) still runs, its supervisor does not",
            remedy="./demo down ends it; ./demo up does so too before it starts.",
        )
    if not left and not place.is_running and place.home.record.exists():
        yield Finding(
            weight=Weight.HINT,
            what=f"{place.home.record} is of a supervisor that is gone",
            remedy="Harmless: ./demo up overwrites it, ./demo down removes it.",
        )
    if place.home.root.exists() and not os.access(place.home.root, os.W_OK):
        yield Finding(
            weight=Weight.BLOCKING,
            what=f"{place.home.root} cannot be written",
            remedy="It was probably made by another user: remove it as that user, or set DEMO_HOME.",
        )


def certificates(place: Place) -> Iterator[Finding]:
    """Until when the certificates of a stack made with --secure are good."""
    found = {file: expires_at(file) for file in (place.home.secrets / "tls").glob("*.pem")}
    if not found:
        return
    first = min(found, key=lambda file: found[file])
    what = (
        f"certificates: {len(found)}, the first to end is {first.stem}'s, {found[first]:%Y-%m-%d %H:%M} UTC"
    )
    if found[first] - datetime.now(UTC) > RENEWED_BEFORE_END:
        yield Finding(weight=Weight.OK, what=what)
    else:
        yield Finding(
            weight=Weight.HINT, what=what, remedy="The next start renews it: ./demo down, ./demo up --secure"
        )


CHECKS: tuple[Check, ...] = (
    python, environment, java, postgres, listening, lent, memory, disk, left_behind, certificates,
)  # fmt: skip
