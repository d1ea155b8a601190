"""Audits at intervals: what is served is the last verdict, and a system at work is not judged by what is on its way."""

import asyncio
from collections.abc import Iterator, Sequence

import pytest
from prometheus_client import CollectorRegistry

from auditor import Report, Target, unattended
from auditor.observations import Log
from auditor.report import Finding
from auditor.scratch import questions
from auditor.unattended import LastAudit, NotQuietError, judged, keep_auditing

TARGET = Target(write_databases={}, read_dsn="", bootstrap="")
CLEAN = Report(counts={}, findings=(), asked=1)
BAD = Report(counts={}, findings=(Finding(question=questions()[0], count=3, samples=()),), asked=1)


async def served(outcomes: Sequence[Report | Exception]) -> list[dict[str, float]]:
    """The samples after each of the audits."""
    last, registry = LastAudit(clock=lambda: 7.0), CollectorRegistry()
    registry.register(last)
    told: list[dict[str, float]] = []
    coming: Iterator[Report | Exception] = iter(outcomes)

    async def audited() -> Report:
        outcome = next(coming)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    async def sleep(_seconds: float) -> None:
        told.append({sample.name: sample.value for metric in registry.collect() for sample in metric.samples})
        if len(told) == len(outcomes):
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await keep_auditing(audited, last, every_s=300, sleep=sleep)
    return told


async def test_the_last_verdict_is_served_and_none_before_the_first() -> None:
    first, second, third, fourth = await served([NotQuietError(), BAD, NotQuietError(), CLEAN])
    assert first == {}
    assert second == {"audit_ended_timestamp_seconds": 7, "audit_complete": 1, "audit_violations": 3}
    assert third == second
    assert fourth == second | {"audit_violations": 0}


async def test_a_side_that_could_not_be_read_is_told_and_the_next_audit_is_made() -> None:
    away, back = await served([OSError("away"), CLEAN])
    assert away == {"audit_ended_timestamp_seconds": 7, "audit_complete": 0}
    assert back["audit_complete"] == 1


@pytest.mark.parametrize(
    ("found", "grown", "judges"), [(BAD, True, False), (BAD, False, True), (CLEAN, True, True)]
)
async def test_what_is_found_while_topics_grow_is_no_verdict(
    *, found: Report, grown: bool, judges: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = iter([[Log("orders", 0, 0, 5)], [Log("orders", 0, 0, 6 if grown else 5)]])

    async def partition_ends(_target: Target) -> list[Log]:
        return next(ends)

    async def audit(_target: Target, *, wait_s: float) -> Report:
        assert wait_s == 60
        return found

    monkeypatch.setattr(unattended, "partition_ends", partition_ends)
    monkeypatch.setattr(unattended, "audit", audit)
    if judges:
        assert await judged(TARGET, wait_s=60) is found
    else:
        with pytest.raises(NotQuietError):
            await judged(TARGET, wait_s=60)
