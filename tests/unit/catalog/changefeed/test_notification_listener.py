"""How often the listener looks at the table of offsets: seldom while nobody waits for what it finds."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from catalog_service.changefeed.notification_listener import NotificationListener
from catalog_service.read_model.database import Database

ENOUGH = 5


class Answers:
    """A read database whose sink has committed up to offset 3, and announces it as soon as somebody listens."""

    async def listen(self, _channel: str, heard: Callable[[str], None]) -> None:
        heard("")
        while True:
            heard('{"connector":"orders","topics":{"orders":{"0":3}}}')
            await asyncio.sleep(0)

    async def fetch(self, statement: str, *_values: object) -> list[dict[str, Any]]:
        row = {"begun": True, "connector": "orders", "topic": "orders", "partition": 0, "next_offset": 3}
        return [row] if statement else []


@pytest.mark.parametrize(("watched", "pause_s"), [(True, 0.005), (False, 0.025)])
async def test_it_looks_less_often_while_nobody_waits(*, watched: bool, pause_s: float) -> None:
    pauses: list[float] = []
    enough = asyncio.Event()

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) >= ENOUGH:
            enough.set()
        await asyncio.sleep(0)

    listener = NotificationListener(
        cast("Database", Answers()),
        topics={"orders": "orders"},
        applied=lambda *_offsets, **_times: None,
        woken=lambda: None,
        watched=lambda: watched,
        sleep=sleep,
    )
    running = asyncio.create_task(listener.run())
    await asyncio.wait_for(enough.wait(), timeout=30)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert {*pauses} == {pause_s}
