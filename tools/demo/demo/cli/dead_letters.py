"""`./demo dead-letters ACTION CONNECTOR`: what a connector could not write, and writing it again."""

import argparse
import subprocess

from demo.home import REPOSITORY
from demo.running_stack import running_stack
from demo.sink_command import connector_names, dead_letters_command, sink_environment

ACTIONS = ("list", "show", "replay", "drop")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `dead-letters`."""
    parser.add_argument("action", choices=ACTIONS)
    parser.add_argument("connector", choices=connector_names())
    parser.add_argument(
        "ids", nargs="*", metavar="ID", help="as `list` shows them; without any, list and replay take all"
    )
    parser.add_argument("--all", action="store_true", help="show or drop all")


def run(args: argparse.Namespace) -> int:
    """The sink's own exit code. Raises NotRunningError."""
    words = (*args.ids, *(("--all",) if args.all else ()))
    command = dead_letters_command(args.action, args.connector, *words)
    return subprocess.run(
        command, cwd=REPOSITORY, env=sink_environment(running_stack()), check=False
    ).returncode
