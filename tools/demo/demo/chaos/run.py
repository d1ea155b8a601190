"""One run: customers and a listener on the stack, the nemesis among them, then healed, drained and judged."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from secrets import token_hex

import asyncpg

from auditor.history.checks import examine_history
from auditor.history.operation import Action, Outcome, Seen
from auditor.observations import Planted
from demo.chaos.nemesis import Nemesis
from demo.chaos.schedule import Fault
from demo.chaos.system import System
from demo.chaos.verdict import Verdict, journal
from devservers.waiting import until
from loadgen.listener import Listener
from loadgen.recorder import Recorder
from loadgen.schedule import load_client
from loadgen.sessions import ATTEMPT_S, Customer, Shop

LIVE_S = 60.0
"""LIVE: everything has arrived within so many seconds after the last fault."""
_CONNECTED_S = 30.0
_TOLD_S = 5.0
_ORDERS = "SELECT order_id, user_id, version, status FROM orders WHERE user_id LIKE $1"
_PRODUCTS = (
    "SELECT product_id, version, unit_price_cents, stock_available, stock_reserved FROM products "
    "WHERE product_id LIKE $1"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long, with how many customers, and what strikes when."""

    seed: int
    seconds: float
    schedule: tuple[Fault, ...]
    customers: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What a display shows while it goes on."""

    recorder: Recorder
    nemesis: Nemesis


async def run_plan(
    plan: Plan,
    *,
    system: System,
    show: Callable[[Progress], None] = lambda _: None,
    told: Callable[[str], None] = lambda _: None,
    planted: Sequence[Planted] = (),
) -> Verdict:
    """Carry it out and judge. However it ends, the stack is healed.

    `planted` are records that stand in the topics on purpose already.

    Raises:
        ShopError: the products cannot be made known.
        NotHealedError: a part is not ready again.
        UndecidedError: a history that cannot be judged.
    """
    recorder, run = Recorder(), f"chaos-{token_hex(3)}"
    nemesis = Nemesis(system=system, told=told, planted=[*planted])
    async with load_client(timeout_s=ATTEMPT_S) as client:
        shop = Shop(
            client=client, instances=system.instances, catalog=system.catalog_url, run=run, recorder=recorder
        )
        await shop.open()
        listener = Listener(client=client, catalog=system.catalog_url, run=run, recorder=recorder)
        running = _Run(plan=plan, system=system, nemesis=nemesis, shop=shop, listener=listener)
        listening = asyncio.create_task(listener.listen())
        watching = asyncio.create_task(_watch(recorder, nemesis, show))
        try:
            async with asyncio.timeout(_CONNECTED_S):
                await listener.connected.wait()
            began = recorder.now()
            await running.rush()
            return await running.judged(began=began)
        finally:
            for task in (listening, watching):
                task.cancel()
            await asyncio.gather(listening, watching, return_exceptions=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    plan: Plan
    system: System
    nemesis: Nemesis
    shop: Shop
    listener: Listener

    async def rush(self) -> None:
        """Customers and faults until the time is up; then every part is ready again."""
        end = asyncio.Event()
        loop = asyncio.get_running_loop()
        customers = [
            Customer(name=f"customer-{n}", shop=self.shop, dice=random.Random(f"{self.plan.seed} {n}"))  # noqa: S311
            for n in range(self.plan.customers)
        ]
        try:
            async with asyncio.TaskGroup() as group:
                for customer in customers:
                    group.create_task(customer.act_until(end))
                loop.call_later(self.plan.seconds, end.set)
                group.create_task(self.nemesis.strike(self.plan.schedule, began=loop.time()))
        finally:
            await self.nemesis.heal()

    async def judged(self, *, began: float) -> Verdict:
        """`began` is when the load did, by the history's clock."""
        recorder = self.shop.recorder
        report = await self.system.audit(journal(recorder.operations), self.nemesis.planted, wait_s=LIVE_S)
        await _note_final(self.system, recorder, self.shop.run)
        await self._told_everything()
        operations = tuple(recorder.operations)
        return Verdict(
            seed=self.plan.seed,
            seconds=self.plan.seconds,
            schedule=_moved(self.plan.schedule, by_s=began),
            operations=operations,
            report=report,
            violations=examine_history(operations),
            failed=tuple(self.nemesis.failed),
        )

    async def _told_everything(self) -> None:
        """What the stream lacks after this it lacks for good; one that had to begin anew may never tell some."""
        final = {o.key for o in self.shop.recorder.operations if o.action is Action.FINAL and o.key}

        async def all_told() -> bool:
            return final <= self.listener.told.keys()

        await until(all_told, timeout_s=_TOLD_S)


def _moved(schedule: Sequence[Fault], *, by_s: float) -> tuple[Fault, ...]:
    """The schedule by the history's clock, which began before the load."""
    return tuple(
        Fault(at_s=round(fault.at_s + by_s, 3), kind=fault.kind, part=fault.part, lasts_s=fault.lasts_s)
        for fault in schedule
    )


async def _note_final(system: System, recorder: Recorder, run: str) -> None:
    """Write down what the read model holds of this run now that nothing is on its way."""
    connection = await asyncpg.connect(system.catalog_dsn, timeout=10)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            invoked = recorder.now()
            orders = await connection.fetch(_ORDERS, f"{run}-%")
            products = await connection.fetch(_PRODUCTS, f"{run}-%")
    finally:
        await connection.close(timeout=5)
    recorder.record("judge", Action.FINAL, invoked=invoked, outcome=Outcome.OK, where="read database")
    for row in orders:
        recorder.record(
            "judge", Action.FINAL, invoked=invoked, outcome=Outcome.OK, where="read database",
            aggregate=f"orders:{row['order_id']}", key=row["user_id"],
            seen=Seen(version=row["version"], status=row["status"]),
        )  # fmt: skip
    for row in products:
        recorder.record(
            "judge", Action.FINAL, invoked=invoked, outcome=Outcome.OK, where="read database",
            aggregate=f"products:{row['product_id']}",
            seen=Seen(
                version=row["version"], price=row["unit_price_cents"], available=row["stock_available"],
                reserved=row["stock_reserved"],
            ),
        )  # fmt: skip


async def _watch(recorder: Recorder, nemesis: Nemesis, show: Callable[[Progress], None]) -> None:
    while True:
        show(Progress(recorder=recorder, nemesis=nemesis))
        await asyncio.sleep(0.5)
