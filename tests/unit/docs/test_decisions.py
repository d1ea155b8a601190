"""The decision records have a number each, say what they are, and stand in the index."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.documents import REPOSITORY

FOLDER = REPOSITORY / "docs" / "adr"
RECORDS = sorted(FOLDER.glob("[0-9]*.md"))


def test_no_number_is_used_twice() -> None:
    """Numbers are given out while records are written side by side, so one may be missing for a while."""
    numbers = [int(record.name[:4]) for record in RECORDS]
    assert len(numbers) == len(set(numbers)) > 20


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.stem)
def test_a_record_says_its_number_status_date_and_what_it_supersedes(record: Path) -> None:
    lines = record.read_text().splitlines()
    assert re.fullmatch(rf"# {int(record.name[:4])}\. .+", lines[0])
    assert lines[2].startswith("- Status: ")
    assert re.match(r"- Date: \d{4}-\d\d-\d\d", lines[3])
    assert lines[4].startswith("- Supersedes: ")


def test_the_index_has_every_record_by_its_title() -> None:
    index = (FOLDER / "README.md").read_text()
    for record in RECORDS:
        title = record.read_text().splitlines()[0].partition(". ")[2]
        assert f"[{title}]({record.name})" in index


def test_every_record_that_code_names_exists() -> None:
    sources = subprocess.run(
        ["git", "grep", "-hoE", r"docs/adr/[0-9]{4}[a-z0-9-]*\.md"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )  # fmt: skip
    named = set(sources.stdout.split())
    assert named
    assert {path for path in named if not (REPOSITORY / path).exists()} == set()
