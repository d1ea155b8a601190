"""Orders: a page of them, one, and the life of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from catalog_service.read_model import STATEMENTS
from catalog_service.read_model.cursor import Id, Moment, Version, open_cursor, seal_cursor
from catalog_service.read_model.database import Record

Row = Record
Sort = Literal["-placed_at", "placed_at"]

_PAGES: dict[Sort, str] = {
    "-placed_at": STATEMENTS["orders_newest_first"],
    "placed_at": STATEMENTS["orders_oldest_first"],
}


class RowSource(Protocol):
    """What a query needs of the read database."""

    async def fetch(self, statement: str, *values: object) -> Sequence[Row]:
        """All rows."""
        ...

    async def fetch_row(self, statement: str, *values: object) -> Row | None:
        """The first row, if there is one."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """Which orders, in which order; `placed_after` is inclusive, `placed_before` is not."""

    user_id: str | None = None
    status: str | None = None
    product_id: str | None = None
    placed_after: datetime | None = None
    placed_before: datetime | None = None
    sort: Sort = "-placed_at"

    def question(self) -> tuple[object, ...]:
        """What a cursor is sealed for."""
        return (
            "orders",
            self.user_id,
            self.status,
            self.product_id,
            self.placed_after,
            self.placed_before,
            self.sort,
        )


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, and the cursor of the next page if there is one."""

    items: Sequence[Row]
    next_cursor: str | None


async def list_orders(rows: RowSource, *, wanted: OrderFilter, limit: int, cursor: str | None) -> Page:
    """The page of at most `limit` orders after `cursor` (the first page without one).

    Raises:
        BadCursorError: the cursor belongs to another question.
    """
    placed_at: datetime | None = None
    order_id: str | None = None
    if cursor is not None:
        placed_at, order_id = open_cursor(wanted.question(), cursor, tuple[Moment, Id])
    found = await rows.fetch(
        _PAGES[wanted.sort],
        wanted.user_id,
        wanted.status,
        wanted.product_id,
        wanted.placed_after,
        wanted.placed_before,
        placed_at,
        order_id,
        limit + 1,
    )
    items = found[:limit]
    if len(found) == len(items):
        return Page(items, None)
    last = items[-1]
    return Page(items, seal_cursor(wanted.question(), (last["placed_at"], last["order_id"])))


async def get_order(rows: RowSource, order_id: str) -> Row | None:
    """The order's newest visible state."""
    return await rows.fetch_row(STATEMENTS["order"], order_id)


async def list_order_history(rows: RowSource, order_id: str, *, limit: int, cursor: str | None) -> Page:
    """The states of one order, oldest first. Raises as `list_orders`."""
    question = ("history", order_id)
    after = open_cursor(question, cursor, tuple[Version])[0] if cursor is not None else 0
    found = await rows.fetch(STATEMENTS["order_history"], order_id, after, limit + 1)
    items = found[:limit]
    more = len(found) > len(items)
    return Page(items, seal_cursor(question, (items[-1]["version"],)) if more else None)
