"""What a load sent and what became of it, one JSON line per command: written by `load`, checked by `audit`."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from auditor.observations import Command


def write_journal(path: Path, commands: Iterable[Command]) -> None:
    """Replace `path` with these commands."""
    with path.open("wb") as file:
        file.writelines(msgspec.json.encode(command) + b"\n" for command in commands)


def read_journal(path: Path) -> Iterator[Command]:
    """Raises OSError or msgspec.MsgspecError (a line is no command)."""
    with path.open("rb") as file:
        for line in file:
            yield msgspec.json.decode(line, type=Command)
