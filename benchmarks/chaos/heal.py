"""How soon the next order is visible after each fault alone: one after the other, far enough apart, under a light load.

    .venv/bin/python -m benchmarks.chaos.heal [--runs 5] [--apart 20] [--faults kill-broker,kill-sink]

on the stack that `./demo up` has brought up (links are broken, too, where it was `--playground`); a run of all takes about six
minutes, nine with links. Writes `healing/<day>.json` beside this file after each run, so that what was measured stays if a later
one fails; `.venv/bin/python -m tests.support.faults` puts it into `docs/faults.md`. Run it on a machine that has nothing else to
do.

What is measured is `demo.chaos.verdict.healing`: from the end of a fault (of a kill: from the kill) until a stream tells of an
order that was placed after it began; of an instance's fault, of an order of that instance. Every run is audited.
"""

import argparse
import asyncio
import datetime as dt
import json
import math
import random
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from demo.chaos.run import Plan, run_plan
from demo.chaos.schedule import DEFAULT, LINK_FAULTS, Fault, candidate
from demo.chaos.verdict import Verdict, healing
from demo.cli.system import add_compose, planted_of, system_of
from demo.errors import CommandError, UsageError

RESULTS = Path(__file__).with_name("healing")
CUSTOMERS = 4
FIRST_S = 5.0


def one_by_one(
    kinds: Sequence[str], *, parts: Sequence[str], links: Sequence[str], apart_s: float, seed: int
) -> tuple[Fault, ...]:
    """Each kind once, in an order and at targets that the seed decides, `apart_s` from one's end to the next one's beginning."""
    dice = random.Random(seed)  # noqa: S311 - dice, no secret
    faults: list[Fault] = []
    at_s = FIRST_S
    for name in dice.sample(kinds, len(kinds)):
        kind, targets = candidate(name, parts=parts, links=links)
        fault = Fault(at_s=at_s, kind=name, part=dice.choice(targets), lasts_s=kind.lasts_s[1])
        faults.append(fault)
        at_s = fault.until_s + apart_s
    return tuple(faults)


def summary(verdicts: Sequence[Verdict]) -> dict[str, Mapping[str, Any]]:
    """Seconds of every fault, sorted, and how many were never followed by a visible order."""
    found: defaultdict[str, list[float | None]] = defaultdict(list)
    for verdict in verdicts:
        for fault, seconds in healing(verdict.schedule, verdict.operations):
            found[fault.kind].append(seconds)
    return {
        kind: {
            "heal_s": sorted(each for each in times if each is not None),
            "never": sum(each is None for each in times),
        }
        for kind, times in sorted(found.items())
    }


def percentile(times: Sequence[float], share: float) -> float:
    """The smallest of sorted `times` that `share` of them do not exceed."""
    return times[max(0, math.ceil(share * len(times)) - 1)]


async def measure(args: argparse.Namespace) -> AsyncIterator[Verdict]:
    """Carry out `args.runs` runs, one after the other; give what each amounts to.

    Raises:
        CommandError: no stack runs, or none of this kind; nothing is called by one of the names.
        NotHealedError, UndecidedError: of a run; those before it have been given.
    """
    system, planted = system_of(args), planted_of(args)
    kinds = args.faults.split(",") if args.faults else [*DEFAULT, *(LINK_FAULTS if system.links else ())]
    for seed in range(1, args.runs + 1):
        try:
            schedule = one_by_one(
                kinds, parts=system.parts, links=system.links, apart_s=args.apart, seed=seed
            )
        except ValueError as error:
            raise UsageError(str(error)) from error
        seconds = schedule[-1].until_s + args.apart
        plan = Plan(seed=seed, seconds=seconds, schedule=schedule, customers=CUSTOMERS)
        yield await run_plan(plan, system=system, told=print, planted=planted)


def write(verdicts: Sequence[Verdict], *, apart_s: float, to: Path) -> None:
    """What `tests.support.faults` reads."""
    told = {
        "runs": len(verdicts),
        "apart_s": apart_s,
        "clean": all(verdict.clean for verdict in verdicts),
        "not_carried_out": [line for verdict in verdicts for line in verdict.failed],
        "faults": summary(verdicts),
    }
    to.parent.mkdir(exist_ok=True)
    to.write_text(json.dumps(told, indent=1) + "\n")


async def measured(args: argparse.Namespace) -> list[Verdict]:
    """Every run, each written down and shown when it is over."""
    day = dt.datetime.now(dt.UTC).date().isoformat()
    verdicts: list[Verdict] = []
    async for verdict in measure(args):
        verdicts.append(verdict)
        print(verdict)
        write(verdicts, apart_s=args.apart, to=RESULTS / f"{day}.json")
    return verdicts


def main() -> int:
    """Measure, show, and write down; 1 when a promise was broken, else the code of what kept it from measuring."""
    parser = argparse.ArgumentParser(description="How soon the next order is visible after each fault alone.")
    parser.add_argument("--runs", type=int, default=5, help="how often each fault strikes (5)")
    parser.add_argument("--apart", type=float, default=20.0, help="seconds between two faults (20)")
    parser.add_argument("--faults", help="kinds, joined by commas (all that leave no mark)")
    add_compose(parser)
    args = parser.parse_args()
    try:
        verdicts = asyncio.run(measured(args))
    except CommandError as error:
        print(f"heal: {error}", file=sys.stderr)
        return error.exit_code
    for kind, what in summary(verdicts).items():
        times = what["heal_s"]
        said = f"{percentile(times, 0.5):6.2f}  {times[-1]:6.2f}" if times else "never"
        print(f"{kind:<18}{said}")
    return 0 if all(verdict.clean for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
