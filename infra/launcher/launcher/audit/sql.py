"""The SQL of this package, from the files beside it."""

import re
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def text(name: str) -> str:
    """`name`.sql as it stands."""
    return files(__package__).joinpath(f"{name}.sql").read_text(encoding="utf-8")


def statements(name: str) -> dict[str, str]:
    """The statements of `name`.sql, each headed by a line `-- name: …`."""
    _preamble, *rest = _NAME.split(text(name))
    return dict(zip(rest[::2], rest[1::2], strict=True))
