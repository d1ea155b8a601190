"""Named statements out of the `.sql` files beside the module that runs them."""

import re
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def load(*names: str, package: str) -> dict[str, str]:
    """The statements of these files by the names in their `-- name:` lines, without their lines of comment.

    Raises:
        ValueError: a statement without a name, or a name given twice.
    """
    statements: dict[str, str] = {}
    for file in names:
        before, *parts = _NAME.split(files(package).joinpath(file).read_text(encoding="utf-8"))
        if _without_comments(before):
            raise ValueError(f"{file}: a statement without a name")
        for name, text in zip(parts[::2], parts[1::2], strict=True):
            if name in statements:
                raise ValueError(f"{file}: two statements are called {name}")
            statements[name] = _without_comments(text)
    return statements


def _without_comments(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.startswith("--")).strip()
