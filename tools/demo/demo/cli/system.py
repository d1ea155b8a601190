"""Which stack is broken by `./demo chaos` and `./demo fault`: of processes, or `--compose` of containers."""

import argparse
from collections.abc import Sequence

from auditor.observations import Planted
from demo.chaos.containers import Containers
from demo.chaos.processes import Processes
from demo.chaos.system import System
from demo.errors import UsageError
from demo.home import Home
from demo.planted_records import planted_records
from demo.running_stack import running_record, running_stack


def add_compose(parser: argparse.ArgumentParser) -> None:
    """Declare the option that says so."""
    parser.add_argument("--compose", action="store_true", help="the stack in containers")


def system_of(args: argparse.Namespace) -> System:
    """The stack that runs.

    Raises:
        NotRunningError, UsageError: there is none, or it asks for log-ins that nobody has who breaks it.
    """
    if args.compose:
        return Containers.running()
    record = running_record(Home.from_environment())
    if record.secure:
        raise UsageError(
            "faults and customers have no log-ins: run it on a stack that is up without --secure"
        )
    return Processes(stack=running_stack(), record=record)


def planted_of(args: argparse.Namespace) -> Sequence[Planted]:
    """The records that stand in its topics on purpose. Raises CommandError, as `planted_records` does."""
    return () if args.compose else planted_records(Home.from_environment())
