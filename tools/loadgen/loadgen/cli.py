"""`./demo load`: orders over HTTP to every instance at a steady rate, and how soon each is visible to a query."""

import argparse
import asyncio
import gc
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import TypeVar

import aiohttp
import asyncpg
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from auditor.journal import write_journal
from demo.compose.stack import ComposeStack
from demo.running_stack import running_stack
from demo.stack import Stack
from demo.supervisor.control import NotRunningError
from loadgen.schedule import Generator, Sent, load_client
from loadgen.seed_data import Customers, ShopError, open_shop
from loadgen.summary import Summary
from loadgen.visibility import Watcher, watcher

Number = TypeVar("Number", int, float)

ANSWER_TIMEOUT_S = 10.0
VISIBLE_TIMEOUT_S = 60.0
_GOOD, _BAD, _NO_LOAD = 0, 1, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """`orders` at `rate` per second from `users` customers; `seed` makes two loads alike."""

    orders: int
    rate: float
    users: int = 500
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where to: order instances (name → URL) and the read database as the catalog sees it."""

    instances: Mapping[str, str]
    read_dsn: str

    @classmethod
    def of(cls, stack: Stack | ComposeStack) -> "Place":
        if isinstance(stack, ComposeStack):
            return cls(instances=stack.instances, read_dsn=stack.read_dsn)
        return cls(instances=stack.orders, read_dsn=stack.read.catalog_dsn)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `load`."""
    parser.add_argument("--orders", type=_positive(int), default=1_000, metavar="N", help="how many (1000)")
    parser.add_argument("--rate", type=_positive(float), default=100.0, metavar="R", help="per second (100)")
    parser.add_argument("--users", type=_positive(int), default=500, metavar="U", help="customers (500)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="another seed, other orders (1)")
    parser.add_argument(
        "--journal",
        type=Path,
        metavar="FILE",
        help="write down every command and its end, for `audit --journal FILE`",
    )
    parser.add_argument("--json", action="store_true", help="print the summary as JSON, no progress")
    parser.add_argument("--compose", action="store_true", help="send them to the stack in containers")


def run(args: argparse.Namespace) -> int:
    """Exit code 0: all accepted and visible; 1: some not; 2: the load could not be sent."""
    load = Load(orders=args.orders, rate=args.rate, users=args.users, seed=args.seed)
    try:
        place = Place.of(ComposeStack.running() if args.compose else running_stack())
        sent, summary = asyncio.run(send_load(load, place, progress=not args.json))
    except (NotRunningError, ShopError, aiohttp.ClientError, asyncpg.PostgresError, OSError) as error:
        print(f"load: {type(error).__name__}: {error}", file=sys.stderr)
        return _NO_LOAD
    if args.journal:
        write_journal(args.journal, (order.command() for order in sent))
    print(msgspec.json.encode(summary.as_json()).decode() if args.json else summary)
    return _GOOD if summary.good else _BAD


async def send_load(
    load: Load, place: Place, *, progress: bool = False, visible_timeout_s: float = VISIBLE_TIMEOUT_S
) -> tuple[list[Sent], Summary]:
    """Send it all, wait until what was accepted is visible. Raises ShopError, aiohttp.ClientError, asyncpg's errors.

    Ends within the load's own time plus `ANSWER_TIMEOUT_S` and `visible_timeout_s`.
    """
    run = f"load-{token_hex(3)}"
    customers = Customers(run=run, users=load.users, dice=random.Random(load.seed))  # noqa: S311  dice, no secret
    async with load_client(timeout_s=ANSWER_TIMEOUT_S) as client, watcher(place.read_dsn) as watch:
        await open_shop(client, place.instances)
        with _shown(watch, load.orders, enabled=progress) as tick:

            def answered(sent: Sent) -> None:
                if sent.order_id is not None:
                    watch.expect(sent.order_id)
                tick()

            generator = Generator(client=client, instances=place.instances, answered=answered)
            gc.freeze()  # or collections over everything that is there would delay orders, and be measured
            start = time.monotonic()
            sent = await generator.send_all(orders=load.orders, rate=load.rate, draw=customers.basket)
            seconds = time.monotonic() - start
            await watch.finish(timeout_s=visible_timeout_s)
    return sent, Summary.of(sent, seen=watch.seen, seconds=seconds)


@contextmanager
def _shown(watch: Watcher, orders: int, *, enabled: bool) -> Iterator[Callable[[], None]]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[waiting]} not yet visible"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not enabled) as bar:
        task = bar.add_task("orders", total=orders, waiting=0)
        yield lambda: bar.update(task, advance=1, waiting=watch.waiting_for)


def _positive(kind: Callable[[str], Number]) -> Callable[[str], Number]:
    def parse(text: str) -> Number:
        value = kind(text)
        if value <= 0:
            raise argparse.ArgumentTypeError(f"{text} is not above 0")
        return value

    return parse
