"""The audit for a person or, with `--json`, for a machine: `python -m auditor TARGET.json`.

What is audited comes from a file, because it holds passwords, which have no place on a command line.
"""

import argparse
import asyncio
import json
import sqlite3
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import asyncpg
import msgspec
from aiokafka.errors import KafkaError

from auditor import metrics
from auditor.audit import audit
from auditor.journal import read_journal
from auditor.observations import Command
from auditor.report import Report
from auditor.sources.topics import TopicStalledError
from auditor.target import Target

CLEAN, VIOLATIONS, NO_AUDIT, INTERRUPTED = 0, 1, 2, 130
UNREADABLE = (
    OSError,
    TimeoutError,
    ValueError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    sqlite3.Error,
    KafkaError,
    TopicStalledError,
)

Audit = Callable[[Sequence[Command], float], Awaitable[Report]]
"""Audits with a journal's commands, giving the system so many seconds to become quiet."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of an audit."""
    parser.add_argument(
        "--wait", type=seconds, default=10.0, metavar="S",
        help="seconds the system is given to become quiet; an audit that finds something is repeated until then (10)",
    )  # fmt: skip
    parser.add_argument(
        "--journal",
        type=Path,
        metavar="FILE",
        help="also check the commands that `load --journal FILE` wrote down",
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.add_argument(
        "--metrics",
        type=Path,
        metavar="FILE",
        help="also write the result there for Prometheus, by the textfile collector of node_exporter",
    )


def run(args: argparse.Namespace, audit_with: Audit) -> int:
    """Audit and print. Exit code 0: every invariant holds; 1: violations; 2: a side could not be read; 130: Ctrl-C."""
    try:
        commands = tuple(read_journal(args.journal)) if args.journal else ()
        report = asyncio.run(_audited(audit_with, commands, args.wait))
    except BrokenPipeError:  # an OSError that is not about a side
        raise
    except UNREADABLE as error:
        _tell(args.metrics, None)
        print(f"audit: {str(error) or type(error).__name__}", file=sys.stderr)
        return NO_AUDIT
    except KeyboardInterrupt:
        print("audit: interrupted; nothing was changed", file=sys.stderr)
        return INTERRUPTED
    _tell(args.metrics, report)  # first: the report may be on its way to a full disk
    print(msgspec.json.encode(report.as_json()).decode() if args.json else report)
    return CLEAN if report.clean else VIOLATIONS


def read_target(file: Path) -> Target:
    """What a file says is to be audited. Raises `OSError`, `ValueError`."""
    return Target.from_json(json.loads(file.read_text(encoding="utf-8")))


def main(words: Sequence[str] | None = None) -> int:
    """The command line of this package alone."""
    parser = argparse.ArgumentParser(
        prog="auditor", description="Compare every database and topic, row by row."
    )
    parser.add_argument(
        "target", type=Path,
        help="file with the JSON object {write_databases: {instance: URL}, read_dsn, bootstrap, topic_prefix}",
    )  # fmt: skip
    add_arguments(parser)
    args = parser.parse_args(words)
    try:
        target = read_target(args.target)
    except (OSError, ValueError) as error:
        print(f"audit: {args.target}: {error}", file=sys.stderr)
        return NO_AUDIT
    return run(args, lambda commands, wait_s: audit(target, commands=commands, wait_s=wait_s))


def seconds(text: str) -> float:
    """An option's seconds, 0 or more. Raises as argparse expects."""
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds")
    return value


def _tell(file: Path | None, report: Report | None) -> None:
    if file is None:
        return
    try:
        metrics.write(file, report)
    except OSError as error:
        print(f"audit: {file} could not be written: {error}", file=sys.stderr)


async def _audited(audit_with: Audit, commands: Sequence[Command], wait_s: float) -> Report:
    return await audit_with(commands, wait_s)
