"""`./demo logs [PART] [-f] [--trace ID]`: the supervisor's event log and what each part writes."""

import argparse
import json
import re
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from demo.home import Home
from demo.running_stack import running_record
from devservers.process import tail

POLL_S = 0.25
_TRACE = re.compile(r"(?:[0-9a-f]{2}-)?([0-9a-f]{32})(?:-[0-9a-f]{16}-[0-9a-f]{2})?")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `logs`."""
    parser.add_argument(
        "part", nargs="?", help="one part's log; that of `supervisor` has starts, deaths and restarts"
    )
    parser.add_argument("-f", "--follow", action="store_true", help="print what is added until Ctrl-C")
    parser.add_argument(
        "-n", "--lines", type=_count, help="number of last lines (20 of each part; all of a single one)"
    )
    parser.add_argument(
        "--trace",
        metavar="ID",
        type=_trace_id,
        help="only what belongs to one trace, of all parts, in the order of time; `./demo trace ORDER_ID` names it",
    )


def run(args: argparse.Namespace) -> int:
    """0, also after Ctrl-C; 1 when there is no such log. Raises NotRunningError when there is none at all."""
    home = Home.from_environment()
    if not any(home.logs.glob("*.log")):
        running_record(home)
    logs = sorted(home.logs.glob("*.log"), key=lambda log: (log.stem != "supervisor", log.stem))
    if args.part:
        logs = [log for log in logs if log.stem == args.part]
        if not logs:
            names = ", ".join(sorted(log.stem for log in home.logs.glob("*.log"))) or "none yet"
            print(f"demo logs: no log of {args.part!r}; there are: {names}", file=sys.stderr)
            return 1
    if args.trace:
        for line in of_trace(logs, args.trace):
            print(line)
        return 0
    tails = [Tail(log, prefix="" if args.part else f"{log.stem:<16}│ ") for log in logs]
    for one in tails:
        one.show_last(args.lines or (sys.maxsize if args.part else 20))
    if args.follow:
        _follow(tails)
    return 0


def of_trace(logs: Iterable[Path], trace_id: str) -> list[str]:
    """The JSON lines of one trace in the order of their `timestamp`, each with the part that wrote it."""
    found = []
    for log in logs:
        with log.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if trace_id not in line:
                    continue
                try:
                    told = json.loads(line)
                except ValueError:
                    continue
                if isinstance(told, dict) and told.get("trace_id") == trace_id:
                    found.append((str(told.get("timestamp", "")), f"{log.stem:<16}│ {line.rstrip()}"))
    return [line for _, line in sorted(found)]


def _trace_id(text: str) -> str:
    found = _TRACE.fullmatch(text.strip().lower())
    if found is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no trace's id: 32 hexadecimal digits, or a traceparent"
        )
    return found[1]


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of lines")
    return int(text)


@dataclass(slots=True)
class Tail:
    """A log and how much of it has been shown."""

    log: Path
    prefix: str
    position: int = 0

    def show_last(self, lines: int) -> None:
        """Print the last `lines` lines."""
        self.position = self.log.stat().st_size
        text = self.log.read_text(errors="replace") if lines == sys.maxsize else tail(self.log, lines)
        for line in text.splitlines():
            print(self.prefix + line)

    def show_new(self) -> None:
        """Print the whole lines added since; from the start when the file was replaced."""
        if not self.log.exists():
            return
        if self.log.stat().st_size < self.position:
            self.position = 0
        with self.log.open("rb") as file:
            file.seek(self.position)
            added = file.read()
        whole = added[: added.rfind(b"\n") + 1]
        self.position += len(whole)
        for line in whole.decode(errors="replace").splitlines():
            print(self.prefix + line, flush=True)


def _follow(tails: Iterable[Tail]) -> None:
    try:
        while True:
            for one in tails:
                one.show_new()
            time.sleep(POLL_S)
    except KeyboardInterrupt:  # how it ends
        return
