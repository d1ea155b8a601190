"""One signal for everything that a worker's loops depend on: configurations, members, statuses, tasks."""

import asyncio
import contextlib


class ChangeSignal:
    """Wakes all who watch it. Changes that come while a watcher is busy are told it once, when it waits again."""

    def __init__(self) -> None:
        """Nobody watches yet."""
        self._watches: list[Watch] = []

    def watch(self) -> "Watch":
        """A new watcher, to which everything is news at first."""
        watch = Watch(self)
        self._watches.append(watch)
        return watch

    def notify(self, *, but: "Watch | None" = None) -> None:
        """Something is not as it was; `but` knows already."""
        for watch in self._watches:
            if watch is not but:
                watch.wake()


class Watch:
    """One who waits for changes."""

    def __init__(self, signal: ChangeSignal) -> None:
        """Made by `ChangeSignal.watch`."""
        self._signal = signal
        self._event = asyncio.Event()
        self._event.set()

    def wake(self) -> None:
        """End the wait that is going on, or else the next one."""
        self._event.set()

    async def wait(self, timeout_s: float | None = None) -> None:
        """Returns after the next change, or when the time is up."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._event.wait()
        self._event.clear()

    def notify_others(self) -> None:
        """Tell the other watchers what this one has changed."""
        self._signal.notify(but=self)
