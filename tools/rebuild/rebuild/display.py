"""What a rebuild shows: a live line per connector in a terminal, a line every few seconds elsewhere."""

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from rebuild.pace import Way

_PLAIN_EVERY_S = 5.0


class Display:
    """Told of a rebuild, it tells a person."""

    def __init__(self, console: Console) -> None:
        columns = (
            TextColumn("  {task.description:14}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[per_s]:>9,.0f} records/s"),
        )
        self._console = console
        self._bars = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._tasks: dict[str, TaskID] = {}
        self._told_at = time.monotonic()
        self._ways: Sequence[Way] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def on_the_way(self, ways: Sequence[Way]) -> None:
        """Move the bars."""
        self._ways = ways
        self._bars.start()
        for way in ways:
            if way.connector not in self._tasks:
                self._tasks[way.connector] = self._bars.add_task(way.connector, per_s=0.0)
            task = self._tasks[way.connector]
            self._bars.update(task, completed=way.done, total=way.total, per_s=way.per_s)
        if not self._console.is_terminal and time.monotonic() - self._told_at >= _PLAIN_EVERY_S:
            self._told_at = time.monotonic()
            self._print(", ".join(map(_plain, ways)))

    def done(self, what: str, *, seconds: float) -> None:
        """Say it and how long it took."""
        self._bars.stop()
        records = sum(way.done for way in self._ways)
        extra = f", {records:,} records at {records / seconds:,.0f}/s" if self._ways and seconds else ""
        self._ways = ()
        self._print(f"{seconds:7.2f} s  {what}{extra}")

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def _plain(way: Way) -> str:
    return f"{way.connector} {way.done:,} of {way.total:,} ({way.per_s:,.0f}/s)"
