"""Aggregates with parts to rows and back; flat ones need no mapping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from order_service.domain.order import Order, OrderLine, OrderStatus, StockHold
from order_service.domain.stock import HoldState, LineItem, Reservation

Row = Mapping[str, Any]
Values = dict[str, Any]


def order_values(order: Order) -> Values:
    return {
        "order_id": order.order_id,
        "user_id": order.user_id,
        "status": order.status.value,
        "lines": order.lines,
        "total_cents": order.total_cents,
        "version": order.version,
        "instance": order.instance,
        "reason": order.reason,
        "placed_at": order.placed_at,
        "updated_at": order.updated_at,
        "holds": order.holds,
        "asks": order.asks,
        "ask_again_at": order.ask_again_at,
    }


def order_of(row: Row) -> Order:
    return Order(
        order_id=row["order_id"],
        user_id=row["user_id"],
        status=OrderStatus(row["status"]),
        lines=tuple(OrderLine(**line) for line in row["lines"]),
        holds=tuple(
            StockHold(
                home=hold["home"],
                product_ids=tuple(hold["product_ids"]),
                held=HoldState(hold["held"]),
                answered_version=hold["answered_version"],
            )
            for hold in row["holds"]
        ),
        version=row["version"],
        instance=row["instance"],
        reason=row["reason"],
        placed_at=row["placed_at"],
        updated_at=row["updated_at"],
        asks=row["asks"],
        ask_again_at=row["ask_again_at"],
    )


def reservation_values(reservation: Reservation) -> Values:
    return {
        "order_id": reservation.order_id,
        "order_version": reservation.order_version,
        "held": reservation.held.value,
        "goods": reservation.goods,
        "reason": reservation.reason,
    }


def reservation_of(row: Row) -> Reservation:
    return Reservation(
        order_id=row["order_id"],
        order_version=row["order_version"],
        held=HoldState(row["held"]),
        goods=tuple(LineItem(**item) for item in row["goods"]),
        reason=row["reason"],
    )
