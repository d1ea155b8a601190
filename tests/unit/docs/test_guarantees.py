"""Every row of the guarantees cites tests that exist, every test that proves a row cites it, and neither names anything else."""

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from tests.support.documents import REPOSITORY, documents

PAGE = REPOSITORY / "docs" / "guarantees.md"
KINDS = {"ordering", "delivery", "consistency", "isolation", "durability"}
NEVER_FAIL = {"skip", "xfail"}
_ROW = re.compile(
    r"\| (?P<number>G-[A-Z]+-[1-9]\d*) \| (?P<kind>\w+) \| (?P<promise>[^|]+) \|(?P<tests>[^|]*)\|"
)
_NUMBER = re.compile(r"\bG-[A-Z]+-\d+\b")
_CITATION = re.compile(r"`([^`]*)`")


@dataclass(frozen=True)
class Row:
    """A promise, and the tests it cites: `tests/…/test_file.py::test_name`."""

    number: str
    kind: str
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Proof:
    """A test, and the rows it cites."""

    rows: tuple[str, ...]
    can_fail: bool


def rows(page: str) -> list[Row]:
    """Raises: AssertionError for a line that begins as a row and is none."""
    found = []
    for line in page.splitlines():
        if line.startswith("| G-"):
            row = _ROW.fullmatch(line)
            assert row, f"no row: {line}"
            found.append(Row(row["number"], row["kind"], tuple(_CITATION.findall(row["tests"]))))
    return found


def proofs(path: str, source: str) -> dict[str, Proof]:
    """The tests of a module by the names that rows cite.

    Raises: AssertionError for a mark that stands on anything but a test, where no row could cite it.
    """
    module = ast.parse(source)
    found = {
        f"{path}::{node.name}": Proof(
            tuple(_cited(node)), can_fail=not NEVER_FAIL & _names(node.decorator_list)
        )
        for node in module.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }
    marks = sum(isinstance(node, ast.Attribute) and node.attr == "guarantees" for node in ast.walk(module))
    assert marks == sum(bool(proof.rows) for proof in found.values()), f"{path}: a mark on no test"
    return found


def _cited(test: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    for decorator in test.decorator_list:
        match decorator:
            case ast.Call(func=ast.Attribute(attr="guarantees"), args=arguments):
                yield from map(ast.literal_eval, arguments)


def _names(decorators: list[ast.expr]) -> set[str]:
    return {
        node.attr for each in decorators for node in ast.walk(each) if isinstance(node, ast.Attribute)
    }  # fmt: skip


def complaints(page: str, modules: Mapping[str, str]) -> list[str]:
    """What is wrong between the page and the tests: `modules` are sources by path."""
    promised = rows(page)
    known = {row.number: row for row in promised}
    tests = {name: proof for path, source in modules.items() for name, proof in proofs(path, source).items()}
    wrong = [f"{number} is there twice" for number, many in Counter(row.number for row in promised).items() if many > 1]  # fmt: skip
    for row in promised:
        wrong += [f"{row.number} is of no kind"] * (row.kind not in KINDS)
        wrong += [f"{row.number} cites no test"] * (not row.tests)
        wrong += [f"{row.number} cites {test}, which is not there" for test in row.tests if test not in tests]
        for test in tests.keys() & set(row.tests):
            wrong += [f"{test} does not cite {row.number}"] * (row.number not in tests[test].rows)
            wrong += [f"{test} cannot fail"] * (not tests[test].can_fail)
    for test, proof in tests.items():
        for number in proof.rows:
            if number not in known:
                wrong.append(f"{test} cites {number}, which is not there")
            elif test not in known[number].tests:
                wrong.append(f"{number} does not cite {test}")
    return wrong


def unknown(document: str, page: str) -> set[str]:
    """Numbers that a document mentions and the page does not have."""
    return set(_NUMBER.findall(document)) - {row.number for row in rows(page)}


def modules() -> dict[str, str]:
    """The modules of tests that cite a row or are cited by one."""
    page = PAGE.read_text()
    sources = {
        file.relative_to(REPOSITORY).as_posix(): file.read_text()
        for file in (REPOSITORY / "tests").rglob("test_*.py")
    }
    return {path: source for path, source in sources.items() if path in page or "guarantees(" in source}


def test_rows_and_tests_cite_each_other() -> None:
    page = PAGE.read_text()
    assert len(rows(page)) > 40
    assert complaints(page, modules()) == []


def test_the_documents_mention_rows_that_exist() -> None:
    page = PAGE.read_text()
    found = {document: unknown(document.read_text(), page) for document in documents()}
    assert {document: numbers for document, numbers in found.items() if numbers} == {}


FILE = "tests/test_a.py"
ONE, TWO = f"{FILE}::test_one", f"{FILE}::test_two"
GOOD_PAGE = (
    f"Rows:\n| G-A-1 | ordering | in order | `{ONE}` |\n| G-A-2 | delivery | once | `{ONE}`, `{TWO}` |\n"
)
GOOD_TESTS = """
@pytest.mark.slow
@pytest.mark.guarantees("G-A-1", "G-A-2")
def test_one(): ...

@pytest.mark.guarantees("G-A-2")
async def test_two(): ...

def test_of_something_else(): ...

def helper(): ...
"""

# Planted in the page or in the tests: what stands there, what is put there, what has to be said.
PLANTED = {
    "a row without a test": (f"`{ONE}`, `{TWO}`", "", {"G-A-2 cites no test", f"G-A-2 does not cite {ONE}", f"G-A-2 does not cite {TWO}"}),
    "a row that is gone": ("| G-A-1 | ordering", "| G-A-9 | ordering", {f"{ONE} cites G-A-1, which is not there", f"{ONE} does not cite G-A-9"}),
    "a row twice": ("| G-A-1 | ordering", f"| G-A-2 | ordering | x | `{ONE}` |\n| G-A-1 | ordering", {"G-A-2 is there twice"}),
    "a kind that is none": ("ordering", "speed", {"G-A-1 is of no kind"}),
    "a test of another name": (f"in order | `{ONE}`", f"in order | `{FILE}::test_three`",
                               {f"G-A-1 cites {FILE}::test_three, which is not there", f"G-A-1 does not cite {ONE}"}),
    "a function that is no test": (f", `{TWO}`", f", `{TWO}`, `{FILE}::helper`", {f"G-A-2 cites {FILE}::helper, which is not there"}),
    "a test that cites nothing": ('@pytest.mark.guarantees("G-A-2")\n', "", {f"{TWO} does not cite G-A-2"}),
    "a test that cites a row that is none": ('guarantees("G-A-2")', 'guarantees("G-A-2", "G-A-7")', {f"{TWO} cites G-A-7, which is not there"}),
    "a test that its row does not cite": ('guarantees("G-A-2")', 'guarantees("G-A-2", "G-A-1")', {f"G-A-1 does not cite {TWO}"}),
    "a test that does not run": ("@pytest.mark.slow", '@pytest.mark.skip(reason="later")', {f"{ONE} cannot fail"}),
}  # fmt: skip


def test_a_page_and_tests_that_agree_are_left_in_peace() -> None:
    assert complaints(GOOD_PAGE, {FILE: GOOD_TESTS}) == []
    assert unknown("See G-A-1.", GOOD_PAGE) == set()


@pytest.mark.parametrize("bug", PLANTED)
def test_what_does_not_agree_is_named(bug: str) -> None:
    there, put, said = PLANTED[bug]
    assert (GOOD_PAGE + GOOD_TESTS).count(there) == 1, "the bug is planted in one place"
    page, tests = GOOD_PAGE.replace(there, put), GOOD_TESTS.replace(there, put)
    assert set(complaints(page, {FILE: tests})) >= said


def test_what_only_looks_like_a_row_a_mark_or_a_number_is_named() -> None:
    with pytest.raises(AssertionError, match="no row"):
        complaints(GOOD_PAGE + "| G-A-3 | ordering | a cell too few |\n", {FILE: GOOD_TESTS})
    with pytest.raises(AssertionError, match="a mark on no test"):
        complaints(GOOD_PAGE, {FILE: GOOD_TESTS + 'pytestmark = pytest.mark.guarantees("G-A-1")\n'})
    assert unknown("See G-A-12.", GOOD_PAGE) == {"G-A-12"}
