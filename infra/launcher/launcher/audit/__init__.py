"""The auditor: does every side of the system hold the same truth?

It reads the write databases, the topics and the read database into a scratch database of plain facts and asks it one
SQL question per invariant (`questions.sql`). Tests that inject a fault end with

    report = await audit(target, commands=journal, wait_s=60)
    assert report.clean, report
"""

from launcher.audit.auditor import audit
from launcher.audit.command import add_arguments, run
from launcher.audit.facts import Command, canonical
from launcher.audit.picture import audit_picture
from launcher.audit.report import Report
from launcher.audit.target import Target

__all__ = ["Command", "Report", "Target", "add_arguments", "audit", "audit_picture", "canonical", "run"]
