"""Which table keeps which values: key, to a row, from a row. Loading and writing are driven by this data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Column, Table

from order_service.adapters import rows, tables
from order_service.domain.product import Offer, Product
from order_service.service_layer.unit_of_work import Answer, NameReservation, Parked, Position, RelayPosition

V = TypeVar("V")


@dataclass(frozen=True, slots=True, eq=False)
class Entity(Generic[V]):
    """Values of type V, one per row, found by a text key. Compared by identity."""

    table: Table
    key: str
    values: Callable[[V], rows.Values]
    value: Callable[[rows.Row], V]

    @property
    def key_column(self) -> Column[Any]:
        return self.table.c[self.key]

    def key_of(self, value: V) -> str:
        key: str = getattr(value, self.key)
        return key


def _plain(table: Table, key: str, cls: type[V]) -> Entity[V]:
    """A value whose fields are the columns."""
    names: tuple[str, ...] = cls.__slots__  # type: ignore[attr-defined]
    return Entity(
        table, key, lambda value: {name: getattr(value, name) for name in names}, lambda row: cls(**row)
    )


ORDERS = Entity(tables.orders, "order_id", rows.order_values, rows.order_of)
PRODUCTS = _plain(tables.products, "product_id", Product)
OFFERS = _plain(tables.offers, "product_id", Offer)
RESERVATIONS = Entity(tables.reservations, "order_id", rows.reservation_values, rows.reservation_of)
ANSWERS = _plain(tables.answers, "key", Answer)
CLAIMS = _plain(tables.claims, "name", NameReservation)
POSITIONS = _plain(tables.positions, "source", Position)
RELAY_POSITIONS = _plain(tables.relay_position, "relay", RelayPosition)
PARKED = _plain(tables.parked, "record", Parked)

# The order of locking and writing, the same in every transaction: two processes on one database cannot deadlock.
ENTITIES: tuple[Entity[Any], ...] = (
    POSITIONS,
    RELAY_POSITIONS,
    CLAIMS,
    ANSWERS,
    ORDERS,
    RESERVATIONS,
    PRODUCTS,
    OFFERS,
    PARKED,
)
