"""Customers who do one thing after another and write down what they did and saw.

A customer is a good client: it repeats a command with the same Idempotency-Key at another instance until it is answered,
and it asks the catalog with the token of what it saw last, most of the time. Its notes are a history for
`auditor.history`.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec

from auditor.history.operation import Action, Operation, Outcome, Seen
from loadgen.recorder import Recorder
from loadgen.seed_data import ShopError

PRODUCTS = 6
STOCK = 150
ATTEMPT_S = 4.0
GIVE_UP_S = 20.0
_TRY_AGAIN = frozenset({"request-running", "too-many-commands"})
_CLIENT_ERROR, _SERVER_ERROR = 400, 500
_PARKED, _TOO_MANY = 424, 429


class Answer(msgspec.Struct):
    """Of an order or of a product."""

    version: int
    order_id: str = ""
    product_id: str = ""
    user_id: str = ""
    status: str | None = None
    unit_price_cents: int | None = None
    stock_available: int | None = None
    stock_reserved: int | None = None

    @property
    def aggregate(self) -> str:
        """Its name in a history."""
        return f"orders:{self.order_id}" if self.order_id else f"products:{self.product_id}"

    @property
    def seen(self) -> Seen:
        """Its state in a history."""
        return Seen(
            version=self.version,
            status=self.status,
            price=self.unit_price_cents,
            available=self.stock_available,
            reserved=self.stock_reserved,
        )


class _Problem(msgspec.Struct):
    type: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one request came to: an answer, a refusal, or `reason` why it is not known."""

    outcome: Outcome
    reason: str = ""
    answer: Answer | None = None


@dataclass(slots=True, kw_only=True)
class Shop:
    """Where customers go. `run` begins every key and product of one history."""

    client: aiohttp.ClientSession
    instances: Mapping[str, str]
    catalog: str
    run: str
    recorder: Recorder
    orders: list[str] = field(default_factory=list)
    """Ids that customers may ask for, whoever placed them."""
    latest: dict[str, int] = field(default_factory=dict)
    """The highest version of each aggregate that an instance has answered with."""

    @property
    def products(self) -> tuple[str, ...]:
        """Of this run."""
        return tuple(f"{self.run}-{number}" for number in range(PRODUCTS))

    async def open(self, *, timeout_s: float = 30.0) -> None:
        """Register the products, spread over the instances, and wait until each instance knows them.

        Raises:
            ShopError: one was refused or is not known in time.
        """
        names = list(self.instances)
        for number, product in enumerate(self.products):
            body = {"product_id": product, "name": product, "unit_price_cents": 100, "stock": STOCK}
            operation = await self.command(
                "shop", Action.REGISTER, "/products", where=names[number % len(names)], body=body,
                key=f"{product}-register", aggregate=f"products:{product}", quantity=STOCK, price=100,
            )  # fmt: skip
            if operation.outcome is not Outcome.OK:
                raise ShopError(f"{product} could not be registered: {operation.reason}")
        try:
            async with asyncio.timeout(timeout_s):
                for instance in self.instances:
                    for product in self.products:
                        await self._until_known(f"{self.instances[instance]}/products/{product}")
        except TimeoutError as error:
            raise ShopError(f"not every instance knows the products after {timeout_s:g} s") from error

    async def _until_known(self, url: str) -> None:
        while (await self._get(url)).answer is None:  # noqa: ASYNC110  another process makes it known
            await asyncio.sleep(0.1)

    async def command(  # noqa: PLR0913  what a command is made of
        self,
        process: str,
        action: Action,
        path: str,
        *,
        key: str,
        where: str,
        body: dict[str, Any] | None = None,
        dice: random.Random | None = None,
        **known: Any,
    ) -> Operation:
        """Repeat a command until it is answered, at `where` first; an order's id is what the answer says."""
        invoked, attempts = self.recorder.now(), 0
        end = Attempt(Outcome.UNKNOWN, "interrupted")
        try:
            while True:
                attempts += 1
                end = await self._post(f"{self.instances[where]}{path}", key=key, body=body)
                if end.outcome is not Outcome.UNKNOWN or self.recorder.now() - invoked > GIVE_UP_S:
                    break
                await asyncio.sleep(min(0.1 * attempts, 1.0))
                if dice is not None:
                    where = dice.choice(list(self.instances))
        finally:
            if end.answer is not None:
                known["aggregate"] = end.answer.aggregate
                self._note(end.answer)
            operation = self.recorder.record(
                process, action, invoked=invoked, outcome=end.outcome, reason=end.reason, key=key, where=where,
                attempts=attempts, seen=end.answer.seen if end.answer else None, **known,
            )  # fmt: skip
        return operation

    async def read(self, process: str, aggregate: str, *, where: str) -> None:
        """Ask an instance for its own state of an aggregate."""
        invoked = self.recorder.now()
        end = await self._get(f"{self.instances[where]}/{aggregate.replace(':', '/', 1)}")
        if end.answer is not None:
            self._note(end.answer)
        self._record_get(process, Action.READ, aggregate, end, invoked=invoked, where=where)

    async def query(self, process: str, aggregate: str, *, token: bool) -> None:
        """Ask the catalog; with the token of the highest version that was seen of the aggregate at an instance."""
        at_least = self.latest.get(aggregate) if token else None
        headers = {"Consistency-Token": f"{aggregate}:{at_least}", "Prefer": "wait=2"} if at_least else {}
        invoked = self.recorder.now()
        end = await self._get(f"{self.catalog}/{aggregate.replace(':', '/', 1)}", headers=headers)
        self._record_get(
            process, Action.QUERY, aggregate, end, invoked=invoked, where="catalog", at_least=at_least
        )

    def _record_get(
        self, process: str, action: Action, aggregate: str, end: Attempt, *, invoked: float, **known: Any
    ) -> None:
        seen = end.answer.seen if end.answer else None
        self.recorder.record(
            process, action, invoked=invoked, outcome=end.outcome, reason=end.reason, aggregate=aggregate,
            seen=seen, **known,
        )  # fmt: skip

    def _note(self, answer: Answer) -> None:
        self.latest[answer.aggregate] = max(self.latest.get(answer.aggregate, 0), answer.version)

    async def _post(self, url: str, *, key: str, body: dict[str, Any] | None) -> Attempt:
        headers = {"Idempotency-Key": key}
        return await self._ask(lambda: self.client.post(url, json=body, headers=headers))

    async def _get(self, url: str, *, headers: Mapping[str, str] | None = None) -> Attempt:
        return await self._ask(lambda: self.client.get(url, headers=headers))

    async def _ask(self, request: Callable[[], Any]) -> Attempt:
        try:
            async with asyncio.timeout(ATTEMPT_S), request() as response:
                return understood(response.status, await response.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            return Attempt(Outcome.UNKNOWN, type(error).__name__)


def understood(status: int, body: bytes) -> Attempt:
    """What an answer says: success, a refusal that is final, or nothing certain."""
    try:
        if status < _CLIENT_ERROR:
            return Attempt(Outcome.OK, answer=msgspec.json.decode(body, type=Answer))
        reason = msgspec.json.decode(body, type=_Problem).type.rpartition("/")[2]
    except (ValueError, RecursionError):
        return Attempt(Outcome.UNKNOWN, f"{status} with an answer that cannot be read")
    # A token whose record is a dead letter is honoured by a refusal, which says nothing of a row.
    uncertain = status >= _SERVER_ERROR or status in (_TOO_MANY, _PARKED) or reason in _TRY_AGAIN
    return Attempt(Outcome.UNKNOWN if uncertain else Outcome.REFUSED, reason)


@dataclass(slots=True, kw_only=True)
class Customer:
    """One process of a history. The same dice make the same wishes; what comes of them is the system's."""

    name: str
    shop: Shop
    dice: random.Random
    pause_s: float = 0.15
    _placed: int = 0
    _changes: int = 0

    async def act_until(self, end: asyncio.Event) -> None:
        """One thing after another until `end` is set; what is under way then is brought to its end."""
        while not end.is_set():
            await self._act()
            await asyncio.sleep(self.dice.uniform(0, 2 * self.pause_s))

    async def _act(self) -> None:
        wish = self.dice.random()
        where = self.dice.choice(list(self.shop.instances))
        product = self.dice.choice(self.shop.products)
        if wish < 0.40 or not self.shop.orders:  # noqa: PLR2004  shares of what customers do, here and below
            await self._place(where)
        elif wish < 0.52:  # noqa: PLR2004
            await self._change(self.dice.choice([Action.CANCEL, Action.SHIP, Action.SHIP]), where)
        elif wish < 0.56:  # noqa: PLR2004
            await self._restock(product, where)
        elif wish < 0.70:  # noqa: PLR2004
            await self.shop.read(self.name, self._something(product), where=where)
        else:
            token = self.dice.random() < 0.7  # noqa: PLR2004
            await self.shop.query(self.name, self._something(product), token=token)

    def _something(self, product: str) -> str:
        """An aggregate: mostly a young order, which is still changing."""
        if self.dice.random() < 0.15:  # noqa: PLR2004
            return f"products:{product}"
        return f"orders:{self._young_order()}"

    def _young_order(self) -> str:
        return self.dice.choice(self.shop.orders[-40:])

    async def _place(self, where: str) -> None:
        self._placed += 1
        key = f"{self.shop.run}-{self.name}-{self._placed}"
        chosen = self.dice.sample(self.shop.products, k=self.dice.randint(1, 2))
        lines = tuple((product, self.dice.randint(1, 3)) for product in chosen)
        body = {
            "user_id": key,
            "lines": [{"product_id": name, "quantity": quantity} for name, quantity in lines],
        }

        async def place(at: str) -> Operation:
            return await self.shop.command(
                self.name, Action.PLACE, "/orders", key=key, where=at, body=body, dice=self.dice, lines=lines
            )

        placed = await place(where)
        if placed.outcome is Outcome.OK:
            self.shop.orders.append(placed.aggregate.partition(":")[2])
            if self.dice.random() < 0.1:  # noqa: PLR2004  somebody presses the button twice
                await place(self.dice.choice(list(self.shop.instances)))

    async def _change(self, action: Action, where: str) -> None:
        order = self._young_order()
        self._changes += 1
        await self.shop.command(
            self.name, action, f"/orders/{order}/{action}", key=f"{self.name}-{self._changes}", where=where,
            dice=self.dice, aggregate=f"orders:{order}",
        )  # fmt: skip

    async def _restock(self, product: str, where: str) -> None:
        quantity = self.dice.randint(1, 10)
        self._changes += 1
        await self.shop.command(
            self.name, Action.RESTOCK, f"/products/{product}/restock", key=f"{self.name}-{self._changes}",
            where=where, body={"quantity": quantity}, dice=self.dice, aggregate=f"products:{product}",
            quantity=quantity,
        )  # fmt: skip
