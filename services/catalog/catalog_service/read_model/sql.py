"""Named statements: each `.sql` file holds statements headed by `-- name: <name>` and whatever explains them."""

import re
from importlib.resources import files

_HEADER = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def load_statements(package: str, file: str) -> dict[str, str]:
    """Statements of `file` in `package`, by name.

    Raises:
        ValueError: text before the first name, or a name given twice.
    """
    before, *parts = _HEADER.split(files(package).joinpath(file).read_text(encoding="utf-8"))
    if any(line and not line.startswith("--") for line in before.splitlines()):
        raise ValueError(f"{file}: a statement without a name")
    statements: dict[str, str] = {}
    for name, text in zip(parts[::2], parts[1::2], strict=True):
        if name in statements:
            raise ValueError(f"{file}: two statements are called {name}")
        statements[name] = text.strip()
    return statements
