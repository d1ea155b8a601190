"""An audit of the stack in containers."""

import asyncio
import time
from collections.abc import Iterable, Sequence

from auditor.audit import audit
from auditor.observations import Command, Planted
from auditor.report import Report
from demo.compose.stack import ComposeStack

_PAUSE_S = 1.0


async def audit_containers(
    stack: ComposeStack,
    *,
    commands: Iterable[Command] = (),
    planted: Sequence[Planted] = (),
    wait_s: float = 0.0,
) -> Report:
    """`audit` with a new look at the databases each time, since one in a file is read as a copy."""
    journal = tuple(commands)
    deadline = time.monotonic() + wait_s
    while True:
        async with stack.target() as target:
            report = await audit(target, commands=journal, planted=planted)
        if report.clean or time.monotonic() >= deadline:
            return report
        await asyncio.sleep(_PAUSE_S)
