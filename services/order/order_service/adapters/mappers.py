"""Values to rows and back, the same for both databases. JSON travels as text, times as milliseconds since 1970."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any, Generic, TypeVar

import msgspec

from order_service.domain.order import Order, OrderLine, OrderStatus, StockHold
from order_service.domain.product import Offer, Product
from order_service.domain.stock import HoldState, LineItem, Reservation
from order_service.service_layer.unit_of_work import (
    DeadLetter,
    NameReservation,
    Position,
    RelayPosition,
    SetAside,
    StoredOutcome,
)

V = TypeVar("V")
Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Mapper(Generic[V]):
    """The table of a kind of value: `row` gives the values of `columns`, `value` the value of such a row."""

    table: str
    columns: tuple[str, ...]
    row: Callable[[V], tuple[Any, ...]]
    value: Callable[[Row], V]


def _flat(table: str, kind: type[V], *columns: str) -> Mapper[V]:
    """A value whose attributes are the columns."""

    def value(row: Row) -> V:
        return kind(**dict(zip(columns, row, strict=True)))

    return Mapper(table, columns, attrgetter(*columns), value)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


_lines = msgspec.json.Decoder(tuple[OrderLine, ...]).decode
_holds = msgspec.json.Decoder(tuple[StockHold, ...]).decode
_items = msgspec.json.Decoder(tuple[LineItem, ...]).decode
_headers = msgspec.json.Decoder(dict[str, str]).decode


def _order_row(order: Order) -> tuple[Any, ...]:
    return (
        order.order_id,
        order.user_id,
        order.status.value,
        _json(order.lines),
        order.total_cents,
        order.version,
        order.instance,
        order.reason,
        order.placed_at,
        order.updated_at,
        _json(order.holds),
        order.asks,
        order.ask_again_at,
    )


def _order(row: Row) -> Order:
    (id_, user, status, lines, _, version, instance, reason, placed, updated, holds, asks, again) = row
    return Order(
        order_id=id_,
        user_id=user,
        status=OrderStatus(status),
        lines=_lines(lines),
        holds=_holds(holds),
        version=version,
        instance=instance,
        reason=reason,
        placed_at=placed,
        updated_at=updated,
        asks=asks,
        ask_again_at=again,
    )


def _reservation_row(reservation: Reservation) -> tuple[Any, ...]:
    return (
        reservation.order_id,
        reservation.order_version,
        reservation.held.value,
        _json(reservation.goods),
        reservation.reason,
    )


def _reservation(row: Row) -> Reservation:
    order_id, version, held, goods, reason = row
    return Reservation(
        order_id=order_id, order_version=version, held=HoldState(held), goods=_items(goods), reason=reason
    )


def _outcome_row(outcome: StoredOutcome) -> tuple[Any, ...]:
    kind = type(outcome.aggregate)
    body = msgspec.json.encode(MAPPERS[kind].row(outcome.aggregate))
    return (
        outcome.key,
        outcome.fingerprint,
        0,
        _json({_KIND: MAPPERS[kind].table}),
        body,
        outcome.stored_at,
    )


def _outcome(row: Row) -> StoredOutcome:
    key, fingerprint, _, headers, body, stored_at = row
    described = _headers(headers)
    if (table := described.get(_KIND)) is not None:
        kind = Order if table == "orders" else Product
        aggregate = MAPPERS[kind].value(msgspec.json.decode(body))
    else:
        aggregate = _of_response(msgspec.json.decode(body))
    return StoredOutcome(key=key, fingerprint=fingerprint, aggregate=aggregate, stored_at=stored_at)


def _of_response(shown: dict[str, Any]) -> Order | Product:
    """An outcome stored as the HTTP response it was, by the version before: as much of it as a response shows."""
    for name in ("placed_at", "updated_at"):
        if name in shown:
            shown[name] = round(datetime.fromisoformat(shown[name]).timestamp() * 1000)
    if "order_id" in shown:
        shown |= {
            "status": OrderStatus(shown["status"]),
            "lines": tuple(OrderLine(**line) for line in shown["lines"]),
            "holds": (),
        }
        shown.pop("total_cents")
        return Order(**shown)
    received = shown["stock_available"] + shown["stock_reserved"]
    return Product(**shown, stock_received=received, stock_shipped=0)


_KIND = "kind"

MAPPERS: dict[type[Any], Mapper[Any]] = {
    Order: Mapper(
        "orders",
        (
            "order_id",
            "user_id",
            "status",
            "lines",
            "total_cents",
            "version",
            "instance",
            "reason",
            "placed_at",
            "updated_at",
            "holds",
            "asks",
            "ask_again_at",
        ),
        _order_row,
        _order,
    ),
    Product: _flat(
        "products",
        Product,
        "product_id",
        "name",
        "unit_price_cents",
        "stock_received",
        "stock_available",
        "stock_reserved",
        "stock_shipped",
        "version",
        "instance",
        "updated_at",
    ),
    Offer: _flat("offers", Offer, "product_id", "name", "unit_price_cents", "instance", "version"),
    Reservation: Mapper(
        "reservations",
        ("order_id", "order_version", "held", "goods", "reason"),
        _reservation_row,
        _reservation,
    ),
    StoredOutcome: Mapper(
        "answers",
        ("key", "fingerprint", "status", "headers", "body", "answered_at"),
        _outcome_row,
        _outcome,
    ),
    NameReservation: _flat("claims", NameReservation, "name", "instance", "fingerprint", "claimed_at"),
    Position: _flat("positions", Position, "source", "next_offset", "topic_id"),
    RelayPosition: _flat("relay_position", RelayPosition, "relay", "xid", "id"),
    SetAside: _flat("set_aside", SetAside, "record", "xid", "id", "topic", "reason"),
    DeadLetter: _flat(
        "dead_letters", DeadLetter, "record", "key", "value", "headers", "reason", "recorded_at"
    ),
}
OUTBOX = ("topic", "key", "value", "headers")
"""The columns of an outbox row that are given; its id and its transaction are the database's."""
