"""Records that a playground has put into topics on purpose: they stay there, and every later audit has to know of them."""

import json
from collections.abc import Sequence
from pathlib import Path

from auditor.observations import Planted
from demo.errors import CommandError
from demo.home import Home
from devservers.private_files import write_private


def planted_records(home: Home) -> list[Planted]:
    """Those of the stack in `home`, in the order in which they were planted; erased with its data.

    Raises:
        CommandError: what was kept cannot be read; nothing can be judged without it.
    """
    file = _file(home)
    if not file.exists():
        return []
    try:
        kept = [Planted(*each) for each in json.loads(file.read_text())]
        if any(tuple(map(type, each)) != (str, int, int) for each in kept):
            raise TypeError("no places of records")  # noqa: TRY301 - as what `Planted` takes for none
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise CommandError(
            f"{file} cannot be read, and an audit has to know of its records: {error}"
        ) from error
    return kept


def keep_planted_records(home: Home, planted: Sequence[Planted]) -> None:
    """Replace what was kept."""
    write_private(_file(home), json.dumps([list(each) for each in planted]))


def _file(home: Home) -> Path:
    return home.data / "planted.json"
