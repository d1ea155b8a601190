"""`./demo stop|start|restart PART`: one part of a running stack."""

import argparse
import time

from demo.errors import CommandError, UsageError
from demo.home import Home
from demo.running_stack import running_record
from demo.supervisor.control import Snapshot, ask
from demo.supervisor.record import Record

READY_TIMEOUT_S = 120.0
_DOING = {"start": "Starting", "restart": "Restarting"}


class NotReadyError(CommandError):
    """The part was started and is not ready in time."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `stop`, `start` and `restart`."""
    parser.add_argument("part", help="a name from `./demo status`")


def run(args: argparse.Namespace) -> int:
    """Do it and say what was done; 0 when the part is as asked for: stopped, or ready again.

    Raises:
        NotRunningError, UsageError, NotReadyError: no stack, no such part, not ready in time.
    """
    found = running_record(Home.from_environment())
    began = time.monotonic()
    if args.command != "stop":
        print(f"{_DOING[args.command]} {args.part} …", flush=True)
    answer = ask(found, {"do": args.command, "part": args.part})
    if "error" in answer:
        raise UsageError(answer["error"])
    if args.command == "stop":
        already = answer["was"] == "stopped"
        print(f"{args.part} was stopped already" if already else f"{args.part} is stopped")
        return 0
    part = _until_ready(found, args.part)
    if args.command == "start" and answer["was"] == "ready":
        print(f"{args.part} was running already (pid {part['pid']})")
    else:
        print(f"{args.part} is ready (pid {part['pid']}, {time.monotonic() - began:.1f} s)")
    return 0


def _until_ready(found: Record, name: str) -> Snapshot:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while True:
        part: Snapshot = ask(found, {"do": "status"})["parts"][name]
        if part["state"] == "ready":
            return part
        if time.monotonic() > deadline:
            raise NotReadyError(
                f"{name} is not ready after {READY_TIMEOUT_S:.0f} s; see `./demo logs {name}`"
            )
        time.sleep(0.1)
