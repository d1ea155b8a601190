"""Aggregates as HTTP shows them: JSON body, ETag, Consistency-Token."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import Response

from order_service.adapters.serialization import rfc3339
from order_service.domain.order import Order
from order_service.domain.product import Product
from order_service.entrypoints.http.parameters import matches
from order_service.service_layer.idempotency import Reply

_encode = msgspec.json.Encoder().encode


def order_view(order: Order) -> dict[str, Any]:
    """The fields of `OrderView`."""
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
    """The fields of `ProductView`."""
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


def state(thing: Order | Product) -> Reply:
    """200: the aggregate as it is, its version as `ETag` and `Consistency-Token`."""
    return _reply(thing, 200)


def created(thing: Order | Product) -> Reply:
    """201: as `state`, and where it is to be found."""
    return _reply(thing, 201)


def response(reply: Reply) -> Response:
    """The reply as an HTTP response."""
    return Response(reply.body, reply.status, reply.headers, "application/json")


def unless_seen(reply: Reply, seen: str | None) -> Response:
    """304 without a body when the caller's If-None-Match (`seen`) names this version."""
    if matches(seen, reply.headers["ETag"]):
        return Response(status_code=304, headers=reply.headers)
    return response(reply)


def _reply(thing: Order | Product, status: int) -> Reply:
    if isinstance(thing, Order):
        view, collection, id_ = order_view(thing), "orders", thing.order_id
    else:
        view, collection, id_ = product_view(thing), "products", thing.product_id
    headers = {"ETag": f'"{thing.version}"', "Consistency-Token": f"{collection}:{id_}:{thing.version}"}
    if status == 201:  # noqa: PLR2004 - Created
        headers["Location"] = f"/{collection}/{id_}"
    return Reply(status=status, headers=headers, body=_encode(view))
