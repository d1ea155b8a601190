"""A shop as the load needs it: products of its own at every instance, and customers with a taste.

Few products and few users make most of the orders (Zipf's law), as in a real shop: hot keys, hot rows, hot partitions.
"""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import aiohttp
import msgspec

PRODUCTS = tuple(f"load-{number:02}" for number in range(40))
STOCK = 1_000_000_000
SKEW = 1.1
"""Exponent of Zipf's law: the n-th most popular is chosen n^SKEW times less often than the first."""
_NO_PRODUCT = "load-no-such-product"
_CREATED, _CONFLICT, _UNPROCESSABLE = 201, 409, 422


class ShopError(RuntimeError):
    """The products could not be made known to every instance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """One order to place."""

    user_id: str
    lines: tuple[tuple[str, int], ...]

    def as_json(self) -> dict[str, Any]:
        """The body of POST /orders."""
        lines = [{"product_id": product, "quantity": quantity} for product, quantity in self.lines]
        return {"user_id": self.user_id, "lines": lines}


def _weights(count: int) -> list[float]:
    return list(accumulate(rank**-SKEW for rank in range(1, count + 1)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Customers:
    """`users` customers who want the shop's products; the same `dice` give the same orders.

    `run` is in the users' names: so that the orders of two loads differ.
    """

    run: str
    users: int
    dice: random.Random
    products: Sequence[str] = PRODUCTS
    _user_weights: list[float] = field(init=False)
    _product_weights: list[float] = field(init=False)

    def __post_init__(self) -> None:
        """Work out the weights once."""
        object.__setattr__(self, "_user_weights", _weights(self.users))
        object.__setattr__(self, "_product_weights", _weights(len(self.products)))

    def basket(self) -> Basket:
        """Draw what somebody wants next: one to four products, one to three of each."""
        user = self.dice.choices(range(self.users), cum_weights=self._user_weights)[0]
        wanted = self.dice.choices(
            self.products, cum_weights=self._product_weights, k=self.dice.randint(1, 4)
        )
        lines = tuple((product, self.dice.randint(1, 3)) for product in dict.fromkeys(wanted))
        return Basket(user_id=f"{self.run}-{user:05}", lines=lines)


async def open_shop(
    client: aiohttp.ClientSession, instances: Mapping[str, str], *, timeout_s: float = 30.0
) -> None:
    """Register the products, spread over the instances, and return when every instance knows all of them.

    Raises ShopError, aiohttp.ClientError.
    """
    urls = list(instances.values())
    for number, product in enumerate(PRODUCTS):
        body = {
            "product_id": product,
            "name": f"Load {product}",
            "unit_price_cents": 100 + number,
            "stock": STOCK,
        }
        async with client.post(f"{urls[number % len(urls)]}/products", json=body) as answer:
            if answer.status not in (_CREATED, _CONFLICT):
                raise ShopError(f"{product} could not be registered: {answer.status} {await answer.text()}")
    try:
        async with asyncio.timeout(timeout_s):
            await asyncio.gather(*(_until_known(client, url) for url in urls))
    except TimeoutError as error:
        raise ShopError(f"not every instance knows the products after {timeout_s:g} s") from error


async def _until_known(client: aiohttp.ClientSession, url: str) -> None:
    """Ask by an order nobody can accept: it is refused for the one line that is wrong once the others are known."""
    basket = Basket(user_id="load", lines=tuple((product, 1) for product in (*PRODUCTS, _NO_PRODUCT)))
    while True:
        async with client.post(f"{url}/orders", json=basket.as_json()) as answer:
            body = await answer.read()
        pointers = _pointers(body)
        if answer.status == _UNPROCESSABLE and pointers == {f"/lines/{len(PRODUCTS)}/product_id"}:
            return
        await asyncio.sleep(0.1)


class _Error(msgspec.Struct):
    pointer: str = ""


class _Problem(msgspec.Struct):
    errors: list[_Error] = []


def _pointers(body: bytes) -> set[str]:
    """What a problem's errors point to; nothing of an answer that is no problem."""
    try:
        return {error.pointer for error in msgspec.json.decode(body, type=_Problem).errors}
    except (ValueError, RecursionError):
        return set()
