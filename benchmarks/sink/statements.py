"""The SQL of this benchmark: one statement per file in `sql/`."""

from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "sql"


@cache
def statement(name: str) -> str:
    """Text of `sql/<name>.sql`."""
    return (_FOLDER / f"{name}.sql").read_text()
