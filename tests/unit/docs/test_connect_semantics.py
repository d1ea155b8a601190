"""The page on semantics beside the JDBC sinks names cases that exist, and names them all."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.integration.sink.field_cases.test_field_cases import CASES
from tests.support.documents import REPOSITORY

PAGE = REPOSITORY / "docs" / "connect-semantics.md"
SUITES = ("integration", "contract", "unit")
NAMES = {case.name for case in CASES}
JUDGEMENTS = 15


def spans(text: str) -> list[str]:
    """What stands between backticks."""
    return re.findall(r"`([^`\n]+)`", text)


def patterns(text: str) -> list[str]:
    """The names of cases, in which a star stands for anything."""
    return [span.removeprefix("case: ") for span in spans(text) if span.startswith("case: ")]


def cited_tests(text: str) -> list[tuple[str, str]]:
    return [(file, name) for file, _, name in (span.partition(".py::") for span in spans(text)) if name]


def is_a_case(pattern: str) -> bool:
    return any(fnmatchcase(name, pattern.replace("[", "[[]")) for name in NAMES)


def rows(text: str) -> Iterator[list[str]]:
    """The rows of the tables, without their heads."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0]:
            yield cells


def has_test(file: str, name: str) -> bool:
    found: list[Path] = []
    for suite in SUITES:
        found += (REPOSITORY / "tests" / suite / "sink").rglob(f"{file}.py")
    return any(re.search(rf"^(async )?def {name}\(", path.read_text(), re.MULTILINE) for path in found)


TEXT = PAGE.read_text()


@pytest.mark.parametrize("pattern", sorted(set(patterns(TEXT))))
def test_a_case_that_is_named_exists(pattern: str) -> None:
    assert is_a_case(pattern)


@pytest.mark.parametrize(("file", "name"), sorted(set(cited_tests(TEXT))))
def test_a_test_that_is_named_exists(file: str, name: str) -> None:
    assert has_test(file, name)


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_case_from_the_field_is_named(name: str) -> None:
    assert any(fnmatchcase(name, pattern.replace("[", "[[]")) for pattern in patterns(TEXT))


def test_every_row_has_its_case_and_a_word_on_each_peer() -> None:
    found = list(rows(TEXT))
    assert found
    for cells in found:
        assert len(cells) == 6, cells
        assert all(cells), cells
        assert patterns(cells[-1]) or cited_tests(cells[-1]), cells


def test_every_judgement_has_its_case() -> None:
    calls = re.split(r"^\d+\. ", TEXT.partition("\n## Judgement calls\n")[2], flags=re.MULTILINE)[1:]
    assert len(calls) == JUDGEMENTS
    assert all(patterns(call) for call in calls)


def test_a_case_that_is_not_there_is_noticed() -> None:
    assert not is_a_case("a case that nobody wrote")
    assert not has_test("test_modes", "test_that_nobody_wrote")
