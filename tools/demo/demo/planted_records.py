"""Records that a playground has put into topics on purpose: they stay there, and every later audit has to know of them."""

import json
from collections.abc import Sequence
from pathlib import Path

from auditor.observations import Planted
from demo.home import Home
from devservers.private_files import write_private


def planted_records(home: Home) -> list[Planted]:
    """Those of the stack in `home`, in the order in which they were planted; erased with its data."""
    file = _file(home)
    return [Planted(*each) for each in json.loads(file.read_text())] if file.exists() else []


def keep_planted_records(home: Home, planted: Sequence[Planted]) -> None:
    """Replace what was kept."""
    write_private(_file(home), json.dumps([list(each) for each in planted]))


def _file(home: Home) -> Path:
    return home.data / "planted.json"
