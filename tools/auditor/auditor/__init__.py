"""The auditor: does every side of the system hold the same truth?

It reads the write databases, the topics and the read database into a scratch database of plain facts and asks it one
SQL question per invariant (`questions.sql`). Tests that inject a fault end with

    report = await audit(target, commands=journal, wait_s=60)
    assert report.clean, report
"""

from auditor.audit import audit
from auditor.diff import audit_copy
from auditor.observations import Command, canonical
from auditor.report import Report
from auditor.target import Target

__all__ = ["Command", "Report", "Target", "audit", "audit_copy", "canonical"]
