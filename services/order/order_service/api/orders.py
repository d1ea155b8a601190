"""Routes of orders."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query, Response

from order_service.api.bodies import OrderList, OrderView, PlaceOrderBody, UserId
from order_service.api.gate import Gate
from order_service.api.representation import JSON, order_view, respond
from order_service.commands.place_order import PlaceOrder
from order_service.domain.refusals import UnknownOrder
from order_service.domain.stock import Goods
from order_service.storage.queries import Queries

OrderId = Annotated[str, Path(max_length=80)]


def orders_router(gate: Gate, queries: Queries) -> APIRouter:
    """Parse, run one use case, represent."""
    router = APIRouter(prefix="/orders", tags=["orders"])

    @router.post("", status_code=201, response_model=OrderView)
    async def place(body: PlaceOrderBody) -> Response:
        """Place an order at this instance. It is PENDING until the homes of its goods have answered."""
        goods = tuple(Goods(product_id=line.product_id, quantity=line.quantity) for line in body.lines)
        return respond(await gate.run(PlaceOrder(user_id=body.user_id, goods=goods)), status=201)

    @router.get("/{order_id}", response_model=OrderView)
    async def one(order_id: OrderId) -> Response:
        """The home's own state of an order."""
        order = await queries.order(order_id)
        if order is None:
            raise UnknownOrder(f"no order {order_id} here")
        return respond(order)

    @router.get("", response_model=OrderList)
    async def of_user(
        user_id: Annotated[UserId, Query()], limit: Annotated[int, Query(ge=1, le=500)] = 100
    ) -> Response:
        """The user's orders at this instance only, the latest first: the problem that the catalog answers."""
        orders = await queries.orders_of(user_id, limit=limit)
        return Response(
            msgspec.json.encode({"items": [order_view(order) for order in orders]}), media_type=JSON
        )

    return router
