"""`./demo up`: bring the stack up, show how it goes, say what to try."""

import argparse
import fcntl
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table

from demo.cli.banner import addresses, welcome
from demo.cli.down import take_down
from demo.cli.download import shown
from demo.cli.status import not_ready
from demo.cli.table import state_text, wide
from demo.doctor import remedy_for
from demo.environment import supervisor_environment
from demo.errors import CommandError, UsageError
from demo.home import REPOSITORY, Home
from demo.observers import NO_PROMETHEUS, prometheus_program
from demo.supervisor import record
from demo.supervisor.control import Snapshot, ask, converse
from demo.supervisor.record import Record
from demo.supervisor.state import Phase, State
from devservers import zipkin
from devservers.jars import Jars, JarsError
from devservers.ports import MAX_BROKERS, Ports, taken
from devservers.postgres import PostgresInstall
from devservers.postgres_programs import PostgresUnavailableError
from devservers.private_files import open_private, write_private
from devservers.process import tail

DAEMON_TIMEOUT_S = 30.0


class UpError(CommandError):
    """The stack cannot be brought up; the message says why and what to do."""


class WaitInterruptedError(CommandError):
    """Ctrl-C while another process starts the stack."""

    exit_code = 130


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `up`."""
    parser.add_argument(
        "--brokers",
        type=int,
        choices=(1, MAX_BROKERS),
        help=f"1 is the light profile; as many as the data was made with, {MAX_BROKERS} at first",
    )
    parser.add_argument(
        "--observe",
        action="store_true",
        help="with traces (Zipkin) and metrics (Prometheus, if it is installed), both without a log-in",
    )
    parser.add_argument(
        "--secure", action="store_true", help="tokens, TLS, and a principal with access lists for each part"
    )
    parser.add_argument(
        "--playground",
        action="store_true",
        help="with switches on the page that break parts, hold an order at each leg and have it all audited, and with links "
        "between the parts that `./demo fault` and `./demo chaos` cut, hold, slow and reset",
    )


def run(args: argparse.Namespace) -> int:
    """Return when everything is ready (0), or when it cannot be (1, nothing is left running).

    Raises:
        UsageError: options that exclude each other.
    """
    console = Console()
    home = Home.from_environment()
    began = time.monotonic()
    if args.secure and args.playground:
        raise UsageError("whoever sees a playground may break it: it is not to be had with --secure")
    kind = Kind(observe=args.observe, secure=args.secure, playground=args.playground)
    try:
        with starting(home, console):
            found = record.running(home)
            if found and ask(found, {"do": "status"})["phase"] == Phase.READY:
                return say_it_is_up(found, args, console=console)
            if found is None:
                brokers = prepare(home, brokers=args.brokers, kind=kind, console=console)
                found = start_daemon(home, brokers=brokers, kind=kind)
        last = follow(found, console=console)
    except (UpError, JarsError, PostgresUnavailableError) as error:
        console.print(f"demo up: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("Interrupted: taking down what was started.")
        take_down(home)
        return 130
    if last["phase"] != Phase.READY:
        console.print("[bold red]The stack did not come up; nothing was left running.[/]")
        console.print(last["failure"] or "It was taken down meanwhile.", markup=False, soft_wrap=True)
        return 1
    if args.observe and prometheus_program() is None:
        console.print(NO_PROMETHEUS, style="yellow", soft_wrap=True)
    welcome(last, seconds=time.monotonic() - began, console=console)
    return 0


@contextmanager
def starting(home: Home, console: Console) -> Iterator[None]:
    """Be the only one who starts the stack of `home`; whoever comes second waits and then finds it started."""
    descriptor = os.open(home.starting_lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.print("Another `up` is starting the stack: waiting for it.")
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            except KeyboardInterrupt:  # what the other one starts is not this one's to take down
                raise WaitInterruptedError("interrupted; the other `up` continues") from None
        yield
    finally:
        os.close(descriptor)


def say_it_is_up(found: Record, asked: argparse.Namespace, *, console: Console) -> int:
    """Change nothing; 1 when another kind of stack was asked for than the one that runs."""
    if asked.brokers not in (None, found.brokers):
        console.print(
            f"demo up: the stack runs with {found.brokers} broker(s); `./demo down` first", style="bold red"
        )
        return 1
    for option in Kind.__dataclass_fields__:
        if getattr(asked, option) and not getattr(found, option):
            console.print(
                f"demo up: the stack runs without --{option}; `./demo down` first", style="bold red"
            )
            return 1
    snapshot = ask(found, {"do": "status"})
    console.print("The stack is up already; nothing to do.")
    for name, state in not_ready(snapshot).items():
        console.print(f"But {name} is {state}: `./demo logs {name}`, `./demo start {name}`", highlight=False)
    console.print()
    wide(console).print(addresses(snapshot))
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What a stack has beside what every one has; each is an option of `up` and of `supervise`."""

    observe: bool = False
    secure: bool = False
    playground: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """As they stand on a command line."""
        return tuple(f"--{name}" for name, chosen in asdict(self).items() if chosen)


def _made_with(file: Path) -> int | None:
    """How many brokers made the data; None where there is none yet. Raises UpError for a file that does not say so."""
    if not file.exists():
        return None
    text = file.read_text(errors="replace").strip()
    if text not in map(str, range(1, MAX_BROKERS + 1)):
        raise UpError(
            f"{file} does not say how many brokers made the data ({text[:20]!r}): write the number there, "
            "or erase the data with `./demo down --volumes`"
        )
    return int(text)


def prepare(home: Home, *, brokers: int | None, console: Console, kind: Kind = Kind()) -> int:
    """Do what can fail before anything runs: leftovers, ports, the user PostgreSQL runs as, the jars.

    Returns:
        The number of brokers to start.
    """
    if left := record.leftovers(home):
        names = ", ".join(f"{child.name} (pid {child.pid})" for child, _ in left)
        console.print(f"Ending what a supervisor that died left behind: {names}")
        record.end([process for _, process in left])
    record.forget(home)
    made_for = home.data / "brokers"
    made = _made_with(made_for)
    chosen = brokers or made or MAX_BROKERS
    ports = Ports.from_environment()
    if busy := taken(ports.all(brokers=chosen, **asdict(kind))):
        raise UpError(
            "\n".join(["these ports are taken:", *(f"  {port}" for port in busy), remedy_for(busy)])
        )
    if made not in (None, chosen):
        raise UpError(
            f"the data in {home.data} was made with {made} broker(s) and stays so: "
            f"`./demo up --brokers {made}`, or erase it with `./demo down --volumes`"
        )
    mark = home.data / "secure"
    if made is not None and mark.exists() != kind.secure:
        raise UpError(
            f"the data in {home.data} was made {'with' if mark.exists() else 'without'} --secure and stays so: "
            f"`./demo up{' --secure' if mark.exists() else ''}`, or erase it with `./demo down --volumes`"
        )
    home.make()
    if kind.secure:
        write_private(mark, "principals and access lists are in the brokers' data\n")
    write_private(made_for, str(chosen))
    PostgresInstall(directory=home.data / "postgres", port=ports.postgres, password="").require_reachable()
    with shown(console) as progress:
        Jars.resolve(progress)
        if kind.observe:
            zipkin.resolve(progress)
    return chosen


def start_daemon(home: Home, *, brokers: int, kind: Kind = Kind()) -> Record:
    """Start the supervisor in a session of its own and wait until it can be talked to."""
    errors = home.logs / "daemon.err"
    with os.fdopen(open_private(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as output:
        daemon = subprocess.Popen(
            [
                *(sys.executable, "-m", "demo", "supervise", "--brokers", str(brokers)),
                *kind.words,
            ],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=REPOSITORY,
            env=supervisor_environment(),
            start_new_session=True,
        )
    deadline = time.monotonic() + DAEMON_TIMEOUT_S
    while time.monotonic() < deadline and daemon.poll() is None:
        found = record.running(home)
        if found and found.supervisor.pid == daemon.pid:
            return found
        time.sleep(0.05)
    daemon.kill()
    raise UpError(f"the supervisor did not start\n{tail(errors)}")


def follow(found: Record, *, console: Console) -> Snapshot:
    """Show the start until it has succeeded or failed; gives the last snapshot."""
    snapshots = converse(found, {"do": "follow"})
    return _follow_live(snapshots, console) if console.is_terminal else _follow_plainly(snapshots, console)


def _follow_live(snapshots: Iterator[Snapshot], console: Console) -> Snapshot:
    last: Snapshot = {}
    with Live(console=console, transient=True) as live:
        for last in snapshots:
            live.update(_progress_table(last))
    return last


def _follow_plainly(snapshots: Iterator[Snapshot], console: Console) -> Snapshot:
    reported: set[str] = set()
    last: Snapshot = {}
    for last in snapshots:
        for name, part in _steps(last):
            if part["state"] in (State.READY, State.DONE, State.FAILED) and name not in reported:
                reported.add(name)
                took = f"{part['took_s']:5.1f} s" if part["took_s"] is not None else ""
                console.print(f"  {name:18} {part['state']:8} {took}", highlight=False)
    return last


def _progress_table(snapshot: Snapshot) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for name, part in _steps(snapshot):
        took = f"{part['took_s']:.1f} s" if part["took_s"] is not None else ""
        table.add_row(name, state_text(part["state"]), took)
    return table


def _steps(snapshot: Snapshot) -> list[tuple[str, Snapshot]]:
    return sorted({**snapshot["jobs"], **snapshot["parts"]}.items())
