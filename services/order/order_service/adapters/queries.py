"""What GET routes and health checks read. One statement each, so each is a snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from order_service.adapters.database import Database
from order_service.adapters.entities import ANSWERS, OFFERS, ORDERS, POSITIONS, PRODUCTS, Entity
from order_service.adapters.errors import StorageUnavailableError
from order_service.domain.order import Order
from order_service.domain.product import Offer, Product
from order_service.service_layer.unit_of_work import Answer

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Queries:
    """Raises `StorageUnavailable` when the database does not answer."""

    database: Database

    async def order(self, order_id: str) -> Order | None:
        return next(iter(await self._read(ORDERS, ORDERS.table.c.order_id == order_id)), None)

    async def product(self, product_id: str) -> Product | None:
        return next(iter(await self._read(PRODUCTS, PRODUCTS.table.c.product_id == product_id)), None)

    async def orders_of(self, user_id: str, *, limit: int) -> list[Order]:
        """The user's orders at this instance, the latest first."""
        return await self._read(ORDERS, ORDERS.table.c.user_id == user_id, descending=True, limit=limit)

    async def offer(self, product_id: str) -> Offer | None:
        return next(iter(await self._read(OFFERS, OFFERS.table.c.product_id == product_id)), None)

    async def answer(self, key: str) -> Answer | None:
        return next(iter(await self._read(ANSWERS, ANSWERS.table.c.key == key)), None)

    async def to_ask_again(self, *, now: int, limit: int) -> list[str]:
        """Ids of orders that a home owes an answer and whose time to ask again has come, the most overdue first."""
        table = ORDERS.table
        statement = (
            select(table.c.order_id)
            .where(table.c.ask_again_at <= now)
            .order_by(table.c.ask_again_at)
            .limit(limit)
        )
        return [row.order_id for row in await self._execute(statement)]

    async def positions(self, sources: Sequence[str]) -> dict[str, int]:
        found = await self._read(POSITIONS, POSITIONS.table.c.source.in_(sources))
        return {position.source: position.next_offset for position in found}

    async def revision(self) -> str | None:
        """The migration that the database is at."""
        rows = await self._execute(text("SELECT version_num FROM alembic_version"))
        return rows[0].version_num if rows else None

    async def _read(
        self, entity: Entity[V], where: Any, *, descending: bool = False, limit: int | None = None
    ) -> list[V]:
        order = entity.key_column.desc() if descending else entity.key_column
        rows = await self._execute(select(entity.table).where(where).order_by(order).limit(limit))
        return [entity.value(row._mapping) for row in rows]  # noqa: SLF001 - SQLAlchemy's documented accessor

    async def _execute(self, statement: Any) -> Sequence[Any]:
        try:
            return await self.database.read(lambda connection: connection.execute(statement).all())
        except (DBAPIError, OSError, PoolTimeoutError, TimeoutError) as error:
            raise StorageUnavailableError(str(error)) from error
