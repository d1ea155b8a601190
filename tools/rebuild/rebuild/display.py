"""What a rebuild shows: a live line per connector in a terminal, a line every few seconds elsewhere."""

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from rebuild.pace import CopyProgress

_PLAIN_EVERY_S = 5.0


class Display:
    """Shows a rebuild to a person: an `Observer`."""

    def __init__(self, console: Console) -> None:
        """Write to `console`."""
        columns = (
            TextColumn("  {task.description:14}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[per_s]:>9,.0f} records/s"),
        )
        self._console = console
        self._bars = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._tasks: dict[str, TaskID] = {}
        self._printed_at = time.monotonic()
        self._copies: Sequence[CopyProgress] = ()

    def __enter__(self) -> Self:
        """The display itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bars off the terminal."""
        self._bars.stop()

    def progressed(self, copies: Sequence[CopyProgress]) -> None:
        """Move the bars."""
        self._copies = copies
        self._bars.start()
        for copy in copies:
            if copy.connector not in self._tasks:
                self._tasks[copy.connector] = self._bars.add_task(copy.connector, per_s=0.0)
            task = self._tasks[copy.connector]
            self._bars.update(task, completed=copy.done, total=copy.total, per_s=copy.per_s)
        if not self._console.is_terminal and time.monotonic() - self._printed_at >= _PLAIN_EVERY_S:
            self._printed_at = time.monotonic()
            self._print(", ".join(map(_plain, copies)))

    def done(self, what: str, *, seconds: float) -> None:
        """Say it and how long it took."""
        self._bars.stop()
        records = sum(copy.done for copy in self._copies)
        extra = f", {records:,} records at {records / seconds:,.0f}/s" if self._copies and seconds else ""
        self._copies = ()
        self._print(f"{seconds:7.2f} s  {what}{extra}")

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def _plain(copy: CopyProgress) -> str:
    return f"{copy.connector} {copy.done:,} of {copy.total:,} ({copy.per_s:,.0f}/s)"
