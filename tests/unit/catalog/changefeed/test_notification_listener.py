"""How often the listener looks at the table of offsets: seldom while nobody waits for what it finds."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from catalog_service.changefeed.notification_listener import NotificationListener
from catalog_service.read_model.database import Database

ENOUGH = 20


class Answers:
    """A read database whose sink has committed up to offset 3, and announces it all the time; how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def listen(self, _channel: str, heard: Callable[[str], None]) -> None:
        heard("")
        while True:
            heard('{"connector":"orders","topics":{"orders":{"0":3}}}')
            await asyncio.sleep(0)

    async def fetch(self, statement: str, *_values: object) -> list[dict[str, Any]]:
        self.asked += "next_offset" in statement
        return [{"begun": True, "connector": "orders", "topic": "orders", "partition": 0, "next_offset": 3}]


@pytest.mark.parametrize(("watched_from", "looks"), [(0, 20), (ENOUGH + 1, 4), (7, 15)])
async def test_it_looks_less_often_while_nobody_waits(watched_from: int, looks: int) -> None:
    """`watched_from`: with that pause somebody begins to wait."""
    pauses: list[float] = []
    database = Answers()
    enough = asyncio.Event()

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) >= ENOUGH:
            enough.set()
            await asyncio.Event().wait()
        await asyncio.sleep(0)

    listener = NotificationListener(
        cast("Database", database),
        topics={"orders": "orders"},
        applied=lambda *_offsets, **_times: None,
        woken=lambda: None,
        watched=lambda: len(pauses) >= watched_from,
        sleep=sleep,
    )
    running = asyncio.create_task(listener.run())
    await asyncio.wait_for(enough.wait(), timeout=30)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert database.asked == looks
