"""The page on semantics beside the JDBC sinks names cases that exist, and names them all."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache

from tests.integration.sink.field_cases.test_field_cases import CASES
from tests.support.documents import REPOSITORY

PAGE = REPOSITORY / "docs" / "connect-semantics.md"
TESTS = REPOSITORY / "tests"
SUITES = ("integration", "contract", "unit")
NAMES = {case.name for case in CASES}
JUDGEMENTS = 15
_TEST = re.compile(r"^(?:async )?def (\w+)\(", re.MULTILINE)


def spans(text: str) -> list[str]:
    """What stands between backticks."""
    return re.findall(r"`([^`\n]+)`", text)


def patterns(text: str) -> list[str]:
    """The names of cases, in which a star stands for anything."""
    return [span.removeprefix("case: ") for span in spans(text) if span.startswith("case: ")]


def cited_tests(text: str) -> list[tuple[str, str]]:
    return [(file, name) for file, _, name in (span.partition(".py::") for span in spans(text)) if name]


def cases_named(pattern: str) -> set[str]:
    """The cases that a name with its stars stands for."""
    return {name for name in NAMES if fnmatchcase(name, pattern.replace("[", "[[]"))}


def rows(text: str) -> Iterator[list[str]]:
    """The rows of the tables, without their heads."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0]:
            yield cells


@cache
def found_in(file: str) -> set[str]:
    """The tests in the sink's modules of that name."""
    modules = [found for suite in SUITES for found in (TESTS / suite / "sink").rglob(f"{file}.py")]
    return {name for each in modules for name in _TEST.findall(each.read_text())}


TEXT = PAGE.read_text()


def test_every_case_that_is_named_exists() -> None:
    assert [pattern for pattern in patterns(TEXT) if not cases_named(pattern)] == []


def test_every_test_that_is_named_exists() -> None:
    assert [(file, name) for file, name in cited_tests(TEXT) if name not in found_in(file)] == []


def test_every_case_from_the_field_is_named() -> None:
    assert NAMES - {name for pattern in patterns(TEXT) for name in cases_named(pattern)} == set()


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
    assert cases_named("a case that nobody wrote") == set()
    assert "test_that_nobody_wrote" not in found_in("test_modes") != set()
