"""`./demo chaos`: mixed faults under load on the stack that runs, healed at the end and judged."""

import argparse
import asyncio
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import aiohttp
import asyncpg
import msgspec
from aiokafka.errors import KafkaError
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from auditor.history.linearizability import UndecidedError
from demo.chaos.nemesis import NotHealedError
from demo.chaos.run import Plan, Progress, run_plan
from demo.chaos.schedule import KINDS, Kind, draw_schedule
from demo.chaos.verdict import Verdict
from demo.cli.system import add_compose, planted_of, system_of
from demo.errors import NotRunningError, UsageError
from demo.home import Home
from loadgen.seed_data import ShopError

CLEAN, VIOLATIONS, NOT_JUDGED, INTERRUPTED = 0, 1, 2, 130
_MINUTE_S = 60.0
_SHOWN = 8
_MOST_CUSTOMERS = 1_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `chaos`."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "faults:\n" + "\n".join(
        f"  {kind.name:<16} {kind.meaning}{_when(kind)}" for kind in KINDS
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="N", help="the same seed, the same schedule (1)"
    )
    parser.add_argument(
        "--minutes", type=_minutes, default=1.0, metavar="M", help="how long, healing apart (1)"
    )
    parser.add_argument(
        "--faults", metavar="A,B", help="kinds to draw from, joined by commas (all that leave no mark)"
    )
    parser.add_argument("--customers", type=_customers, default=8, metavar="C", help="clients at once (8)")
    parser.add_argument(
        "--out", type=Path, metavar="DIR",
        help="where history, schedule, result and pictures of violations are left (chaos/<seed> in the stack's folder)",
    )  # fmt: skip
    add_compose(parser)
    parser.add_argument("--json", action="store_true", help="print the result as JSON, no display")
    parser.add_argument(
        "--schedule", action="store_true", help="print what the seed would do, and do nothing"
    )


def run(args: argparse.Namespace) -> int:
    """0: every promise was kept; 1: one was not; 2: it could not be judged or healed; 130: Ctrl-C.

    Raises:
        NotRunningError, UsageError: no stack; faults that there are not.
    """
    system, planted = system_of(args), planted_of(args)
    seconds = args.minutes * _MINUTE_S
    try:
        schedule = draw_schedule(
            seed=args.seed, seconds=seconds, parts=system.parts, links=system.links,
            kinds=[name for name in args.faults.split(",") if name] if args.faults is not None else None,
        )  # fmt: skip
    except ValueError as error:
        raise UsageError(str(error)) from error
    if args.schedule:
        print(*schedule, sep="\n")
        return CLEAN
    plan = Plan(seed=args.seed, seconds=seconds, schedule=schedule, customers=args.customers)
    display = _Display(Console(stderr=True), plan, quiet=args.json)
    try:
        with display.shown:
            verdict = asyncio.run(
                run_plan(plan, system=system, show=display.show, told=display.told, planted=planted)
            )
    except (NotHealedError, NotRunningError, ShopError, UndecidedError, OSError, TimeoutError, aiohttp.ClientError,
            asyncpg.PostgresError, asyncpg.InterfaceError, KafkaError) as error:  # fmt: skip
        print(f"chaos: {str(error) or type(error).__name__}", file=sys.stderr)
        return NOT_JUDGED
    except KeyboardInterrupt:
        print("chaos: interrupted; the stack was healed, nothing was judged", file=sys.stderr)
        return INTERRUPTED
    folder = args.out or Home.from_environment().root / "chaos" / str(args.seed)
    return _told(verdict, folder=folder, as_json=args.json)


def _told(verdict: Verdict, *, folder: Path, as_json: bool) -> int:
    folder.parent.mkdir(parents=True, exist_ok=True)
    verdict.write(folder)
    print(msgspec.json.encode(verdict.as_json()).decode() if as_json else verdict)
    if not as_json:
        print(f"history, schedule, result: {folder}")
    return CLEAN if verdict.clean else VIOLATIONS


class _Display:
    """What strikes, and how many operations there were: live at a terminal, a line per fault elsewhere."""

    def __init__(self, console: Console, plan: Plan, *, quiet: bool) -> None:
        self._console = console
        self._plan = plan
        self._quiet = quiet
        self._struck: list[str] = []
        self._watched = console.is_terminal and not quiet
        self._live = Live(console=console, refresh_per_second=4, transient=True)

    @property
    def shown(self) -> AbstractContextManager[object]:
        """While the run goes on."""
        return self._live if self._watched else nullcontext()

    def told(self, line: str) -> None:
        """A fault strikes."""
        self._struck.append(line)
        if not self._quiet and not self._watched:
            self._console.print(line, highlight=False)

    def show(self, progress: Progress) -> None:
        """How far it is."""
        if not self._watched:
            return
        outcomes = progress.recorder.outcomes
        counts = ", ".join(f"{outcomes[name]} {name}" for name in ("ok", "refused", "unknown"))
        head = (
            f"seed {self._plan.seed}  {progress.recorder.now():5.0f} of {self._plan.seconds:.0f} s  {counts}"
        )
        now = "; ".join(sorted(progress.nemesis.active)) or "nothing"
        lines = [head, f"now: {now}", "", *self._struck[-_SHOWN:]]
        self._live.update(Group(*(Text(line) for line in lines)))


def _when(kind: Kind) -> str:
    if kind.link:
        return " (only with `up --playground`)"
    return " (only when it is named)" if kind.lasting_mark else ""


def _customers(text: str) -> int:
    """Without one nothing would be judged, and found good."""
    value = int(text)
    if not 1 <= value <= _MOST_CUSTOMERS:
        raise argparse.ArgumentTypeError(f"{text} customers are not from 1 to {_MOST_CUSTOMERS}")
    return value


def _minutes(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not 0.1 <= value <= 24 * 60:  # noqa: PLR2004
        raise argparse.ArgumentTypeError(f"{text} minutes are not between 0.1 and a day")
    return value
