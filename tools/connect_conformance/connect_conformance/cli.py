"""The battery for a person: a line for each rule, and with `--record` a file of what came of them."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import httpx
from aiokafka.errors import KafkaError

from connect_conformance import __doc__ as about
from connect_conformance.battery import put_all
from connect_conformance.bench import Worker
from connect_conformance.rules import RULES, Rule

TIMEOUT_S = 60.0
KEPT, NOT_KEPT, UNUSABLE = 0, 1, 2
SERVERS = ("rest", "bootstrap", "database")
EPILOGUE = """\
examples:
  python -m connect_conformance --list
  python -m connect_conformance --rest http://127.0.0.1:8083 --bootstrap 127.0.0.1:9092 \\
      --database postgresql://user:password@127.0.0.1:5432/shop
  python -m connect_conformance … --rule REST-4 --rule KEY-2

It makes topics, connectors and tables called `conformance_…` and removes them.

exit codes:
  0  every rule is kept
  1  one is not
  2  asked for wrongly, or a server cannot be used
"""


def parser() -> argparse.ArgumentParser:
    """What may be asked for."""
    made = argparse.ArgumentParser(
        prog="python -m connect_conformance",
        description=about,
        epilog=EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--list", action="store_true", help="every rule with its source; nothing is asked")
    made.add_argument("--rest", metavar="URL", help="the worker")
    made.add_argument("--bootstrap", metavar="HOST:PORT,…", help="its Kafka")
    made.add_argument("--database", metavar="URL", help="postgresql://…, as the worker reaches it")
    made.add_argument("--rule", action="append", metavar="NUMBER", help="only this one; may be given again")
    made.add_argument(
        "--patience",
        type=_seconds,
        default=30,
        metavar="SECONDS",
        help="how long to wait for an effect (%(default)s)",
    )
    made.add_argument(
        "--at-once", type=_at_once, default=4, metavar="N", help="rules side by side (%(default)s)"
    )
    made.add_argument("--record", type=Path, metavar="FILE.json", help="where to keep what came of it")
    made.add_argument(
        "--called", default="", metavar="NAME", help="the worker and its version, for the record"
    )
    return made


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds")
    return value


def _at_once(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return value


def chosen(numbers: Sequence[str] | None) -> list[Rule]:
    """The rules of these numbers, all without any. Raises `ValueError` for a number that none has."""
    if unknown := set(numbers or ()) - {rule.number for rule in RULES}:
        raise ValueError(f"no rule is called {', '.join(sorted(unknown))}; --list has them all")
    return [rule for rule in RULES if not numbers or rule.number in numbers]


def show(rule: Rule, found: str) -> None:
    """A line about what came of a rule."""
    print(f"{'no' if found else 'ok':3}{rule.number:9}{rule.says}{f': {found}' if found else ''}", flush=True)


async def run(options: argparse.Namespace, rules: Sequence[Rule]) -> int:
    """Put them, and keep what was found."""
    async with httpx.AsyncClient(base_url=options.rest, timeout=TIMEOUT_S) as rest:
        worker = Worker(
            rest=rest, bootstrap=options.bootstrap, database=options.database, patience_s=options.patience
        )
        found = await put_all(rules, worker, at_once=options.at_once, told=show)
    if options.record:
        recorded = {"worker": options.called, "results": found}
        options.record.write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")
    kept = sum(not each for each in found.values())
    print(f"{kept} of {len(found)} rules are kept")
    return KEPT if kept == len(found) else NOT_KEPT


def main(words: Sequence[str] | None = None) -> int:
    """The exit code, as `--help` has it."""
    asked = parser()
    options = asked.parse_args(words)
    try:
        rules = chosen(options.rule)
    except ValueError as error:
        asked.error(str(error))
    if options.list:
        for rule in rules:
            print(f"{rule.number:9}{rule.says}\n{'':9}{rule.source}")
        return KEPT
    if missing := [f"--{name}" for name in SERVERS if not getattr(options, name)]:
        asked.error(f"{', '.join(missing)}: needed to ask a worker")
    try:
        return asyncio.run(run(options, rules))
    except BrokenPipeError:  # an OSError that is not about a server
        raise
    except (httpx.TransportError, KafkaError, OSError, asyncpg.PostgresError) as error:
        print(f"a server cannot be used: {error!r}", file=sys.stderr)
        return UNUSABLE
