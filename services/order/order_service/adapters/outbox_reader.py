"""Reading the outbox in commit order. What that means differs between the databases; the two .sql files say how."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

import msgspec
from sqlalchemy import Connection, TextClause, select, text

from order_service.adapters import tables
from order_service.adapters.database import Database


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

    database: Database
    instance: str

    async def after(self, position: LogPosition, *, limit: int) -> list[LoggedRecord]:
        """At most `limit` records after `position`, in commit order; none may appear between them later."""

        def rows(connection: Connection) -> list[LoggedRecord]:
            return [
                LoggedRecord(LogPosition(xid, id_), topic, key, value, self._headers(id_, headers))
                for xid, id_, topic, key, value, headers in connection.execute(
                    _statement("after", connection),
                    {"xid": position.xid, "id": position.id, "limit": limit},
                )
            ]

        return await self.database.read(rows)

    async def pending(self, position: LogPosition) -> int:
        """How many records wait behind `position`."""

        def count(connection: Connection) -> int:
            behind = {"xid": position.xid, "id": position.id}
            found: int = connection.execute(_statement("pending", connection), behind).scalar_one()
            return found

        return await self.database.read(count)

    async def relayed(self, relay: str) -> LogPosition:
        """Where `relay` noted that everything before is in Kafka; the beginning, if it never did."""
        table = tables.relay_position
        query = select(table.c.xid, table.c.id).where(table.c.relay == relay)
        row = await self.database.read(lambda connection: connection.execute(query).one_or_none())
        return LogPosition(*row) if row else LogPosition()

    def _headers(self, id_: int, stored: str) -> list[tuple[str, bytes]]:
        headers = [("ce_id", b"%s:%d" % (self.instance.encode(), id_))]
        headers.extend((name, value.encode()) for name, value in msgspec.json.decode(stored).items())
        return headers


def _statement(name: str, connection: Connection) -> TextClause:
    return _STATEMENTS[f"{name}_{connection.dialect.name}"]


_STATEMENTS = {
    file.name.removesuffix(".sql"): text(file.read_text())
    for file in resources.files("order_service.adapters").iterdir()
    if file.name.endswith(".sql")
}
