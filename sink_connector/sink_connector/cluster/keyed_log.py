"""A keyed log: what a group of workers agrees on is the last value of each key, in the order of the log."""

import asyncio
import itertools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from sink_connector.errors import SinkError

Value = Mapping[str, Any]


class MalformedEntryError(SinkError):
    """An entry that says nothing here: it is of another version, or somebody else's."""


class LogEntry(NamedTuple):
    """A key's new value; None removes the key. `offset` grows along the log."""

    key: str
    value: Value | None
    offset: int


Apply = Callable[[LogEntry], None]


class Log(Protocol):
    """Whatever is written comes back, to every reader in the same order, through the `Apply` it was opened with."""

    async def open(self, apply: Apply) -> None:
        """Returns when everything the log holds is applied. May be called again after it has failed."""
        ...

    async def follow(self) -> None:
        """Apply what is written from now on, until cancelled."""
        ...

    async def close(self) -> None:
        """Give up what `open` has taken."""
        ...

    async def write(self, key: str, value: Value | None) -> None:
        """Returns when the entry is durable and this process has applied it. Raises `LogError` when it is not in time."""
        ...

    async def catch_up(self) -> None:
        """Returns when everything that was in the log at the time of the call is applied. Raises `LogError`."""
        ...


class LocalLog:
    """The log of a worker that is alone and gets its connectors from files: in memory, gone with the process."""

    def __init__(self) -> None:
        """It is empty."""
        self._apply: Apply = lambda _: None
        self._offsets = itertools.count()

    async def open(self, apply: Apply) -> None:
        """There is nothing in it yet."""
        self._apply = apply

    async def follow(self) -> None:
        """Nobody else writes."""
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Nothing is held."""

    async def write(self, key: str, value: Value | None) -> None:
        """Applied at once."""
        self._apply(LogEntry(key, value, next(self._offsets)))

    async def catch_up(self) -> None:
        """Everything is applied when it is written."""
