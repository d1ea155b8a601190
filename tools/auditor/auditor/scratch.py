"""The scratch database: facts go in, the questions of `questions.sql` come out answered.

A file on disk, not memory: a log of millions of records is compared in the few megabytes of SQLite's page cache.
"""

import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

import msgspec

from auditor.observations import Fact
from auditor.sql import text

_HEADING = re.compile(r"^-- \[(?P<invariant>\w+)\] (?P<name>[\w-]+): (?P<meaning>.+)$", re.MULTILINE)
_ROWS_PER_INSERT = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One invariant's question: `sql` answers with a row (subject, detail) per violation."""

    invariant: str
    name: str
    meaning: str
    sql: str


def questions() -> tuple[Question, ...]:
    """Every question of `questions.sql`, in the order of the file."""
    source = text("questions")
    headings = list(_HEADING.finditer(source))
    ends = [heading.start() for heading in headings[1:]] + [len(source)]
    return tuple(
        Question(**heading.groupdict(), sql=source[heading.end() : end])
        for heading, end in zip(headings, ends, strict=True)
    )


class Scratch:
    """Facts of one audit. `add` them all, then `settle`, then ask."""

    def __init__(self, path: Path) -> None:
        """Make the tables in the new file `path`."""
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.create_function("differing", 2, _differing, deterministic=True)
        self._database.create_aggregate("sum_exact", -1, _ExactSum)  # type: ignore[arg-type]  # any number of values
        # Nothing here outlives the audit, so nothing need survive a crash.
        self._database.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + text("schema"))

    def __enter__(self) -> Self:
        """The scratch database itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self._database.close()

    def add(self, facts: Iterable[Fact]) -> int:
        """Store facts of one sort, a bounded number at a time; returns how many there were."""
        rest = iter(facts)
        added = 0
        for first in rest:
            block = [first, *islice(rest, _ROWS_PER_INSERT - 1)]
            table = _TABLE_OF[type(first).__name__]
            marks = ", ".join("?" * len(first))
            self._database.execute("BEGIN")
            self._database.executemany(f"INSERT INTO {table} VALUES ({marks})", block)  # noqa: S608  names from above
            self._database.execute("COMMIT")
            added += len(block)
        return added

    def settle(self) -> None:
        """Everything is in: make what the questions are asked of."""
        self._database.executescript(text("indexes") + text("views") + text("projections"))

    def answers(self, question: Question) -> Iterator[tuple[str, str]]:
        """Every violation as (subject, detail)."""
        for subject, detail in self._database.execute(question.sql):
            yield str(subject), str(detail)

    def counts(self) -> dict[str, int]:
        """How much was compared: an audit of nothing finds nothing."""
        return dict(self._database.execute(text("counts")))

    def execute(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement of the caller's own: how the tests plant a bug among the facts."""
        return self._database.execute(sql, values).fetchall()


@contextmanager
def scratch() -> Iterator[Scratch]:
    """Open a scratch database in a temporary directory, which goes with it."""
    with TemporaryDirectory(prefix="audit-") as directory, Scratch(Path(directory) / "facts.db") as facts:
        yield facts


_TABLE_OF = {
    "State": "state",
    "Event": "event",
    "Record": "record",
    "Log": "log",
    "History": "history",
    "Projection": "projection",
    "Counted": "counted",
    "Replica": "replica",
    "Reader": "reader",
    "Progress": "progress",
    "DeadLetter": "dead_letter",
    "SetAside": "set_aside",
    "Planted": "planted",
    "Command": "command",
}


class _ExactSum:
    """The sum of the products of its arguments: SQLite's own fails beyond 64 bits, which what somebody sends may add up to.

    Then it is its digits as text. What is no whole number counts as nothing.
    """

    def __init__(self) -> None:
        self._sum: int | None = None

    def step(self, *factors: object) -> None:
        """Take a row; one with a null counts for nothing, as in any sum."""
        if None not in factors:
            whole = [factor if isinstance(factor, int) else 0 for factor in factors]
            self._sum = (self._sum or 0) + prod(whole)

    def finalize(self) -> int | str | None:
        """The sum; null where there was nothing to add."""
        fits = self._sum is None or -(2**63) <= self._sum < 2**63
        return self._sum if fits else str(self._sum)


def _differing(ours: str | None, theirs: str | None) -> str:
    """Name the fields in which two JSON objects differ, with both values; of anything else give both texts."""
    try:
        left, right = (msgspec.json.decode(body or "", type=dict[str, Any]) for body in (ours, theirs))
    except (msgspec.MsgspecError, RecursionError):
        return f"{ours} ≠ {theirs}"
    fields = [name for name in dict.fromkeys(chain(left, right)) if left.get(name) != right.get(name)]
    return ", ".join(f"{name} {left.get(name)!r} ≠ {right.get(name)!r}" for name in fields)
