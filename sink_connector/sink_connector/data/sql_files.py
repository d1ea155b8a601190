"""Named statements out of a `.sql` file beside the module that runs them."""

import re
from importlib.resources import files

NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def load(file: str, *, package: str) -> dict[str, str]:
    """The statements of a file by the names in their `-- name:` lines."""
    text = files(package).joinpath(file).read_text(encoding="utf-8")
    _, *parts = NAME.split(text)
    return dict(zip(parts[::2], (part.strip() for part in parts[1::2]), strict=True))
