"""Reading the outbox in commit order. What that means differs between the databases; the two outbox.sql say how."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from order_service.adapters.mappers import Row
from order_service.adapters.storage import Database
from order_service.service_layer.outbox_log import LoggedRecord, LogPosition, OldestPending

_headers = msgspec.json.Decoder(dict[str, str]).decode


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
        """Where `relay` stored that everything before is in Kafka; the beginning, if it never did."""
        rows = await self.database.log_rows("relay_position", relay)
        return LogPosition(*rows[0]) if rows else LogPosition()

    async def set_aside_topics(self) -> dict[str, int]:
        """Topics with records that the relay has passed, and how many."""
        return dict(await self.database.log_rows("set_aside_topics"))  # type: ignore[arg-type]  # rows of two

    async def set_aside(self, topic: str, *, limit: int) -> list[LoggedRecord]:
        """The first records of a topic that the relay has passed, in commit order."""
        return self._records(await self.database.log_rows("set_aside_records", topic, limit))

    async def forget_set_aside(self, records: Sequence[LoggedRecord]) -> None:
        """They are in Kafka now."""
        keys = [f"{record.position.xid}/{record.position.id}" for record in records]
        await self.database.execute("forget_set_aside", keys)

    def _records(self, rows: Sequence[Row]) -> list[LoggedRecord]:
        source = self.instance.encode()
        return [
            LoggedRecord(
                LogPosition(xid, id_),
                topic,
                key,
                value,
                [
                    ("ce_id", b"%s:%d" % (source, id_)),
                    *[(name, text.encode()) for name, text in _headers(headers).items()],
                ],
            )
            for xid, id_, topic, key, value, headers in rows
        ]


def _committed_at(headers: str) -> int:
    try:
        moment = datetime.fromisoformat(_headers(headers)["ce_time"])
    except (KeyError, ValueError):
        return 0
    return int(moment.timestamp() * 1000)
