"""Answers that can be asked for again cheaply: every GET carries an ETag and honours `If-None-Match`."""

import hashlib
from collections.abc import Sequence
from http import HTTPStatus

from fastapi import Request, Response
from pydantic import BaseModel

from catalog_service.http.models import Order, OrderPage, Product, ProductPage
from catalog_service.read_model.orders import Page, Row


def answer(request: Request, model: BaseModel, *, etag: str | None = None) -> Response:
    """`model` as JSON, or 304 when the client holds it already; without `etag` the body's own digest is the tag."""
    body = model.model_dump_json().encode()
    tag = f'"{etag or hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    # no-cache: keep it, but ask each time whether it still holds.
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if waited_s := getattr(request.state, "waited_s", 0):
        headers["Preference-Applied"] = f"wait={waited_s:g}"
    if _holds(request.headers.getlist("if-none-match"), tag):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


def _holds(if_none_match: Sequence[str], tag: str) -> bool:
    held = {each.strip().removeprefix("W/") for line in if_none_match for each in line.split(",")}
    return tag in held or "*" in held


def shown_order(row: Row) -> Order:
    """A row of `orders` or `order_history`."""
    return Order.model_validate(dict(row))


def shown_product(row: Row) -> Product:
    """A row of `products`."""
    return Product.model_validate(dict(row))


def order_page(page: Page) -> OrderPage:
    """A page of orders."""
    return OrderPage(items=[shown_order(row) for row in page.items], next_cursor=page.next_cursor)


def product_page(page: Page) -> ProductPage:
    """A page of products."""
    return ProductPage(items=[shown_product(row) for row in page.items], next_cursor=page.next_cursor)
