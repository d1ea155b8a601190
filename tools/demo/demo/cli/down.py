"""`./demo down`: stop everything, in order, and with `--volumes` forget it."""

import argparse
from contextlib import suppress

import psutil
from rich.console import Console

from demo.errors import NotRunningError
from demo.home import REPOSITORY, Home
from demo.supervisor import record
from demo.supervisor.control import converse
from demo.supervisor.record import Record
from devservers.jars import jars_cache

SUPERVISOR_EXIT_TIMEOUT_S = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `down`."""
    parser.add_argument("--volumes", action="store_true", help="erase data, passwords and logs as well")


def run(args: argparse.Namespace) -> int:
    """Return 0 when nothing of the stack runs any more, whether or not it did before."""
    console = Console()
    home = Home.from_environment()
    stopped = take_down(home)
    console.print("Stopped." if stopped else "Nothing was running.")
    if args.volumes:
        erased = home.erase()
        console.print(
            f"Erased in {home.root}: {', '.join(erased) or 'nothing'}. What was downloaded stays: {REPOSITORY / '.venv'} and Kafka's jars in {jars_cache()}",
            highlight=False,
            soft_wrap=True,
        )
    return 0


def take_down(home: Home) -> bool:
    """Stop the stack of `home`, also one whose supervisor is gone or hangs; whether there was one."""
    found = record.running(home)
    if found is not None:
        _stop_supervisor(found)
    left = record.leftovers(home)
    record.end([process for _, process in left])
    record.forget(home)
    return bool(found or left)


def _stop_supervisor(found: Record) -> None:
    process = found.supervisor.find()
    if process is None:
        return
    try:
        for _ in converse(found, {"do": "down"}, timeout_s=SUPERVISOR_EXIT_TIMEOUT_S):
            pass
    except NotRunningError:
        with suppress(psutil.Error):
            process.terminate()
    try:
        process.wait(SUPERVISOR_EXIT_TIMEOUT_S)
    except psutil.TimeoutExpired:
        process.kill()  # its children are among the leftovers, which are ended next
        process.wait(5)
