"""`./demo up`: bring the stack up, show how it goes, say what to try."""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator

from rich.console import Console
from rich.live import Live
from rich.table import Table

from demo.cli.banner import addresses, welcome
from demo.cli.down import take_down
from demo.cli.download import shown
from demo.cli.table import state_text
from demo.home import REPOSITORY, Home
from demo.stack import base_environment
from demo.supervisor import record
from demo.supervisor.control import Snapshot, ask, converse
from demo.supervisor.record import Record
from demo.supervisor.supervisor import Phase, State
from devservers.jars import Jars, JarsMissingError
from devservers.ports import MAX_BROKERS, Ports, taken
from devservers.postgres import PostgresInstall, PostgresUnavailableError
from devservers.process import tail

DAEMON_TIMEOUT_S = 30.0


class UpError(RuntimeError):
    """The stack cannot be brought up; the message says why and what to do."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--brokers", type=int, choices=(1, MAX_BROKERS), default=MAX_BROKERS, help="1 is the light profile"
    )


def run(args: argparse.Namespace) -> int:
    """Return when everything is ready (0), or when it cannot be (1, nothing is left running)."""
    console = Console()
    home = Home.from_environment()
    began = time.monotonic()
    try:
        found = record.running(home)
        if found and ask(found, {"do": "status"})["phase"] == Phase.READY:
            return say_it_is_up(found, brokers=args.brokers, console=console)
        if found is None:
            prepare(home, brokers=args.brokers, console=console)
            found = start_daemon(home, brokers=args.brokers)
        last = follow(found, console=console)
    except (UpError, JarsMissingError, PostgresUnavailableError) as error:
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
    welcome(last, seconds=time.monotonic() - began, console=console)
    return 0


def say_it_is_up(found: Record, *, brokers: int, console: Console) -> int:
    """Change nothing; 1 when another kind of stack was asked for than the one that runs."""
    if found.brokers != brokers:
        console.print(
            f"demo up: the stack runs with {found.brokers} broker(s); `./demo down` first", style="bold red"
        )
        return 1
    console.print("The stack is up already; nothing to do.\n")
    console.print(addresses(ask(found, {"do": "status"})))
    return 0


def prepare(home: Home, *, brokers: int, console: Console) -> None:
    """Do what can fail before anything runs: leftovers, ports, the user PostgreSQL runs as, Kafka's jars."""
    if left := record.leftovers(home):
        names = ", ".join(f"{child.name} (pid {child.pid})" for child, _ in left)
        console.print(f"Ending what a supervisor that died left behind: {names}")
        record.end([process for _, process in left])
    record.forget(home)
    ports = Ports.from_environment()
    if busy := taken(ports.all(brokers=brokers)):
        lines = "\n".join(f"  {port}" for port in busy)
        raise UpError(f"\n{lines}\nEnd it, or shift every port: DEMO_PORT_OFFSET=10000 ./demo up")
    home.make()
    made_for = home.data / "brokers"
    if made_for.exists() and int(made_for.read_text()) != brokers:
        raise UpError(
            f"the data in {home.data} was made with {made_for.read_text()} broker(s) and stays so: "
            f"`./demo up --brokers {made_for.read_text()}`, or erase it with `./demo down --volumes`"
        )
    made_for.write_text(str(brokers))
    PostgresInstall(directory=home.data / "postgres", port=ports.postgres, password="").require_reachable()
    with shown(console) as progress:
        Jars.resolve(progress)


def start_daemon(home: Home, *, brokers: int) -> Record:
    """Start the supervisor in a session of its own and wait until it can be talked to."""
    errors = home.logs / "daemon.err"
    with errors.open("wb") as output:
        daemon = subprocess.Popen(
            [sys.executable, "-m", "demo", "supervise", "--brokers", str(brokers)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=REPOSITORY,
            env=base_environment(),
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
    told: set[str] = set()
    last: Snapshot = {}
    for last in snapshots:
        for name, part in _steps(last):
            if part["state"] in (State.READY, State.DONE, State.FAILED) and name not in told:
                told.add(name)
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
