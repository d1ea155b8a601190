"""The load for a person or, with `--json`, for a machine: `python -m loadgen --instance order-1=URL …`.

The read database's address holds a password, which has no place on a command line: it comes from `LOADGEN_READ_DSN`.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import aiohttp
import asyncpg
import msgspec

from auditor.journal import write_journal
from loadgen.load import Destination, Load, send_load
from loadgen.seed_data import ShopError

Number = TypeVar("Number", int, float)

GOOD, BAD, NO_LOAD, INTERRUPTED = 0, 1, 2, 130
READ_DSN = "LOADGEN_READ_DSN"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of a load."""
    parser.add_argument("--orders", type=_positive(int), default=1_000, metavar="N", help="how many (1000)")
    parser.add_argument("--rate", type=_positive(float), default=100.0, metavar="R", help="per second (100)")
    parser.add_argument("--users", type=_positive(int), default=500, metavar="U", help="customers (500)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of the random baskets (1)")
    parser.add_argument(
        "--journal",
        type=Path,
        metavar="FILE",
        help="write down every command and its end, for `audit --journal FILE`",
    )
    parser.add_argument("--json", action="store_true", help="print the summary as JSON, no progress")


def run(args: argparse.Namespace, destination: Destination) -> int:
    """Send and print. Exit code 0: all accepted and visible; 1: some not; 2: nothing could be sent; 130: Ctrl-C.

    What was sent until a Ctrl-C is summed up and in the journal.
    """
    load = Load(orders=args.orders, rate=args.rate, users=args.users, seed=args.seed)
    try:
        if args.journal:
            write_journal(args.journal, ())
    except OSError as error:
        print(f"load: the journal cannot be written, so nothing was sent: {error}", file=sys.stderr)
        return NO_LOAD
    try:
        result = asyncio.run(send_load(load, destination, progress=not args.json))
        if args.journal:
            write_journal(args.journal, (order.command() for order in result.sent))
    except BrokenPipeError:  # an OSError that is not about a server
        raise
    except (ShopError, aiohttp.ClientError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        print(f"load: {str(error) or type(error).__name__}", file=sys.stderr)
        return NO_LOAD
    except KeyboardInterrupt:
        print("load: interrupted before the first order was sent", file=sys.stderr)
        return INTERRUPTED
    summary = result.summary
    print(msgspec.json.encode(summary.as_json()).decode() if args.json else summary)
    if result.interrupted:
        print(f"load: interrupted after {len(result.sent)} of {load.orders} orders", file=sys.stderr)
        return INTERRUPTED
    return GOOD if summary.good else BAD


def main(words: Sequence[str] | None = None) -> int:
    """The command line of this package alone."""
    parser = argparse.ArgumentParser(
        prog="loadgen",
        description="Send orders to every instance and measure until each is visible to a query.",
    )
    parser.add_argument(
        "--instance", dest="instances", action="append", type=_instance, required=True, metavar="NAME=URL",
        help="an order instance; may be given several times",
    )  # fmt: skip
    add_arguments(parser)
    args = parser.parse_args(words)
    if READ_DSN not in os.environ:
        parser.error(f"{READ_DSN} is not set: the DSN of the read database, as a role that may read it")
    return run(args, Destination(instances=dict(args.instances), read_dsn=os.environ[READ_DSN]))


def _instance(text: str) -> tuple[str, str]:
    name, equals, url = text.partition("=")
    if not (name and equals and url):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=URL")
    return name, url.rstrip("/")


def _positive(kind: Callable[[str], Number]) -> Callable[[str], Number]:
    noun = "a whole number" if kind is int else "a number"

    def parse(text: str) -> Number:
        try:
            value = kind(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not {noun}") from None
        if not 0 < value < float("inf"):
            raise argparse.ArgumentTypeError(f"{text} is not above 0")
        return value

    return parse
