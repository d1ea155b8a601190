"""Aggregates as HTTP shows them: JSON body, ETag, Consistency-Token."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import Response

from order_service.domain.order import Order
from order_service.domain.product import Product
from order_service.outbox.record import rfc3339

JSON = "application/json"


def order_view(order: Order) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "user_id": order.user_id,
        "status": order.status.value,
        "lines": order.lines,
        "total_cents": order.total_cents,
        "version": order.version,
        "instance": order.instance,
        "reason": order.reason,
        "placed_at": rfc3339(order.placed_at),
        "updated_at": rfc3339(order.updated_at),
    }


def product_view(product: Product) -> dict[str, Any]:
    return {
        "product_id": product.product_id,
        "name": product.name,
        "unit_price_cents": product.unit_price_cents,
        "stock_available": product.stock_available,
        "stock_reserved": product.stock_reserved,
        "version": product.version,
        "instance": product.instance,
        "updated_at": rfc3339(product.updated_at),
    }


def respond(thing: Order | Product, *, status: int = 200) -> Response:
    """With the aggregate's version as `ETag`, and after a command (any status) as `Consistency-Token`."""
    if isinstance(thing, Order):
        view, topic, id_, path = order_view(thing), "orders", thing.order_id, "/orders/"
    else:
        view, topic, id_, path = product_view(thing), "products", thing.product_id, "/products/"
    headers = {"ETag": f'"{thing.version}"', "Consistency-Token": f"{topic}:{id_}:{thing.version}"}
    if status == 201:  # noqa: PLR2004 - Created
        headers["Location"] = path + id_
    return Response(msgspec.json.encode(view), status, headers, JSON)
