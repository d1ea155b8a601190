"""Routes of orders."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response

from order_service.domain.errors import UnknownOrderError
from order_service.domain.stock import LineItem
from order_service.entrypoints.http import representation
from order_service.entrypoints.http.bodies import OrderList, OrderView, PlaceOrderBody, UserId
from order_service.entrypoints.http.body_route import BodyRoute
from order_service.entrypoints.http.dispatch import Command, Dispatch
from order_service.entrypoints.http.parameters import (
    CHANGING,
    CREATING,
    IfNoneMatchHeader,
    OrderIdPath,
    if_match,
)
from order_service.service_layer.use_cases.cancel_order import CancelOrder
from order_service.service_layer.use_cases.place_order import PlaceOrder
from order_service.service_layer.use_cases.ship_order import ShipOrder


def orders_router(dispatch: Dispatch) -> APIRouter:
    """Parse, run one use case, represent."""
    router = APIRouter(prefix="/orders", tags=["orders"], route_class=BodyRoute)

    def owner_of(order_id: str) -> str:
        """An order's id begins with its owner's name."""
        owner = order_id.rpartition("-")[0]
        if not dispatch.peers.knows(owner):
            raise UnknownOrderError(f"no order {order_id}")
        return owner

    @router.post("", status_code=201, openapi_extra=CREATING, response_model=OrderView)
    async def place(request: Request, body: PlaceOrderBody) -> Response:
        """Place an order at this instance. It is PENDING until the homes of its goods have answered."""
        goods = tuple(LineItem(product_id=line.product_id, quantity=line.quantity) for line in body.lines)
        command = Command.of(request, body)
        use_case = PlaceOrder(user_id=body.user_id, goods=goods)
        return await dispatch.create(command, use_case, representation.created)

    @router.post("/{order_id}/cancel", openapi_extra=CHANGING, response_model=OrderView)
    async def cancel(request: Request, order_id: OrderIdPath) -> Response:
        """Cancel a PENDING or CONFIRMED order; what was reserved for it is released."""
        use_case = CancelOrder(order_id=order_id, if_match=if_match(request))
        command = Command.of(request)
        return await dispatch.change(command, owner_of(order_id), use_case, representation.state)

    @router.post("/{order_id}/ship", openapi_extra=CHANGING, response_model=OrderView)
    async def ship(request: Request, order_id: OrderIdPath) -> Response:
        """Ship a CONFIRMED order; what was reserved for it has left the house."""
        use_case = ShipOrder(order_id=order_id, if_match=if_match(request))
        command = Command.of(request)
        return await dispatch.change(command, owner_of(order_id), use_case, representation.state)

    @router.get("/{order_id}", response_model=OrderView)
    async def one(request: Request, order_id: OrderIdPath, seen: IfNoneMatchHeader = None) -> Response:
        """The owner's own state of an order, asked for at any instance."""
        owner = owner_of(order_id)
        if owner != dispatch.peers.instance:
            return await dispatch.peers.forward(request, owner)
        order = await dispatch.queries.order(order_id)
        if order is None:
            raise UnknownOrderError(f"no order {order_id}")
        return representation.unless_seen(representation.state(order), seen)

    @router.get("", response_model=OrderList)
    async def of_user(
        user_id: Annotated[UserId, Query()], limit: Annotated[int, Query(ge=1, le=500)] = 100
    ) -> Response:
        """The user's orders at this instance only, the latest first: the problem that the catalog answers."""
        orders = await dispatch.queries.orders_of(user_id, limit=limit)
        items = [representation.order_view(order) for order in orders]
        return Response(msgspec.json.encode({"items": items}), media_type="application/json")

    return router
