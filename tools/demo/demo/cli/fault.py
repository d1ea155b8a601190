"""`./demo fault`: one fault, by hand, on the stack that runs."""

import argparse
import asyncio
import sys

from demo.chaos.nemesis import CANNOT, Nemesis
from demo.chaos.schedule import KINDS, Fault, Kind, candidate
from demo.chaos.system import System
from demo.cli.system import add_compose, system_of
from demo.errors import UsageError

DONE, NOT_DONE, INTERRUPTED = 0, 1, 130
_SECONDS = 5.0
_LONGEST_S = 3600.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `fault`."""
    parser.add_argument(
        "kind", nargs="?", help="what is to happen; without one, everything that can is listed"
    )
    parser.add_argument(
        "part", nargs="?", help="what it happens to, where there is a choice: a part or a link"
    )
    parser.add_argument(
        "--seconds", type=_seconds, default=_SECONDS, metavar="S",
        help=f"how long, if it is not over at once ({_SECONDS:g})",
    )  # fmt: skip
    add_compose(parser)


def run(args: argparse.Namespace) -> int:
    """0: carried out and over; 1: what it would have hit was away; 130: Ctrl-C, taken back.

    Raises:
        NotRunningError, UsageError: no stack; no such fault, or nothing that it could hit.
    """
    system = system_of(args)
    if args.kind is None:
        print(_listed(system))
        return DONE
    fault = _meant(args, system)
    print(
        f"{fault.kind} {fault.part}".strip() + (f", {fault.lasts_s:g} s …" if fault.lasts_s else " …"),
        flush=True,
    )
    try:
        asyncio.run(Nemesis(system=system).carry_out(fault))
    except CANNOT as error:
        print(f"demo fault: {str(error) or type(error).__name__}", file=sys.stderr)
        return NOT_DONE
    except KeyboardInterrupt:
        print("taken back")
        return INTERRUPTED
    print("over; `./demo status` shows how the stack heals")
    return DONE


def _meant(args: argparse.Namespace, system: System) -> Fault:
    try:
        kind, targets = candidate(args.kind, parts=system.parts, links=system.links)
    except ValueError as error:
        raise UsageError(str(error)) from error
    part = args.part if args.part is not None else targets[0]
    if part not in targets or (args.part is None and len(targets) > 1):
        raise UsageError(
            f"{kind.name} hits one of {', '.join(targets)}" if targets[0] else f"{kind.name} hits no part"
        )
    return Fault(at_s=0.0, kind=kind.name, part=part, lasts_s=args.seconds if kind.lasts_s[1] else 0.0)


def _listed(system: System) -> str:
    return "\n".join(f"{kind.name:<16} {kind.meaning}\n{'':<18} {_targets(kind, system)}" for kind in KINDS)


def _targets(kind: Kind, system: System) -> str:
    try:
        return ", ".join(candidate(kind.name, parts=system.parts, links=system.links)[1]) or "the stack"
    except ValueError as error:
        return str(error)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not 0 < value <= _LONGEST_S:
        raise argparse.ArgumentTypeError(f"{text} seconds are not more than 0 and an hour at most")
    return value
