"""What the sink can be run against is run against every week, and `docs/support.md` says what came of it."""

import re
from pathlib import Path

import pytest
import yaml

from tests.support.other_servers import KAFKAS, POSTGRESES

REPOSITORY = Path(__file__).parents[3]
SUPPORT = (REPOSITORY / "docs" / "support.md").read_text(encoding="utf-8")


def first_cells(title: str) -> list[str]:
    """What stands first in each row below a heading."""
    section = SUPPORT.partition(f"## {title}\n")[2].partition("\n## ")[0]
    return [line.split("|")[1].strip() for line in section.splitlines() if line.startswith("|")]


@pytest.mark.parametrize(("title", "lines"), [("Kafka", KAFKAS), ("PostgreSQL", POSTGRESES)])
def test_every_line_has_a_row_of_what_was_run(title: str, lines: dict[str, str]) -> None:
    cells = first_cells(title)
    assert [line for line in lines if not any(re.match(rf"{line}\b", cell) for cell in cells)] == []


@pytest.mark.parametrize(("name", "lines"), [("kafka", KAFKAS), ("postgres", POSTGRESES)])
def test_every_line_is_run_each_week(name: str, lines: dict[str, str]) -> None:
    workflow = yaml.safe_load(
        (REPOSITORY / ".github" / "workflows" / "support.yml").read_text(encoding="utf-8")
    )
    jobs = workflow["jobs"]["versions"]["strategy"]["matrix"]["include"]
    assert {job[name] for job in jobs} - {""} == lines.keys()
