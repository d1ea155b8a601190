"""What routes, tasks and health checks read. One statement each, so each is a snapshot."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog

from order_service.adapters.mappers import MAPPERS
from order_service.adapters.storage import Database
from order_service.domain.errors import UnreadableStateError
from order_service.domain.order import LONGEST_PAUSE_MS, Order
from order_service.domain.product import Offer, Product
from order_service.service_layer.unit_of_work import Position, StoredOutcome

V = TypeVar("V")
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Queries:
    """Raises `StorageUnavailableError` when the database does not answer, `UnreadableStateError` for a row that holds no value."""

    database: Database

    async def order(self, order_id: str) -> Order | None:
        """An order that belongs to this instance."""
        return await self._one(Order, "order", order_id)

    async def user_of(self, order_id: str) -> str | None:
        """Whose order it is, as far as that can be known of one that cannot be read."""
        rows = await self.database.rows("order", order_id)
        column = list(MAPPERS[Order].columns).index("user_id")
        return rows[0][column] if rows and isinstance(rows[0][column], str) else None

    async def product(self, product_id: str) -> Product | None:
        """A product that belongs to this instance."""
        return await self._one(Product, "product", product_id)

    async def orders_of(self, user_id: str, *, limit: int) -> list[Order]:
        """The user's orders at this instance, the latest first. One that cannot be read hides no other."""
        return await self._readable(Order, "orders_of_user", user_id, limit)

    async def offer(self, product_id: str) -> Offer | None:
        """What is known here of a product of any instance."""
        return await self._one(Offer, "offer", product_id)

    async def outcome(self, key: str) -> StoredOutcome | None:
        """The outcome kept for an Idempotency-Key."""
        return await self._one(StoredOutcome, "answer", key)

    async def overdue(self, *, now: int, limit: int) -> list[str]:
        """Ids of orders that an owner owes an answer and whose time to ask again has come, the most overdue first."""
        rows = await self.database.rows("overdue_orders", now, now + LONGEST_PAUSE_MS, limit)
        return [row[0] for row in rows]

    async def positions(self, sources: Sequence[str]) -> dict[str, Position]:
        """The stored positions of these `topic/partition`s, as far as there are any that can be read."""
        found = await self._readable(Position, "stored_positions", list(sources))
        return {position.source: position for position in found}

    async def revision(self) -> str | None:
        """The migration that the database is at."""
        rows = await self.database.rows("revision")
        return rows[0][0] if rows else None

    async def _one(self, kind: type[V], name: str, key: str) -> V | None:
        rows = await self.database.rows(name, key)
        if not rows:
            return None
        try:
            value: V = MAPPERS[kind].read(rows[0])
        except UnreadableStateError as error:
            _log_unreadable(error)
            raise
        return value

    async def _readable(self, kind: type[V], name: str, *parameters: object) -> list[V]:
        found = []
        for row in await self.database.rows(name, *parameters):
            try:
                found.append(MAPPERS[kind].read(row))
            except UnreadableStateError as error:
                _log_unreadable(error)
        return found


def _log_unreadable(error: UnreadableStateError) -> None:
    log.warning("row.unreadable", reason=error.detail, cause=repr(error.__cause__))
