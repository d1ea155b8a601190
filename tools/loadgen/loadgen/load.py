"""One load from its beginning to its end: orders to every instance, and how soon each is visible."""

import asyncio
import gc
import random
import time
from collections.abc import Awaitable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from loadgen.schedule import Generator, Sent, load_client
from loadgen.seed_data import Customers, open_shop
from loadgen.summary import Summary
from loadgen.visibility import Watcher, watcher

ANSWER_TIMEOUT_S = 10.0
VISIBLE_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """`orders` at `rate` per second from `users` customers; `seed` makes two loads alike."""

    orders: int
    rate: float
    users: int = 500
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where to: order instances (name → base URL) and the DSN of the read database as the catalog's role.

    `headers` and `cafile` are as `load_client` takes them.
    """

    instances: Mapping[str, str]
    read_dsn: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    cafile: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What was sent, in the order of the orders' numbers; `interrupted` when it was cancelled on the way."""

    sent: list[Sent]
    summary: Summary
    interrupted: bool = False


class _Tick(Protocol):
    def __call__(self) -> None: ...


async def send_load(
    load: Load,
    destination: Destination,
    *,
    progress: bool = False,
    visible_timeout_s: float = VISIBLE_TIMEOUT_S,
) -> Result:
    """Send it all, wait until what was accepted is visible.

    Ends within the load's own time plus `ANSWER_TIMEOUT_S` and `visible_timeout_s`. Cancelled while orders are sent or
    waited for, it gives what it has: an order without an answer counts as unknown.

    Raises:
        ShopError: the load's products cannot be made known.
        aiohttp.ClientError, asyncpg.PostgresError, OSError: an instance or the read database is away at the beginning.
    """
    customers = Customers(
        run=f"load-{token_hex(3)}",
        users=load.users,
        dice=random.Random(load.seed),  # noqa: S311  dice, no secret
    )
    sent: list[Sent] = []
    client_of_load = load_client(
        timeout_s=ANSWER_TIMEOUT_S, headers=destination.headers, cafile=destination.cafile
    )
    async with client_of_load as client, watcher(destination.read_dsn) as watch:
        await open_shop(client, destination.instances)
        with _shown(watch, load.orders, enabled=progress) as tick:

            def answered(order: Sent) -> None:
                sent.append(order)
                if order.order_id is not None:
                    watch.expect(order.order_id)
                tick()

            generator = Generator(client=client, instances=destination.instances, answered=answered)
            sending = generator.send_all(orders=load.orders, rate=load.rate, draw=customers.basket)
            seconds, interrupted = await _sent(sending, watch, visible_timeout_s=visible_timeout_s)
    sent.sort(key=lambda order: order.number)
    summary = Summary.of(sent, seen=watch.seen, seconds=seconds)
    return Result(sent=sent, summary=summary, interrupted=interrupted)


async def _sent(
    sending: Awaitable[object], watch: Watcher, *, visible_timeout_s: float
) -> tuple[float, bool]:
    """The seconds until the last order was sent, and whether that or the wait for the orders was cancelled."""
    gc.freeze()  # or collections over everything that is there would delay orders, and be measured
    start = time.monotonic()
    try:
        await sending
        seconds = time.monotonic() - start
        await watch.finish(timeout_s=visible_timeout_s)
    except asyncio.CancelledError:
        return time.monotonic() - start, True
    return seconds, False


@contextmanager
def _shown(watch: Watcher, orders: int, *, enabled: bool) -> Iterator[_Tick]:
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
