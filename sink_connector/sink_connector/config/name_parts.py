"""The parts of a table's name as a configuration writes it."""

import re

# In double quotes, or without dots but in a placeholder.
_PART = re.compile(r'"((?:[^"]|"")*)"|((?:\$\{[^{}]*\}|[^".])+)')


def name_parts(written: str) -> list[tuple[str, bool]]:
    """Each part, and whether it stands in quotes."""
    return [
        (match[1].replace('""', '"') if match[1] is not None else match[2], match[1] is not None)
        for match in _PART.finditer(written)
    ]
