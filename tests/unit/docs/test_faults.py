"""docs/faults.md names every fault, with tests that exist and can fail, or says that it is open."""

import pytest

from demo.chaos.schedule import DEFAULT
from tests.support.documents import REPOSITORY
from tests.support.fault_matrix import FAULTS, Fault
from tests.support.faults import DOCUMENT, GOALS_S, document
from tests.unit.docs.test_guarantees import proofs

INVARIANTS = {"ACK", "VER", "SUM", "STOCK", "ACCT", "LIVE", "RYW", "ALIVE", "MONO"}


def test_the_tables_are_what_the_tests_and_the_committed_runs_say() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert document(text) == text, "run `.venv/bin/python -m tests.support.faults`"


def test_each_fault_with_a_goal_is_one_that_can_be_thrown() -> None:
    assert GOALS_S.keys() <= set(DEFAULT)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_decided_by_invariants_and_shown_by_tests_that_can_fail_or_is_open(fault: Fault) -> None:
    assert fault.invariants
    assert {*fault.invariants} <= INVARIANTS
    assert fault.tests or fault.open
    for test in fault.tests:
        path = test.partition("::")[0]
        assert (REPOSITORY / path).is_file(), test
        found = proofs(path, (REPOSITORY / path).read_text(encoding="utf-8"))
        assert test in found, f"{test} is not there"
        assert found[test].can_fail, f"{test} cannot fail"
