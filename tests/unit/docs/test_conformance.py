"""The page of conformance is what was recorded, and nothing of it is left out."""

import json

import pytest

from tests.conformance.record import CALLED, DOCUMENT, RESULTS, document
from tests.conformance.rules import RULES


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
