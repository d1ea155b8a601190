"""`./demo audit`: the audit for a person or, with `--json`, for a machine."""

import argparse
import asyncio
import sqlite3
import sys
from pathlib import Path

import asyncpg
import msgspec
from aiokafka.errors import KafkaError

from launcher.audit.auditor import audit
from launcher.audit.journal import read_journal
from launcher.audit.running import running_stack
from launcher.audit.target import Target
from launcher.audit.topics import TopicStalledError
from launcher.control import NotRunningError

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


def run(args: argparse.Namespace) -> int:
    """Exit code 0: every invariant holds; 1: violations, printed; 2: a side could not be read."""
    try:
        commands = tuple(read_journal(args.journal)) if args.journal else ()
        report = asyncio.run(audit(Target.of(running_stack()), commands=commands, wait_s=args.wait))
    except _UNREADABLE as error:
        print(f"audit: {type(error).__name__}: {error}", file=sys.stderr)
        return _NO_AUDIT
    print(msgspec.json.encode(report.as_json()).decode() if args.json else report)
    return _CLEAN if report.clean else _VIOLATIONS
