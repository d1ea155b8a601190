"""`./demo stop|start|restart PART`: one part of a running stack."""

import argparse
import sys
import time

from demo.home import Home
from demo.supervisor import record
from demo.supervisor.control import NotRunningError, ask

READY_TIMEOUT_S = 120.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("part", help="a name from `./demo status`")


def run(args: argparse.Namespace) -> int:
    """0 when the part is as asked for: stopped, or ready again."""
    found = record.running(Home.from_environment())
    if found is None:
        print("demo: nothing runs", file=sys.stderr)
        return 3
    try:
        answer = ask(found, {"do": args.command, "part": args.part})
        if "error" in answer:
            print(f"demo: {answer['error']}", file=sys.stderr)
            return 2
        deadline = time.monotonic() + READY_TIMEOUT_S
        while args.command != "stop" and ask(found, {"do": "status"})["parts"][args.part]["state"] != "ready":
            if time.monotonic() > deadline:
                print(f"demo: {args.part} is not ready; see `./demo logs {args.part}`", file=sys.stderr)
                return 1
            time.sleep(0.1)
    except NotRunningError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 3
    return 0
