import asyncio
import string
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_service.consistency.tokens import (
    BadTokenError,
    DeadLetter,
    DeadLetterError,
    NotYetVisibleError,
    Token,
    TokenGate,
    TooManyWaitersError,
    parse_tokens,
)
from tests.support.waiting import wait_until

FIRST = Token("orders", "order-1-A", 1)
SECOND = Token("products", "tea", 3)


class Shelf:
    """A read model of a few versions that counts how often it is asked."""

    def __init__(self) -> None:
        self.visible: dict[tuple[str, str], int] = {}
        self.stored_dead_letters: dict[Token, DeadLetter] = {}
        self.asked = 0
        self.failure: Exception | None = None

    async def versions(self, tokens: Collection[Token]) -> Mapping[tuple[str, str], int]:
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        wanted = {(token.topic, token.id) for token in tokens}
        return {each: version for each, version in self.visible.items() if each in wanted}

    async def dead_letters(self, tokens: Collection[Token]) -> Mapping[Token, DeadLetter]:
        return {token: letter for token, letter in self.stored_dead_letters.items() if token in tokens}


@asynccontextmanager
async def open_gate(shelf: Shelf, *, max_waiters: int = 100) -> AsyncIterator[TokenGate]:
    gate = TokenGate(shelf, max_waiters=max_waiters)
    running = asyncio.create_task(gate.run())
    yield gate
    running.cancel()


async def test_a_look_that_fails_is_not_the_last() -> None:
    """A table that is being replaced, say, or rights that somebody takes away and gives back."""
    shelf = Shelf()
    async with open_gate(shelf) as gate:
        waiting = asyncio.create_task(gate.passed(frozenset({FIRST}), wait_s=20))
        await held_back(gate, 1)
        shelf.failure = RuntimeError("permission denied for table orders")
        failed = shelf.asked
        gate.wake()
        await wait_until(lambda: shelf.asked > failed, every_s=0.001, what="a look that fails")
        shelf.failure = None
        shelf.visible[FIRST.topic, FIRST.id] = 1
        gate.wake()
        await waiting


async def held_back(gate: TokenGate, many: int) -> None:
    await wait_until(lambda: gate.waiting >= many, every_s=0.001, what="queries held back")


@given(
    st.lists(
        st.builds(
            Token,
            st.sampled_from(["orders", "products"]),
            st.text(string.ascii_letters + string.digits + "._~-", min_size=1, max_size=64),
            st.integers(1, 10**18 - 1),
        ),
        min_size=1,
        max_size=50,
    )
)
def test_tokens_joined_by_commas_are_read_as_they_were_written(tokens: list[Token]) -> None:
    assert parse_tokens(",".join(map(str, tokens))) == frozenset(tokens)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        "orders",
        "orders:x",
        "orders:x:",
        "orders::1",
        "orders:x:0",
        "orders:x:-1",
        "orders:x:1e3",
        "orders:x:²",
        "inbox:x:1",
        "orders:x:9223372036854775808",
        f"orders:{'x' * 129}:1",
        "orders:a\x00b:1",
        ",".join(["orders:x:1"] * 51),
    ],
)
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(BadTokenError):
        parse_tokens(text)


async def test_a_query_whose_versions_are_visible_passes_with_one_look() -> None:
    shelf = Shelf()
    shelf.visible = {("orders", "order-1-A"): 4, ("products", "tea"): 3}
    async with open_gate(shelf) as gate:
        await gate.passed(frozenset({FIRST, SECOND}), wait_s=5)
    assert shelf.asked == 1


async def test_without_time_to_wait_a_missing_version_is_refused_at_once() -> None:
    async with open_gate(Shelf()) as gate:
        with pytest.raises(NotYetVisibleError, match="orders:order-1-A:1"):
            await gate.passed(frozenset({FIRST}), wait_s=0)


async def test_a_waiting_query_passes_when_all_its_versions_have_become_visible() -> None:
    shelf = Shelf()
    async with open_gate(shelf) as gate:
        query = asyncio.create_task(gate.passed(frozenset({FIRST, SECOND}), wait_s=30))
        await held_back(gate, 1)
        shelf.visible = {("orders", "order-1-A"): 1, ("products", "tea"): 2}
        gate.wake()
        asked = shelf.asked
        await wait_until(lambda: shelf.asked > asked, every_s=0.001, what="a look")
        assert not query.done()
        shelf.visible = {("orders", "order-1-A"): 1, ("products", "tea"): 3}
        gate.wake()
        await query
        assert gate.waiting == 0


async def test_one_look_serves_everybody_who_waits() -> None:
    shelf = Shelf()
    async with open_gate(shelf) as gate:
        queries = [asyncio.create_task(gate.passed(frozenset({FIRST}), wait_s=30)) for _ in range(50)]
        await held_back(gate, 50)
        await wait_until(lambda: shelf.asked >= 51, every_s=0.001, what="the first looks")
        asked = shelf.asked
        shelf.visible = {("orders", "order-1-A"): 1}
        gate.wake()
        await asyncio.gather(*queries)
        assert shelf.asked <= asked + 2  # one for the notification, one that may have been under way


async def test_a_parked_version_is_named_instead_of_waited_for() -> None:
    shelf = Shelf()
    shelf.stored_dead_letters = {FIRST: DeadLetter("orders", 3, 41, "value out of range")}
    async with open_gate(shelf) as gate:
        with pytest.raises(DeadLetterError, match="record 41 of orders/3 is a dead letter"):
            await gate.passed(frozenset({FIRST, SECOND}), wait_s=30)


async def test_a_later_version_that_is_visible_makes_up_for_a_parked_one() -> None:
    shelf = Shelf()
    shelf.stored_dead_letters = {FIRST: DeadLetter("orders", 3, 41, "value out of range")}
    shelf.visible = {("orders", "order-1-A"): 2}
    async with open_gate(shelf) as gate:
        await gate.passed(frozenset({FIRST}), wait_s=0)


async def test_no_more_queries_wait_than_allowed() -> None:
    shelf = Shelf()
    async with open_gate(shelf, max_waiters=2) as gate:
        queries = [asyncio.create_task(gate.passed(frozenset({FIRST}), wait_s=30)) for _ in range(2)]
        await held_back(gate, 2)
        with pytest.raises(TooManyWaitersError):
            await gate.passed(frozenset({SECOND}), wait_s=30)
        for query in queries:
            query.cancel()
        await asyncio.gather(*queries, return_exceptions=True)
        assert gate.waiting == 0


async def test_the_time_to_wait_is_kept() -> None:
    async with open_gate(Shelf()) as gate:
        with pytest.raises(NotYetVisibleError, match=r"within 0\.02 s"):
            await gate.passed(frozenset({FIRST}), wait_s=0.02)
        assert gate.waiting == 0
