"""Waiting for a condition, never for a time."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

T = TypeVar("T")


@overload
async def wait_until(
    predicate: Callable[[], Awaitable[T]], *, timeout_s: float = ..., every_s: float = ..., what: str = ...
) -> T: ...


@overload
async def wait_until(
    predicate: Callable[[], T], *, timeout_s: float = ..., every_s: float = ..., what: str = ...
) -> T: ...


async def wait_until(
    predicate: Callable[[], T | Awaitable[T]],
    *,
    timeout_s: float = 60.0,
    every_s: float = 0.05,
    what: str = "",
) -> T:
    """Return the predicate's first truthy value; after `timeout_s` seconds fail with the last value it gave.

    It is asked every `every_s` seconds, and sooner at first when asking costs nothing, which is when it is no coroutine. An
    exception of the predicate propagates: a predicate that expects trouble says so itself.
    """
    deadline = time.monotonic() + timeout_s
    pause_s = every_s / 16
    while True:
        value = predicate()
        if inspect.isawaitable(value):
            value = await value
            pause_s = every_s
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s:g} s: {what or predicate}; last value: {value!r}")
        await asyncio.sleep(pause_s)
        pause_s = min(2 * pause_s, every_s)


async def assert_stays(
    predicate: Callable[[], object], *, for_s: float, every_s: float = 0.05, what: str = ""
) -> None:
    """Fail as soon as the predicate gives something falsy; return after `for_s` seconds in which it never did.

    For what must not happen: a time in which it did not is all that can be shown of it.
    """
    deadline = time.monotonic() + for_s
    while True:
        value = predicate()
        if inspect.isawaitable(value):
            value = await value
        if not value:
            left = deadline - time.monotonic()
            raise AssertionError(
                f"did not stay for {for_s:g} s ({left:.1f} s left): {what or predicate}; {value!r}"
            )
        if time.monotonic() >= deadline:
            return
        await asyncio.sleep(every_s)
