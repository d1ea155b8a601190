"""Routes of orders: parse, run one use case, represent.

Bodies and answers are described by their models; an answer is given as the `Response` that `representation` makes, which
a contract test holds against the description.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from order_service.adapters.queries import Queries
from order_service.domain.errors import UnknownOrderError, UnreadableStateError
from order_service.domain.order import Order
from order_service.domain.stock import LineItem
from order_service.entrypoints.http import representation
from order_service.entrypoints.http.authentication import caller_of, require_own, require_staff
from order_service.entrypoints.http.bodies import OrderList, OrderView, PlaceOrderBody, UserId
from order_service.entrypoints.http.commands import Commands, request_key
from order_service.entrypoints.http.json_route import JsonRoute
from order_service.entrypoints.http.parameters import (
    Condition,
    IdempotencyKeyHeader,
    IfNoneMatchHeader,
    OrderIdPath,
)
from order_service.entrypoints.http.peers import Peers
from order_service.entrypoints.http.problems import CHANGING, CREATING, READING, responses
from order_service.service_layer.use_cases.cancel_order import CancelOrder
from order_service.service_layer.use_cases.place_order import PlaceOrder
from order_service.service_layer.use_cases.ship_order import ShipOrder

OrderCommand = CancelOrder | ShipOrder


def orders_router(commands: Commands, queries: Queries, peers: Peers) -> APIRouter:
    """Commands are carried out, and orders shown, by the instance that owns the order."""
    router = APIRouter(prefix="/orders", tags=["orders"], route_class=JsonRoute)
    _add_commands(router, commands, queries, peers)
    _add_queries(router, queries, peers)
    return router


def _add_commands(router: APIRouter, commands: Commands, queries: Queries, peers: Peers) -> None:
    @router.post("", status_code=201, response_model=OrderView, responses=responses(*CREATING))
    async def place(request: Request, body: PlaceOrderBody, key: IdempotencyKeyHeader = None) -> Response:
        """Place an order at this instance. It is PENDING until the owners of its goods have answered."""
        require_own(request, body.user_id)
        goods = tuple(LineItem(product_id=line.product_id, quantity=line.quantity) for line in body.lines)
        use_case = PlaceOrder(user_id=body.user_id, goods=goods)
        return await commands.create(
            request, use_case, representation.created, key=request_key(request, key, body)
        )

    async def change(request: Request, use_case: OrderCommand, key: str | None) -> Response:
        owner = _owner(use_case.order_id, peers)
        return await commands.change(
            request, use_case, representation.state, owner=owner, key=request_key(request, key)
        )

    @router.post("/{order_id}/cancel", response_model=OrderView, responses=responses(*CHANGING))
    async def cancel(
        request: Request, order_id: OrderIdPath, condition: Condition, key: IdempotencyKeyHeader = None
    ) -> Response:
        """Cancel a PENDING or CONFIRMED order; what was reserved for it is released."""
        if caller_of(request) is not None and _owner(order_id, peers) == peers.instance:
            await _own(request, order_id, queries)
        return await change(request, CancelOrder(order_id=order_id, if_match=condition), key)

    @router.post(
        "/{order_id}/ship",
        response_model=OrderView,
        responses=responses(*CHANGING),
        dependencies=[Depends(require_staff)],
    )
    async def ship(
        request: Request, order_id: OrderIdPath, condition: Condition, key: IdempotencyKeyHeader = None
    ) -> Response:
        """Ship a CONFIRMED order; what was reserved for it has left the warehouse."""
        return await change(request, ShipOrder(order_id=order_id, if_match=condition), key)


def _add_queries(router: APIRouter, queries: Queries, peers: Peers) -> None:
    @router.get("/{order_id}", response_model=OrderView, responses=responses(304, *READING))
    async def one(request: Request, order_id: OrderIdPath, seen: IfNoneMatchHeader = None) -> Response:
        """The owner's own state of an order, asked for at any instance."""
        owner = _owner(order_id, peers)
        if owner != peers.instance:
            return await peers.forward(request, owner)
        order = await _own(request, order_id, queries)
        if order is None:
            raise UnknownOrderError(f"no order {order_id}")
        return representation.state_unless_seen(order, seen)

    @router.get("", response_model=OrderList, responses=responses(400, 422, 503))
    async def of_user(
        request: Request,
        user_id: Annotated[UserId, Query()],
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> Response:
        """The user's orders at this instance only, the latest first: the problem that the catalog answers."""
        require_own(request, user_id)
        return representation.orders(await queries.orders_of(user_id, limit=limit))


def _owner(order_id: str, peers: Peers) -> str:
    """An order's id begins with its owner's name."""
    owner = order_id.rpartition("-")[0]
    if not peers.knows(owner):
        raise UnknownOrderError(f"no order {order_id}")
    return owner


async def _own(request: Request, order_id: str, queries: Queries) -> Order | None:
    """The order, if it belongs to who asks; that one cannot be read is not told to others."""
    try:
        order = await queries.order(order_id)
    except UnreadableStateError:
        require_own(request, await queries.user_of(order_id))
        raise
    if order is not None:
        require_own(request, order.user_id)
    return order
