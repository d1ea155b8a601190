"""A keyed log: what a group of workers agrees on is the last value of each key, in the order of the log."""

import itertools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

Value = Mapping[str, Any]


class LogEntry(NamedTuple):
    """A key's new value; None removes the key. `offset` grows along the log."""

    key: str
    value: Value | None
    offset: int


Apply = Callable[[LogEntry], None]


class Log(Protocol):
    """Whatever is written comes back, to every reader in the same order, through the `Apply` each was opened with."""

    async def write(self, key: str, value: Value | None) -> None:
        """Returns when the entry is durable and this process has applied it. Raises `LogError` when it is not in time."""
        ...

    async def catch_up(self) -> None:
        """Returns when everything that was in the log at the time of the call is applied. Raises `LogError`."""
        ...


class LocalLog:
    """The log of a worker that is alone and gets its connectors from files: in memory, gone with the process."""

    def __init__(self, apply: Apply) -> None:
        self._apply = apply
        self._offsets = itertools.count()

    async def write(self, key: str, value: Value | None) -> None:
        self._apply(LogEntry(key, value, next(self._offsets)))

    async def catch_up(self) -> None:
        return
