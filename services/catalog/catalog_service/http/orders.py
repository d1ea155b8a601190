"""GET /orders, /orders/{order_id}, /orders/{order_id}/history."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from catalog_service.http.answers import answer, order_page, shown_order
from catalog_service.http.authentication import require_own
from catalog_service.http.consistency import Hold
from catalog_service.http.models import Id, Order, OrderPage, OrdersQuestion, PageQuestion, Question
from catalog_service.http.problems import not_found, responses
from catalog_service.read_model.orders import (
    OrderFilter,
    RowSource,
    get_order,
    list_order_history,
    list_orders,
)


def order_routes(rows: RowSource, *, hold: Hold) -> APIRouter:
    """The one picture: orders of every instance."""
    routes = APIRouter(tags=["orders"])

    @routes.get(
        "/orders", response_model=OrderPage, responses=responses(400, 424), dependencies=[Depends(hold)]
    )
    async def orders(request: Request, question: Annotated[OrdersQuestion, Query()]) -> Response:
        require_own(request, question.user_id)
        wanted = OrderFilter(**question.model_dump(exclude={"limit", "cursor"}))
        page = await list_orders(rows, wanted=wanted, limit=question.limit, cursor=question.cursor)
        return answer(request, order_page(page))

    @routes.get(
        "/orders/{order_id}",
        response_model=Order,
        responses=responses(400, 404, 424),
        dependencies=[Depends(hold)],
    )
    async def order(
        request: Request, order_id: Annotated[Id, Path()], _: Annotated[Question, Query()]
    ) -> Response:
        row = await get_order(rows, order_id)
        if row is None:
            raise not_found("unknown-order", f"no order {order_id} is visible here")
        require_own(request, row["user_id"])
        return answer(request, shown_order(row), etag=str(row["version"]))

    return routes


def history_routes(rows: RowSource, *, hold: Hold) -> APIRouter:
    """The life of one order; a connector of its own writes it, so `hold` waits for that one."""
    routes = APIRouter(tags=["orders"])

    @routes.get(
        "/orders/{order_id}/history",
        response_model=OrderPage,
        responses=responses(400, 404, 424),
        dependencies=[Depends(hold)],
    )
    async def history(
        request: Request, order_id: Annotated[Id, Path()], question: Annotated[PageQuestion, Query()]
    ) -> Response:
        page = await list_order_history(rows, order_id, limit=question.limit, cursor=question.cursor)
        for row in page.items[:1]:  # they are all of one user
            require_own(request, row["user_id"])
        if not page.items and question.cursor is None:
            raise not_found("unknown-order", f"no event of order {order_id} is visible here")
        return answer(request, order_page(page))

    return routes
