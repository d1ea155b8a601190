"""The SQL of this package, from the files beside it."""

import re
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def text(name: str, *, package: str = __package__) -> str:
    """`name`.sql of `package` as it stands."""
    return files(package).joinpath(f"{name}.sql").read_text(encoding="utf-8")


def statements(name: str, *, package: str = __package__) -> dict[str, str]:
    """The statements of `name`.sql in `package`, each headed by a line `-- name: …`."""
    _preamble, *rest = _NAME.split(text(name, package=package))
    return dict(zip(rest[::2], rest[1::2], strict=True))
