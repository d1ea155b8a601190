"""Reading the outbox in commit order. What that means differs between the databases; the two outbox.sql say how."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import structlog

from order_service.adapters.mappers import Row
from order_service.adapters.storage import Database
from order_service.service_layer.apply_once import MOST_REASON, printable
from order_service.service_layer.outbox_log import (
    UNREADABLE,
    LoggedRecord,
    LogPosition,
    OldestPending,
    RecordAside,
)

log = structlog.get_logger()

_headers = msgspec.json.Decoder(dict[str, str]).decode
MOST_TOPIC = 250
"""Characters of a name that no topic has; one more than a topic's name may have."""
_TOPIC = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9._-]{1,249}")


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxReader:
    """`instance` goes into each record's `ce_id`, `<instance>:<row number>`. Raises `StorageUnavailableError`."""

    database: Database
    instance: str

    async def after(self, position: LogPosition, *, limit: int) -> list[LoggedRecord]:
        """At most `limit` records after `position`, in commit order; none may appear between them later."""
        rows = await self.database.log_rows("outbox_after", position.xid, position.id, limit)
        return self._records(rows)

    async def pending(self, position: LogPosition) -> int:
        """How many records wait behind `position`."""
        rows = await self.database.log_rows("outbox_pending", position.xid, position.id)
        count: int = rows[0][0]
        return count

    async def oldest(self, position: LogPosition) -> OldestPending | None:
        """The oldest record that is not in Kafka: behind `position`, or set aside."""
        waiting = await self.database.rows("outbox_oldest", position.xid, position.id)
        aside = await self.database.rows("set_aside_oldest")
        found = [
            OldestPending(
                committed_at=_committed_at(headers), topic=topic, held_back=bool(held), set_aside=None
            )
            for topic, headers, held in waiting
        ]
        found.extend(
            OldestPending(committed_at=_committed_at(headers), topic=topic, held_back=False, set_aside=reason)
            for topic, headers, reason in aside
        )
        return min(found, key=lambda each: each.committed_at, default=None)

    async def relayed(self, relay: str) -> LogPosition:
        """Where `relay` stored that everything before is in Kafka; the beginning, if it never did.

        A position where no relay can be is forgotten: what was sent before is sent again, which does no harm.
        """
        rows = await self.database.log_rows("relay_position", relay)
        if not rows:
            return LogPosition()
        xid, id_, *newest = rows[0]
        if isinstance(xid, int) and isinstance(id_, int) and xid >= 0:
            stored = LogPosition(xid, id_)
            if newest[1] is not None and stored <= LogPosition(*newest):
                return stored
        log.error("relay.position_impossible", xid=xid, id=id_)
        await self.database.execute("forget_relay_position", relay)
        return LogPosition()

    async def set_aside_topics(self) -> dict[str, int]:
        """Topics with records that the relay has passed, and how many."""
        return dict(await self.database.log_rows("set_aside_topics"))  # type: ignore[arg-type]  # rows of two

    async def set_aside(
        self, topic: str, *, after: LogPosition, limit: int, unreadable: bool
    ) -> list[RecordAside]:
        """The first records behind `after` that the relay has passed under this name of a topic, in commit order.

        Those that were unreadable then only with `unreadable`: a hand may have mended them, and their own topic with it.
        """
        rows = await self.database.log_rows("set_aside_records", topic, *after, unreadable, limit)
        records = self._records([row[3:] for row in rows])
        return [
            RecordAside(row[0], LogPosition(row[1], row[2]), record)
            for row, record in zip(rows, records, strict=True)
        ]

    async def forget_set_aside(self, records: Sequence[RecordAside]) -> None:
        """They are in Kafka now."""
        await self.database.execute("forget_set_aside", [record.mark for record in records])

    def _records(self, rows: Sequence[Row]) -> list[LoggedRecord]:
        instance, topics = self.instance.encode(), set[str]()
        return [_record(instance, topics, *row) for row in rows]


def _record(  # noqa: PLR0913, PLR0917 - the columns of a row
    instance: bytes, topics: set[str], xid: int, id_: int, topic: Any, key: Any, value: Any, headers: Any
) -> LoggedRecord:
    """Whatever the row holds: who mends a database by hand may err, and others wait behind it.

    `topics` are names that are known to be good. Every record of the outbox passes here: 1 µs counts.
    """
    try:
        if topic not in topics:
            topics.add(_topic(topic))
        if not (isinstance(key, bytes) and isinstance(value, bytes)):
            raise TypeError("text or a number where bytes were expected")  # noqa: TRY301 - one way out
        sent = [(name, text.encode()) for name, text in _headers(headers).items()]
        sent.insert(0, ("ce_id", b"%s:%d" % (instance, id_)))
        return LoggedRecord(LogPosition(xid, id_), topic, key, value, sent)
    except MemoryError:
        raise  # the process is short of it, which says nothing of the row
    except Exception as error:  # noqa: BLE001 - a row is at fault, its neighbours are not
        reason = printable(f"{UNREADABLE}{error}")[:MOST_REASON]
        name = printable(str(topic)[:MOST_TOPIC])[:MOST_TOPIC]
        return LoggedRecord(LogPosition(xid, id_), name, b"", b"", [], reason)


def is_topic_name(text: object) -> bool:
    """Kafka would let a topic be called that."""
    return isinstance(text, str) and _TOPIC.fullmatch(text) is not None


def _topic(name: str) -> str:
    if not is_topic_name(name):
        raise ValueError(f"no topic is called {name!r:.100}")
    return name


def _committed_at(headers: Any) -> int:
    try:
        moment = datetime.fromisoformat(_headers(headers)["ce_time"])
        return int(moment.timestamp() * 1000)
    except Exception:  # noqa: BLE001 - headers that a hand has written hold anything
        return 0
