"""The supervisor's diary: one line per event, for `./demo logs` and for whoever looks into a failure."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path


class EventLog:
    """Appends `<time> <event> key=value …` lines to a file."""

    def __init__(self, path: Path, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._path = path
        self._now = now

    def write(self, event: str, **fields: object) -> None:
        time = self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        words = [time, event, *(f"{key}={_quoted(value)}" for key, value in fields.items())]
        with self._path.open("a") as file:
            file.write(" ".join(words) + "\n")


def _quoted(value: object) -> str:
    text = str(value)
    return f'"{text}"' if " " in text else text
