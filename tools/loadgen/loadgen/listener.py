"""A reader of the catalog's stream who writes down what it is told, and resumes where it was cut off."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any, NamedTuple

import aiohttp
import msgspec

from auditor.history.operation import Action, Outcome
from loadgen.recorder import Recorder
from loadgen.sessions import Answer

_PATIENCE_S = 20.0
_CHANGES = ("order", "product")
_OK = 200


class Event(NamedTuple):
    """One server-sent event."""

    name: str
    data: bytes
    id: str


class _Snapshot(msgspec.Struct):
    orders: list[Answer]
    products: list[Answer]


class _Told(msgspec.Struct):
    order: Answer | None = None
    product: Answer | None = None


async def events(lines: AsyncIterable[bytes]) -> AsyncIterator[Event]:
    """Server-sent events out of the lines of an answer; a last one that is cut short is none."""
    name, data, at = "message", b"", ""
    async for line in lines:
        field, _, value = line.rstrip(b"\r\n").partition(b":")
        value = value.removeprefix(b" ")
        if field == b"event":
            name = value.decode()
        elif field == b"data":
            data += value
        elif field == b"id":
            at = value.decode()
        elif not field and not value and data:
            yield Event(name, data, at)
            name, data = "message", b""


class Listener:
    """One process of a history: hears the whole stream and notes the orders and products of `run`."""

    def __init__(self, *, client: aiohttp.ClientSession, catalog: str, run: str, recorder: Recorder) -> None:
        """Ask `catalog`, its base URL, through `client`."""
        self._client = client
        self._url = f"{catalog}/stream"
        self._run = run
        self._recorder = recorder
        self._position = ""
        self.connected = asyncio.Event()
        self.told: dict[str, float] = {}
        """When each order was told first, by its key."""

    async def listen(self) -> None:
        """For ever, over as many connections as it takes."""
        while True:
            headers = {"Last-Event-ID": self._position} if self._position else {}
            timeout = aiohttp.ClientTimeout(total=None, connect=5, sock_read=_PATIENCE_S)
            try:
                async with self._client.get(self._url, headers=headers, timeout=timeout) as answer:
                    if answer.status == _OK:
                        async for event in events(answer.content):
                            self._hear(event)
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(0.2)

    def _hear(self, event: Event) -> None:
        """Note an event that is a change or a snapshot.

        Raises:
            msgspec.DecodeError: it is not of the catalog.
        """
        self._position = event.id or self._position
        if event.name == "snapshot":
            snapshot = msgspec.json.decode(event.data, type=_Snapshot)
            self._note(Action.SNAPSHOT)
            for shown in (*snapshot.orders, *snapshot.products):
                self._note(Action.SNAPSHOT, shown)
            self.connected.set()
        elif event.name in _CHANGES:
            told = msgspec.json.decode(event.data, type=_Told)
            self._note(Action.TOLD, told.order or told.product)

    def _note(self, action: Action, shown: Answer | None = None) -> None:
        known: dict[str, Any] = {"where": "catalog"}
        if shown is not None:
            if not (shown.user_id or shown.product_id).startswith(f"{self._run}-"):
                return
            known |= {"aggregate": shown.aggregate, "seen": shown.seen, "key": shown.user_id or None}
            if shown.user_id:
                self.told.setdefault(shown.user_id, self._recorder.now())
        self._recorder.record("listener", action, invoked=self._recorder.now(), outcome=Outcome.OK, **known)
