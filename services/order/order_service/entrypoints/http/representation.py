"""Aggregates as HTTP shows them: JSON body, ETag, Consistency-Token."""

from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import Response

from order_service.adapters.serialization import rfc3339
from order_service.domain.order import Order
from order_service.domain.product import Product
from order_service.entrypoints.http.parameters import matches

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


def state(thing: Order | Product) -> Response:
    """200: the aggregate as it is, its version as `ETag` and `Consistency-Token`."""
    return _response(thing, HTTPStatus.OK)


def created(thing: Order | Product) -> Response:
    """201: as `state`, and where it is to be found."""
    return _response(thing, HTTPStatus.CREATED)


def state_unless_seen(thing: Order | Product, seen: str | None) -> Response:
    """As `state`; 304 without a body when the caller's If-None-Match (`seen`) names this version."""
    answer = state(thing)
    if matches(seen, answer.headers["ETag"]):
        headers = {name: answer.headers[name] for name in ("ETag", "Consistency-Token")}
        return Response(status_code=HTTPStatus.NOT_MODIFIED.value, headers=headers)
    return answer


def orders(found: list[Order]) -> Response:
    """200: the fields of `OrderList`."""
    return Response(_encode({"items": [order_view(order) for order in found]}), media_type="application/json")


def _response(thing: Order | Product, status: HTTPStatus) -> Response:
    if isinstance(thing, Order):
        view, collection, id_ = order_view(thing), "orders", thing.order_id
    else:
        view, collection, id_ = product_view(thing), "products", thing.product_id
    headers = {"ETag": f'"{thing.version}"', "Consistency-Token": f"{collection}:{id_}:{thing.version}"}
    if status is HTTPStatus.CREATED:
        headers["Location"] = f"/{collection}/{id_}"
    return Response(_encode(view), status.value, headers, "application/json")
