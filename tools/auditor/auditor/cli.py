"""`./demo audit`: the audit for a person or, with `--json`, for a machine."""

import argparse
import asyncio
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import msgspec
from aiokafka.errors import KafkaError

from auditor.audit import audit
from auditor.journal import read_journal
from auditor.observations import Command
from auditor.report import Report
from auditor.sources.topics import TopicStalledError
from auditor.target import Target
from demo.running_stack import running_stack
from demo.supervisor.control import NotRunningError

_CLEAN, _VIOLATIONS, _NO_AUDIT = 0, 1, 2
_UNREADABLE = (
    NotRunningError,
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    sqlite3.Error,
    KafkaError,
    TopicStalledError,
    msgspec.MsgspecError,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `audit`."""
    parser.add_argument(
        "--wait", type=float, default=10.0, metavar="S",
        help="seconds the system is given to become quiet; an audit that finds something is repeated until then (10)",
    )  # fmt: skip
    parser.add_argument(
        "--journal",
        type=Path,
        metavar="FILE",
        help="also check the commands that `load --journal FILE` wrote down",
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.add_argument("--compose", action="store_true", help="audit the stack in containers")


def run(args: argparse.Namespace) -> int:
    """Exit code 0: every invariant holds; 1: violations, printed; 2: a side could not be read."""
    try:
        commands = tuple(read_journal(args.journal)) if args.journal else ()
        report = asyncio.run(_audit(commands, wait_s=args.wait, compose=args.compose))
    except _UNREADABLE as error:
        print(f"audit: {type(error).__name__}: {error}", file=sys.stderr)
        return _NO_AUDIT
    print(msgspec.json.encode(report.as_json()).decode() if args.json else report)
    return _CLEAN if report.clean else _VIOLATIONS


async def _audit(commands: Sequence[Command], *, wait_s: float, compose: bool) -> Report:
    if not compose:
        return await audit(Target.of(running_stack()), commands=commands, wait_s=wait_s)
    from demo.compose.auditing import audit_containers  # noqa: PLC0415  it is built upon this package
    from demo.compose.stack import ComposeStack  # noqa: PLC0415  likewise

    return await audit_containers(ComposeStack.running(), commands=commands, wait_s=wait_s)
