"""Put every rule, or some, to a worker: a line each, and with `--record` a file that the table is made of."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import httpx
from aiokafka.errors import KafkaError

from tests.conformance.bench import Bench, ViolationError, Worker
from tests.conformance.rules import RULES, Rule

TIMEOUT_S = 60.0


async def put(rule: Rule, worker: Worker) -> str:
    """Empty when the worker does what the rule says, else what it does instead. Raises what a server away leads to."""
    bench = Bench(worker=worker)
    try:
        await rule.check(bench)
    except ViolationError as violation:
        return " ".join(str(violation).split()) or "it does something else"
    except (KeyError, ValueError, TypeError) as error:
        return f"an answer has another form: {type(error).__name__} {error}"
    finally:
        await bench.close()
    return ""


async def put_all(rules: Sequence[Rule], worker: Worker, *, at_once: int) -> dict[str, str]:
    """What came of each rule, by its number, in their order."""
    some = asyncio.Semaphore(at_once)

    async def one(rule: Rule) -> str:
        async with some:
            found = await put(rule, worker)
        print(  # noqa: T201 - for a person
            f"{'no' if found else 'ok':3}{rule.number:9}{rule.says}{f': {found}' if found else ''}",
            flush=True,
        )
        return found

    return dict(zip((rule.number for rule in rules), await asyncio.gather(*map(one, rules)), strict=True))


async def run(options: argparse.Namespace) -> int:
    """0 when every rule is kept, 1 when one is not."""
    rules = [rule for rule in RULES if not options.rule or rule.number in options.rule]
    async with httpx.AsyncClient(base_url=options.rest, timeout=TIMEOUT_S) as rest:
        worker = Worker(
            rest=rest, bootstrap=options.bootstrap, database=options.database, patience_s=options.patience
        )
        found = await put_all(rules, worker, at_once=options.at_once)
    if options.record:
        recorded = {"worker": options.called, "results": found}
        options.record.write_text(json.dumps(recorded, indent=1) + "\n", encoding="utf-8")
    kept = sum(not each for each in found.values())
    print(f"{kept} of {len(found)} rules are kept")  # noqa: T201 - likewise
    return 0 if kept == len(found) else 1


def main() -> int:
    """2 when a server cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("--rest", required=True, metavar="URL", help="the worker")
    parser.add_argument("--bootstrap", required=True, metavar="HOST:PORT,…", help="its Kafka")
    parser.add_argument(
        "--database", required=True, metavar="URL", help="postgresql://…, as the worker reaches it"
    )
    parser.add_argument("--rule", action="append", metavar="NUMBER", help="only this one; may be given again")
    parser.add_argument(
        "--patience",
        type=float,
        default=30,
        metavar="SECONDS",
        help="how long to wait for an effect (%(default)s)",
    )
    parser.add_argument(
        "--at-once", type=int, default=4, metavar="N", help="rules side by side (%(default)s)"
    )
    parser.add_argument("--record", type=Path, metavar="FILE.json", help="where to keep what came of it")
    parser.add_argument(
        "--called", default="", metavar="NAME", help="the worker and its version, for the record"
    )
    try:
        return asyncio.run(run(parser.parse_args()))
    except (httpx.TransportError, KafkaError, OSError, asyncpg.PostgresError) as error:
        print(f"a server cannot be used: {error!r}", file=sys.stderr)  # noqa: T201 - likewise
        return 2


if __name__ == "__main__":
    sys.exit(main())
