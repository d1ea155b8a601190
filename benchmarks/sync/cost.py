"""What one order costs on the whole system: processor time by part, and by what it was spent on.

    .venv/bin/python -m benchmarks.sync.cost [--rate 100] [--seconds 60] [--idle 30] [--runs 1] [--checkout DIRECTORY] [--home DIRECTORY]
    .venv/bin/python -m benchmarks.sync.cost --traces|--secure [--rate 20] [--seconds 60] [--idle 30] [--runs 1]

starts a stack of its own, lets it rest and counts, sends orders and counts, checks the result with `./demo audit`, takes
the stack down and writes `results/<day>-cost.json` and `.md` beside this file. Processor time is what a busy machine still
measures, and yet not the same: who waits for the processor does more at once. `--checkout` measures another version of
this repository, so that two can take turns, `--home` a stack that runs; their figures are printed and not kept. `--traces`
compares stacks without traces with stacks that record and keep every order (`./demo up --observe`), `--secure` such as are
open with `./demo up --secure`, in turns, and each writes `results/<day>-traces.json` or `-security.json`, and `.md`; at a rate
that leaves both processors time, since a stack that has none left does more at once and so seems the cheaper one. With
`--secure` also the highest rate that is kept, and how fast `./demo rebuild` reads every record again.
"""

import argparse
import asyncio
import datetime as dt
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg

from benchmarks.sync.account import Meter, table, with_total
from benchmarks.sync.comparison import KEPT_S, SECURITY, TRACES, Comparison
from benchmarks.sync.measure import REPOSITORY, RESULTS, Demo, climbed, kept, machine, stack

WARM_UP = 500  # orders, for compilers and caches
RECORDS = "SELECT sum(next_offset) FROM sink.offsets_v1 WHERE next_offset > 0"
RATE, COMPARED_RATE = 100, 20  # orders a second


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--rate", type=int, help=f"orders a second: {RATE}, or {COMPARED_RATE} to compare, unless given"
    )
    parser.add_argument("--seconds", type=int, default=60, help="how long orders are sent in a run")
    parser.add_argument("--idle", type=int, default=30, help="how long nothing is sent")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--warm-up", type=int, default=WARM_UP, help="orders sent before anything is counted")
    parser.add_argument("--checkout", type=Path, default=REPOSITORY)
    parser.add_argument("--home", type=Path, help="of a stack that runs already and is left running")
    compare = parser.add_mutually_exclusive_group()
    for comparison, costs in ((TRACES, "--traces"), (SECURITY, "--secure")):
        compare.add_argument(
            costs, dest="comparison", action="store_const", const=comparison,
            help=f"{comparison.title[0].lower()}{comparison.title[1:]}",
        )  # fmt: skip
    args = parser.parse_args()
    args.rate = args.rate or (COMPARED_RATE if args.comparison else RATE)
    about = {"day": dt.datetime.now(tz=dt.UTC).date().isoformat(), "machine": machine()}
    if args.comparison:
        figures = about | in_turns(args, args.comparison)
        keep(figures, name=args.comparison.name, describe=args.comparison.described)
        return
    if args.home:
        running = Demo(checkout=args.checkout, home=args.home, environment=dict(os.environ))
        figures = about | asyncio.run(measured(running, args))
    else:
        with stack(args.checkout, dict(os.environ)) as demo:
            demo.run("up")
            figures = about | asyncio.run(measured(demo, args))
    if args.checkout == REPOSITORY and not args.home:
        keep(figures, name="cost", describe=described)
    else:
        print(described(figures))


def keep(figures: dict[str, Any], *, name: str, describe: Callable[[dict[str, Any]], str]) -> None:
    """Print the figures' description and write both to the results."""
    report = describe(figures)
    print(report)
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{figures['day']}-{name}.json"
    file.write_text(json.dumps(figures, indent=1) + "\n")
    file.with_suffix(".md").write_text(report)


def in_turns(args: argparse.Namespace, comparison: Comparison) -> dict[str, Any]:
    """The accounts of `args.runs` stacks without the options and of as many with them, each measured once."""
    once = argparse.Namespace(**vars(args) | {"runs": 1})
    turns: dict[str, list[dict[str, Any]]] = {"off": [], "on": []}
    for _ in range(args.runs):
        for turn, options in (("off", ()), ("on", comparison.options)):
            with stack(args.checkout, dict(os.environ)) as demo:
                demo.run("up", *options)
                account = asyncio.run(measured(demo, once))
                if comparison.rates:
                    account["throughput"] = throughput(demo, comparison.rates)
                turns[turn].append(account)
    return {"rate": args.rate, "seconds": args.seconds, **turns}


def throughput(demo: Demo, rates: Sequence[int]) -> dict[str, float]:
    """What a running stack takes a second: orders, and records that are read again."""
    return {"orders": kept_rate(demo, rates), "records": asyncio.run(rebuilt_per_second(demo))}


def kept_rate(demo: Demo, rates: Sequence[int]) -> int:
    """The highest of these orders a second that a running stack keeps; 0 when it keeps none."""
    done = climbed(lambda rate: demo.load(orders=rate * KEPT_S, rate=rate), rates)
    return max((rate for rate, summary in done.items() if kept(summary, rate)), default=0)


async def rebuilt_per_second(demo: Demo) -> float:
    """How many records a second `./demo rebuild` takes through the sink, its comparing of the rows included."""
    status = json.loads(demo.run("status", "--json"))
    connection = await asyncpg.connect(status["postgres"]["read_dsn"])
    try:
        begun = time.monotonic()
        demo.run("rebuild")
        took_s = time.monotonic() - begun
        return float(await connection.fetchval(RECORDS)) / took_s
    finally:
        await connection.close()


async def measured(demo: Demo, args: argparse.Namespace) -> dict[str, Any]:
    """The account of a stack that is up. Raises `MeasureError` when the audit finds anything."""
    demo.load(orders=args.warm_up, rate=args.rate)
    meter = Meter(json.loads(demo.run("status", "--json")))
    before = await meter.before()
    await asyncio.sleep(args.idle)
    idle = (await meter.after()).since(before).per_second()
    loads, accounts = [], []
    for _ in range(args.runs):
        before = await meter.before()
        load = demo.load(orders=args.rate * args.seconds, rate=args.rate)
        used = (await meter.after()).since(before)
        accounts.append(used.per_order(load["orders"], at_rest=idle["requests"]))
        loads.append(load)
    audit = json.loads(demo.run("audit", "--wait", "60", "--json"))["counts"]
    return {
        "rate": args.rate,
        "seconds": args.seconds,
        "idle": idle,
        "per_order": accounts,
        "loads": loads,
        "audit": audit,
    }


def described(figures: dict[str, Any]) -> str:
    """The account as a page of Markdown."""
    accounts, machine = figures["per_order"], figures["machine"]
    spent, requests, work = (
        {name: round(median(each[kind].get(name, 0.0) for each in accounts), 3) for name in accounts[0][kind]}
        for kind in ("processor_ms", "requests", "work")
    )
    idle = figures["idle"]
    conditions = (
        f"{machine['cores']} cores, load average {machine['load_before']:.1f} before; {figures['rate']} orders/s for "
        f"{figures['seconds']} s, runs: {len(accounts)} (medians). The load generator is not counted."
    )
    return "\n".join(
        (
            f"# What an order costs, {figures['day']}\n\n{conditions}\n",
            table("processor time, per order", with_total(spent), "ms"),
            table("requests that the brokers answered, per order", with_total(requests), "requests"),
            table("other work, per order", work, "times"),
            table("processor time at rest", with_total(idle["processor_percent"]), "% of one core"),
            table("requests that the brokers answered at rest", with_total(idle["requests"]), "a second"),
            table("other work at rest", idle["work"], "a second"),
        )
    )


if __name__ == "__main__":
    main()
