"""The last audit's result, as Prometheus reads it from a file."""

import argparse
import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from auditor import Command, Report, cli
from auditor.report import Finding
from auditor.scratch import questions


def told(file: Path) -> dict[str, float]:
    """The samples of the file."""
    families = text_string_to_metric_families(file.read_text())
    return {sample.name: sample.value for family in families for sample in family.samples}


def audited(file: Path, found: Report | Exception) -> int:
    """The exit code of an audit with `--metrics` that ends so."""
    parser = argparse.ArgumentParser()
    cli.add_arguments(parser)

    async def audit(_commands: Sequence[Command], _wait_s: float) -> Report:
        if isinstance(found, Exception):
            raise found
        return found

    return cli.run(parser.parse_args(["--metrics", str(file)]), audit)


def report(*counts: int) -> Report:
    """So many violations of each question."""
    findings = (
        Finding(question=question, count=count, samples=())
        for question, count in zip(questions(), counts, strict=False)
    )
    return Report(counts={}, findings=tuple(findings), asked=len(questions()))


def test_a_clean_audit_has_no_violations_and_says_when_it_ended(tmp_path: Path) -> None:
    file = tmp_path / "audit.prom"
    assert audited(file, report()) == cli.CLEAN
    found = told(file)
    assert (found["audit_violations"], found["audit_complete"]) == (0, 1)
    assert found["audit_ended_timestamp_seconds"] > 1.7e9


def test_all_violations_of_all_questions_are_one_number(tmp_path: Path) -> None:
    file = tmp_path / "audit.prom"
    assert audited(file, report(3, 4)) == cli.VIOLATIONS
    assert told(file)["audit_violations"] == 7
    assert audited(file, report()) == cli.CLEAN
    assert told(file)["audit_violations"] == 0


def test_an_audit_that_could_not_read_a_side_claims_nothing_of_violations(tmp_path: Path) -> None:
    file = tmp_path / "audit.prom"
    audited(file, report(3))
    assert audited(file, OSError("the database is away")) == cli.NO_AUDIT
    found = told(file)
    assert found["audit_complete"] == 0
    assert "audit_violations" not in found


def test_a_result_that_cannot_be_written_is_said_and_changes_no_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audited(tmp_path / "nowhere" / "audit.prom", report()) == cli.CLEAN
    assert "could not be written" in capsys.readouterr().err


def test_a_verdict_that_cannot_be_printed_is_told_nevertheless(tmp_path: Path) -> None:
    file = tmp_path / "audit.prom"
    reading, writing = os.pipe()
    os.close(reading)
    with (
        pytest.raises(BrokenPipeError),
        os.fdopen(writing, "w", buffering=1) as unread,
        contextlib.redirect_stdout(unread),
    ):
        audited(file, report(3))
    assert told(file)["audit_violations"] == 3
