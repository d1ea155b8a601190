"""What the last audit found, for Prometheus: a file, as the textfile collector of its node_exporter takes it."""

import time
from collections.abc import Callable
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from auditor.report import Report


def registry_of(report: Report | None, *, at: float) -> CollectorRegistry:
    """The metrics of an audit that ended `at` (seconds since 1970); None for one that could not read every side."""
    registry = CollectorRegistry()

    def gauge(name: str, text: str) -> Gauge:
        return Gauge(name, text, registry=registry)

    gauge("audit_ended_timestamp_seconds", "When the last audit ended").set(at)
    gauge("audit_complete", "1 when the last audit could read every side, 0 when it could not").set(
        report is not None
    )
    if report is not None:
        violations = sum(finding.count for finding in report.findings)
        gauge("audit_violations", "Violations that the last audit found").set(violations)
    return registry


def write(file: Path, report: Report | None, *, clock: Callable[[], float] = time.time) -> None:
    """Put the result of an audit that has just ended into `file`, in one step. Raises `OSError`."""
    write_to_textfile(str(file), registry_of(report, at=clock()))
