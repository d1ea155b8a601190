"""The page of conformance is what was recorded, and nothing of it is left out."""

import ast
import json
import sys
import tomllib
from pathlib import Path

import pytest

from connect_conformance import bench
from connect_conformance.cli import main
from connect_conformance.rules import RULES
from tests.conformance.record import CALLED, DOCUMENT, RESULTS, document

PACKAGE = Path(bench.__file__).parent


def test_the_page_is_made_of_what_was_recorded() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document()


@pytest.mark.parametrize("kind", CALLED)
def test_what_was_recorded_are_rules_that_there_are(kind: str) -> None:
    recorded = json.loads((RESULTS / f"{kind}.json").read_text(encoding="utf-8"))
    assert list(recorded["results"]) == [rule.number for rule in RULES if rule.number in recorded["results"]]


def test_every_rule_was_put_to_this_sink() -> None:
    recorded = json.loads((RESULTS / "ours.json").read_text(encoding="utf-8"))
    assert list(recorded["results"]) == [rule.number for rule in RULES]


def test_every_rule_has_a_number_and_a_source_of_its_own_account() -> None:
    assert len({rule.number for rule in RULES}) == len(RULES)
    assert all("https://" in rule.source or "KIP-" in rule.source for rule in RULES)


def test_the_battery_uses_what_its_package_names_and_nothing_of_what_it_asks() -> None:
    described = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))
    used = {
        name.partition(".")[0]
        for file in PACKAGE.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        for name in _imported(node)
    }
    assert used - sys.stdlib_module_names - {PACKAGE.name} == set(described["project"]["dependencies"])


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [each.name for each in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def test_the_rules_are_listed_without_a_server(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    said = capsys.readouterr().out
    assert all(rule.number in said and rule.source in said for rule in RULES)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ([], "--rest, --bootstrap, --database: needed"),
        (["--rule", "X-1", "--list"], "no rule is called X-1"),
    ],
)
def test_what_is_asked_for_wrongly_is_said(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(words)
    assert complaint in capsys.readouterr().err
