"""The outbox as it is read: records in commit order and places between them.

What there is one of for every record is a tuple, which is made in a third of a data class's time.
"""

from dataclasses import dataclass
from typing import NamedTuple

UNREADABLE = "unreadable: "


class LogPosition(NamedTuple):
    """A place in the outbox. `xid` is the writing transaction on PostgreSQL and 0 on SQLite."""

    xid: int = 0
    id: int = 0


class LoggedRecord(NamedTuple):
    """A record as it goes to Kafka, but for its topic's partition."""

    position: LogPosition
    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    defect: str | None = None
    """Why this is no record that Kafka could be given, whatever the other fields hold."""


class RecordAside(NamedTuple):
    """A record that was set aside. `mark` finds its row again, `place` is its turn among those of its topic."""

    mark: str
    place: LogPosition
    record: LoggedRecord


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that Kafka does not take, for now or for good, and why. Others are not concerned.

    The reason of one that cannot even be sent begins with `UNREADABLE`.
    """

    record: LoggedRecord
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OldestPending:
    """The oldest record that is not in Kafka: when it was committed (milliseconds since 1970) and what holds it up."""

    committed_at: int
    topic: str
    held_back: bool
    """An open transaction of the database server keeps it from being read."""
    set_aside: str | None
    """Why Kafka does not take it; None when its turn has not come."""
