"""Runs of pytest beside each other."""

import pytest

from demo.cli import suites


def test_pytests_beside_each_other_are_told_of_in_turn_and_each_code_counts(
    capfd: pytest.CaptureFixture[str],
) -> None:
    versions = [["--version"], ["--no-such-option"], ["-VV"]]
    first, second, third = suites._run(versions)  # noqa: SLF001 - the one place where processes are started
    assert (first, third) == (0, 0)
    assert second not in (0, suites.NOTHING_TO_RUN, suites.INTERRUPTED)
    said = capfd.readouterr().out
    assert said.index("--no-such-option") < said.rindex("pytest")
