"""Asking one after the other, and asking and ordering by many at once."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any

import httpx

from benchmarks.queries.running_system import RunningSystem
from devservers.waiting import until

CLIENTS = 8
COMMAND_EVERY = 20  # requests: 95 % are reads
WARM_UP_S = 2.0
KNOWN_S = 60.0

Ask = Callable[[], Awaitable[object]]
Figures = dict[str, Any]


def percentiles(took_ms: Sequence[float]) -> Figures:
    """In milliseconds."""
    ordered = sorted(took_ms)
    last = len(ordered) - 1
    return {f"p{share}": round(ordered[min(last, len(ordered) * share // 100)], 2) for share in (50, 95, 99)}


async def measured(ask: Ask, times: int) -> Figures:
    """Percentiles of asking one after the other."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        await ask()
        took.append((time.perf_counter() - began) * 1000)
    return percentiles(took)


async def mixed(ask: Ask, command: Ask, *, seconds: float) -> dict[str, Figures]:
    """`CLIENTS` at once, each asking or commanding again as soon as it is answered; an error ends it all.

    Lasts until there is one of each to speak of, on a machine that is stuck for so long.
    """
    began = time.perf_counter()
    reads: list[float] = []
    commands: list[float] = []

    async def client(number: int) -> None:
        for turn in itertools.count(number):
            start = time.perf_counter()
            if start - began > WARM_UP_S + seconds and reads and commands:
                return
            is_command = turn % COMMAND_EVERY == 0
            await (command() if is_command else ask())
            if start - began > WARM_UP_S:
                (commands if is_command else reads).append((time.perf_counter() - start) * 1000)

    async with asyncio.TaskGroup() as clients:
        for number in range(CLIENTS):
            clients.create_task(client(number))
    return {
        name: {"per_s": round(len(took) / seconds, 1), **percentiles(took)}
        for name, took in (("reads", reads), ("commands", commands))
    }


class Commands:
    """Orders to one instance after the other, each of a product that is at home there."""

    def __init__(self, http: httpx.AsyncClient, system: RunningSystem) -> None:
        self._http = http
        self._turn = itertools.cycle(system.instances.items())
        self._instances = system.instances

    async def prepare(self) -> None:
        """Register a product at each instance and wait until it sells it."""
        for instance, url in self._instances.items():
            product = {
                "product_id": f"mixed-{instance}", "name": "Tea", "unit_price_cents": 450, "stock": 1_000_000_000,
            }  # fmt: skip
            (await self._http.post(f"{url}/products", json=product)).raise_for_status()
            if not await until(partial(self._sells, instance, url), timeout_s=KNOWN_S):
                raise RuntimeError(f"{instance} does not sell what it has registered")

    async def place(self) -> object:
        """The next order."""
        return (await self._order(*next(self._turn))).raise_for_status()

    async def _sells(self, instance: str, url: str) -> bool:
        return (await self._order(instance, url)).status_code == HTTPStatus.CREATED

    async def _order(self, instance: str, url: str) -> httpx.Response:
        lines = [{"product_id": f"mixed-{instance}", "quantity": 1}]
        return await self._http.post(f"{url}/orders", json={"user_id": "user-mixed", "lines": lines})
