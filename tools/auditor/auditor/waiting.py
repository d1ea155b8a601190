"""Waiting for a condition with a bound."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(probe: Callable[[], Awaitable[bool]], *, timeout_s: float, pause_s: float = 0.1) -> bool:
    """Ask `probe` until it says yes; False when it has not within `timeout_s`."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    while not await probe():
        if loop.time() >= deadline:
            return False
        await asyncio.sleep(pause_s)
    return True
