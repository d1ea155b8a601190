"""A load with a fault in the middle of it, and what must be true once the fault is over."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from secrets import token_hex

from auditor import Report, audit
from loadgen.load import ANSWER_TIMEOUT_S
from loadgen.schedule import Generator, Sent, load_client
from loadgen.seed_data import Customers, open_shop
from tests.support.stack import RunningStack
from tests.support.waiting import wait_until

ORDERS = 1_200
RATE = 100.0
FAULT_AFTER = 300
LIVE_S = 60.0
"""LIVE: lag is 0 within 60 s of the last fault."""

_CUT_WHILE_IDLE = {"ClientOSError", "ServerDisconnectedError"}

Fault = Callable[[], Awaitable[None]]


@dataclass(slots=True, kw_only=True)
class FaultInjector:
    """`inject` runs the load and the fault, `recover` waits for the stack and asks the auditor."""

    stack: RunningStack
    orders: int = ORDERS
    sent: list[Sent] = field(default_factory=list)
    _deaths: Counter[str] = field(default_factory=Counter)

    async def inject(self, fault: Fault) -> None:
        """Send `orders` orders; `fault` strikes once `FAULT_AFTER` of them are answered, and the load goes on."""
        self._deaths = await asyncio.to_thread(self.stack.deaths)
        customers = Customers(run=f"injector-{token_hex(3)}", users=50, dice=random.Random(1))  # noqa: S311
        strike = asyncio.Event()

        def answered(sent: Sent) -> None:
            self.sent.append(sent)
            if len(self.sent) == FAULT_AFTER:
                strike.set()

        async def strike_when_due() -> None:
            await strike.wait()
            await fault()

        async with load_client(timeout_s=ANSWER_TIMEOUT_S) as client:
            await open_shop(client, self.stack.instances)
            generator = Generator(client=client, instances=self.stack.instances, answered=answered)
            async with asyncio.TaskGroup() as group:
                group.create_task(strike_when_due())
                group.create_task(generator.send_all(orders=self.orders, rate=RATE, draw=customers.basket))

    async def recover(self, *, victims: Iterable[str] = (), perhaps: Iterable[str] = ()) -> Report:
        """Every part is ready again, `victims` died and none else, and the auditor finds nothing wrong; returns its report.

        Of `perhaps` each may have died as well.
        """
        await wait_until(
            lambda: asyncio.to_thread(self.stack.is_ready),
            timeout_s=LIVE_S,
            every_s=0.5,
            what="every part ready",
        )
        died = await asyncio.to_thread(self.stack.deaths) - self._deaths
        assert died.keys() - set(perhaps) == set(victims), f"died: {dict(died)}"
        report = await audit(
            self.stack.target, commands=[sent.command() for sent in self.sent], wait_s=LIVE_S
        )
        assert report.clean, report
        assert report.counts["commands ok"] == self.outcomes["ok"]
        return report

    @property
    def outcomes(self) -> Counter[str]:
        return Counter(sent.outcome for sent in self.sent)

    def turned_away(self) -> Counter[tuple[str, str, str]]:
        """Orders that were refused, failed or had no answer in time: (instance, outcome, reason).

        Not counted is a kept-alive connection that its server closed for idleness just when the next order went into
        it, as happens on a machine that stalls: it says nothing of the system, and the auditor still wants the order
        there once or not at all.
        """
        return Counter(
            (sent.instance, sent.outcome, sent.reason)
            for sent in self.sent
            if sent.outcome != "ok" and sent.reason not in _CUT_WHILE_IDLE
        )
