"""Audits at intervals, with what the last one found served for Prometheus: `python -m auditor.unattended TARGET.json`.

A system at work is judged when it pauses: an audit that finds something while records are still being written says
nothing, since what is on its way looks like what is lost. How old the last verdict is, is a metric too.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import NoReturn

from prometheus_client import CollectorRegistry, Metric, start_http_server
from prometheus_client.registry import Collector

from auditor import metrics
from auditor.audit import audit
from auditor.cli import INTERRUPTED, NO_AUDIT, UNREADABLE, read_target, seconds
from auditor.endings import ended_quietly
from auditor.report import Report
from auditor.sources.topics import partition_ends
from auditor.target import Target

EVERY_S = 300.0
WAIT_S = 60.0
PORT = 9095


class LastAudit(Collector):
    """The metrics of the last audit that came to a verdict; none before the first."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives seconds since 1970."""
        self._clock = clock
        self._told = CollectorRegistry()

    def tell(self, report: Report | None) -> None:
        """What an audit that has just ended found; None when it could not read every side."""
        self._told = metrics.registry_of(report, at=self._clock())

    def collect(self) -> Iterable[Metric]:
        """For a registry."""
        return self._told.collect()


class NotQuietError(Exception):
    """Something was found while records were still being written."""


async def judged(target: Target, *, wait_s: float) -> Report:
    """An audit that waits up to `wait_s` for a quiet moment.

    Raises:
        NotQuietError: it finds something, and topics have grown meanwhile.
    """
    before = await partition_ends(target)
    report = await audit(target, wait_s=wait_s)
    if not report.clean and await partition_ends(target) != before:
        raise NotQuietError
    return report


async def keep_auditing(
    audited: Callable[[], Awaitable[Report]],
    last: LastAudit,
    *,
    every_s: float,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> NoReturn:
    """Audit until cancelled, `every_s` seconds after each other; what is found is printed as well."""
    while True:
        try:
            report = await audited()
        except NotQuietError:
            print("audit: no verdict, the system was at work", flush=True)
        except UNREADABLE as error:
            print(f"audit: {str(error) or type(error).__name__}", file=sys.stderr)
            last.tell(None)
        else:
            print(f"audit: {report.asked} questions, no violation" if report.clean else report, flush=True)
            last.tell(report)
        await sleep(every_s)


def port(text: str) -> int:
    """An option's port. Raises as argparse expects."""
    value = int(text)
    if not 0 <= value < 2**16:
        raise argparse.ArgumentTypeError(f"{text} is no port")
    return value


def main(words: Sequence[str] | None = None) -> int:
    """The command line: exit code 2 for a target that cannot be read, 130 after Ctrl-C, else it goes on."""
    parser = argparse.ArgumentParser(
        prog="auditor.unattended", description="Audit at intervals; serve the last result for Prometheus."
    )
    parser.add_argument("target", type=Path, help="file as of `python -m auditor`")
    parser.add_argument("--every", type=seconds, default=EVERY_S, metavar="S", help=f"pause ({EVERY_S:.0f})")
    parser.add_argument(
        "--wait", type=seconds, default=WAIT_S, metavar="S", help=f"for a quiet moment ({WAIT_S:.0f})"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address of /metrics (127.0.0.1)")
    parser.add_argument("--port", type=port, default=PORT, help=f"and its port ({PORT})")
    args = parser.parse_args(words)
    last, registry = LastAudit(), CollectorRegistry()
    registry.register(last)
    try:
        target = read_target(args.target)
        start_http_server(args.port, addr=args.host, registry=registry)
    except (OSError, ValueError) as error:
        print(f"audit: {args.target}, {args.host}:{args.port}: {error}", file=sys.stderr)
        return NO_AUDIT
    try:
        asyncio.run(keep_auditing(lambda: judged(target, wait_s=args.wait), last, every_s=args.every))
    except KeyboardInterrupt:
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(ended_quietly(main))
