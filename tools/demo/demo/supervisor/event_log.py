"""The supervisor's event log: one line per event, for `./demo logs` and for whoever looks into a failure."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from devservers.private_files import open_private


class EventLog:
    """Appends `<time> <event> key=value …` lines to a file."""

    def __init__(self, path: Path, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Append to `path`; `now` gives the time of an event."""
        self._path = path
        self._now = now

    def write(self, event: str, **fields: object) -> None:
        """Append one line; a value that holds a space is quoted."""
        time = self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        words = [time, event, *(f"{key}={_quoted(value)}" for key, value in fields.items())]
        descriptor = open_private(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        with os.fdopen(descriptor, "a") as file:
            file.write(" ".join(words) + "\n")


def _quoted(value: object) -> str:
    text = str(value)
    return f'"{text}"' if " " in text else text
