"""Reading the outbox in commit order. What that means differs between the databases; the two .sql files say how."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

import msgspec
from sqlalchemy import TextClause, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from order_service.storage import tables


@dataclass(frozen=True, slots=True, order=True)
class LogPosition:
    """A place in the outbox. `xid` is the writing transaction on PostgreSQL and 0 on SQLite."""

    xid: int = 0
    id: int = 0


@dataclass(frozen=True, slots=True)
class LoggedRecord:
    """A record as it goes to Kafka, but for its topic's partition."""

    position: LogPosition
    topic: str
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxReader:
    """`instance` goes into each record's `ce_id`, `<instance>:<row number>`."""

    engine: AsyncEngine
    instance: str

    async def after(self, position: LogPosition, *, limit: int) -> list[LoggedRecord]:
        """At most `limit` records after `position`, in commit order; none may appear between them later."""
        async with self.engine.connect() as connection:
            rows = await connection.execute(
                self._statement("after"), {"xid": position.xid, "id": position.id, "limit": limit}
            )
            return [
                LoggedRecord(LogPosition(xid, id_), topic, key, value, self._headers(id_, headers))
                for xid, id_, topic, key, value, headers in rows
            ]

    async def pending(self, position: LogPosition) -> int:
        """How many records wait behind `position`."""
        async with self.engine.connect() as connection:
            count: int = (
                await connection.execute(self._statement("pending"), {"xid": position.xid, "id": position.id})
            ).scalar_one()
            return count

    async def relayed(self, relay: str) -> LogPosition:
        """Where `relay` noted that everything before is in Kafka; the beginning, if it never did."""
        table = tables.relay_position
        async with self.engine.connect() as connection:
            row = (
                await connection.execute(select(table.c.xid, table.c.id).where(table.c.relay == relay))
            ).one_or_none()
        return LogPosition(*row) if row else LogPosition()

    def _headers(self, id_: int, stored: str) -> list[tuple[str, bytes]]:
        headers = [("ce_id", b"%s:%d" % (self.instance.encode(), id_))]
        headers.extend((name, value.encode()) for name, value in msgspec.json.decode(stored).items())
        return headers

    def _statement(self, name: str) -> TextClause:
        return _STATEMENTS[f"{name}_{self.engine.dialect.name}"]


_STATEMENTS = {
    file.name.removesuffix(".sql"): text(file.read_text())
    for file in resources.files("order_service.outbox").iterdir()
    if file.name.endswith(".sql")
}
