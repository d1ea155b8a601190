"""Values to rows and back, the same for both databases. JSON travels as text, times as milliseconds since 1970.

A row may hold anything: SQLite keeps text in a column of numbers, and whoever mends a database by hand may err.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from types import NoneType
from typing import Any, Generic, TypeVar

import msgspec

from order_service.domain.errors import UnreadableStateError
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
_Type = type | tuple[type, ...]


@dataclass(frozen=True, slots=True)
class Mapper(Generic[V]):
    """The table of a kind of value, with the type of each column; `row` gives their values, `value` the value of such a row."""

    table: str
    types: Mapping[str, _Type]
    row: Callable[[V], tuple[Any, ...]]
    value: Callable[[Row], V]

    @property
    def columns(self) -> tuple[str, ...]:
        """Their names, in the order of `row`."""
        return tuple(self.types)

    def read(self, row: Row) -> V:
        """The value of a row of the database. Raises `UnreadableStateError` when it holds none."""
        of_column = ""
        try:
            if not all(map(isinstance, row, self.types.values())):
                wrong = zip(self.types, row, self.types.values(), strict=True)
                column, held = next(
                    (name, held) for name, held, type_ in wrong if not isinstance(held, type_)
                )
                of_column = f"{column} of "
                raise TypeError(f"{column} is {held!r:.100}")  # noqa: TRY301 - one way out for all that is wrong
            return self.value(row)
        except MemoryError:
            raise  # the process is short of it, which says nothing of the row
        except Exception as error:
            raise UnreadableStateError(
                f"{of_column}the row {row[0]!r:.100} of {self.table} cannot be read"
            ) from error


_MAYBE_TEXT, _MAYBE_INT, _MAYBE_BYTES = (str, NoneType), (int, NoneType), (bytes, NoneType)
_TIMES = range(253_402_300_800_000)  # RFC 3339 ends with the year 9999


def _flat(table: str, kind: type[V], types: Mapping[str, _Type]) -> Mapper[V]:
    """A value whose attributes are the columns."""

    def value(row: Row) -> V:
        return kind(**dict(zip(types, row, strict=True)))

    return Mapper(table, types, attrgetter(*types), value)


def _check_times(*times: int) -> None:
    for time in times:
        if time not in _TIMES:
            raise ValueError(f"no time is {time}")


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
    _check_times(placed, updated)
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


_PRODUCT: Mapping[str, _Type] = {
    "product_id": str,
    "name": str,
    "unit_price_cents": int,
    "stock_received": int,
    "stock_available": int,
    "stock_reserved": int,
    "stock_shipped": int,
    "version": int,
    "instance": str,
    "updated_at": int,
}


def _product(row: Row) -> Product:
    product = Product(**dict(zip(_PRODUCT, row, strict=True)))
    _check_times(product.updated_at)
    return product


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
        aggregate = MAPPERS[kind].read(msgspec.json.decode(body))
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
        {
            "order_id": str,
            "user_id": str,
            "status": str,
            "lines": str,
            "total_cents": int,
            "version": int,
            "instance": str,
            "reason": _MAYBE_TEXT,
            "placed_at": int,
            "updated_at": int,
            "holds": str,
            "asks": int,
            "ask_again_at": _MAYBE_INT,
        },
        _order_row,
        _order,
    ),
    Product: Mapper(
        "products",
        _PRODUCT,
        attrgetter(*_PRODUCT),
        _product,
    ),
    Offer: _flat(
        "offers",
        Offer,
        {"product_id": str, "name": str, "unit_price_cents": int, "instance": str, "version": int},
    ),
    Reservation: Mapper(
        "reservations",
        {"order_id": str, "order_version": int, "held": str, "goods": str, "reason": _MAYBE_TEXT},
        _reservation_row,
        _reservation,
    ),
    StoredOutcome: Mapper(
        "answers",
        {"key": str, "fingerprint": str, "status": int, "headers": str, "body": bytes, "answered_at": int},
        _outcome_row,
        _outcome,
    ),
    NameReservation: _flat(
        "claims",
        NameReservation,
        {"name": str, "instance": str, "fingerprint": str, "claimed_at": int},
    ),
    Position: _flat("positions", Position, {"source": str, "next_offset": int, "topic_id": _MAYBE_TEXT}),
    RelayPosition: _flat("relay_position", RelayPosition, {"relay": str, "xid": int, "id": int}),
    SetAside: _flat(
        "set_aside", SetAside, {"record": str, "xid": int, "id": int, "topic": str, "reason": str}
    ),
    DeadLetter: _flat(
        "dead_letters",
        DeadLetter,
        {
            "record": str,
            "key": _MAYBE_BYTES,
            "value": _MAYBE_BYTES,
            "headers": _MAYBE_TEXT,
            "reason": str,
            "recorded_at": _MAYBE_INT,
        },
    ),
}
OUTBOX = ("topic", "key", "value", "headers")
"""The columns of an outbox row that are given; its id and its transaction are the database's."""
