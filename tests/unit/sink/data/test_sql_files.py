"""Statements by their names, and what a file may not be."""

import sys
from pathlib import Path

import pytest

from sink_connector.data import sql_files

TWO = """-- About the file.

-- name: one
-- Why it is asked.
SELECT 1;

-- About the next.
-- name: two
SELECT '--'
  -- within
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty package's name; its files are in `tmp_path`."""
    folder = tmp_path / "package_with_sql"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, folder.name, raising=False)
    return folder.name


def test_statements_come_by_name_without_their_lines_of_comment(package: str, tmp_path: Path) -> None:
    (tmp_path / package / "a.sql").write_text(TWO)
    (tmp_path / package / "b.sql").write_text("-- name: three\nSELECT 3\n")
    assert sql_files.load("a.sql", "b.sql", package=package) == {
        "one": "SELECT 1;",
        "two": "SELECT '--'\n  -- within",
        "three": "SELECT 3",
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SELECT 0;\n-- name: one\nSELECT 1;", "without a name"),
        ("-- name: one\nSELECT 1;\n-- name: one\nSELECT 2;", "called one"),
    ],
)
def test_a_statement_without_a_name_or_with_anothers_is_refused(
    package: str, tmp_path: Path, text: str, reason: str
) -> None:
    (tmp_path / package / "a.sql").write_text(text)
    with pytest.raises(ValueError, match=reason):
        sql_files.load("a.sql", package=package)
