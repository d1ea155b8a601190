"""The connectors of several files: which of them is wrong, and all that is wrong with any."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from sink_connector.errors import ConfigError

Made = TypeVar("Made")


def of_each(
    files: Sequence[Path], make: Callable[[Path], Made], *, name_of: Callable[[Made], str]
) -> list[Made]:
    """What `make` makes of each file. `name_of` tells the connector's name by it; no two may have the same.

    Raises:
        ConfigError: With what is wrong with every file; where there are several, each key stands behind its file's name.
    """
    problems: dict[str, list[str]] = {}
    found: dict[str, tuple[Path, Made]] = {}
    for file in files:
        wrong: dict[str, list[str]] = {}
        try:
            made = make(file)
        except ConfigError as error:
            wrong = error.problems
        else:
            name = name_of(made)
            if name in found:
                wrong = {"name": [f"is {name!r}, and so it is in {found[name][0]}"]}
            found[name] = (file, made)
        for key, said in wrong.items():
            is_told = len(files) == 1 or key == str(file)
            problems.setdefault(key if is_told else f"{file}: {key}", []).extend(said)
    if problems:
        raise ConfigError(problems)
    return [made for _, made in found.values()]
