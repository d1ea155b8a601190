"""GET /sales, /users/{user_id}/summary."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from catalog_service.http.answers import answer
from catalog_service.http.authentication import require_own, require_staff
from catalog_service.http.consistency import Hold
from catalog_service.http.models import (
    BestSellers,
    ProductSales,
    Question,
    SalesQuestion,
    UserId,
    UserSummary,
)
from catalog_service.http.problems import not_found, responses
from catalog_service.read_model.orders import RowSource
from catalog_service.read_model.summaries import get_user_summary, list_best_sellers


def summary_routes(rows: RowSource, *, hold: Hold) -> APIRouter:
    """What the orders add up to."""
    routes = APIRouter(tags=["products"])

    @routes.get(
        "/sales",
        response_model=BestSellers,
        responses=responses(400, 424),
        dependencies=[Depends(require_staff), Depends(hold)],
    )
    async def sales(request: Request, question: Annotated[SalesQuestion, Query()]) -> Response:
        found = await list_best_sellers(rows, limit=question.limit)
        items = [ProductSales.model_validate(dict(row)) for row in found]
        return answer(request, BestSellers(items=items))

    @routes.get(
        "/users/{user_id}/summary",
        response_model=UserSummary,
        responses=responses(400, 404, 424),
        dependencies=[Depends(hold)],
    )
    async def summary(
        request: Request, user_id: Annotated[UserId, Path()], _: Annotated[Question, Query()]
    ) -> Response:
        require_own(request, user_id)
        row = await get_user_summary(rows, user_id)
        if row is None:
            raise not_found("unknown-user", f"no order of user {user_id} is visible here")
        return answer(request, UserSummary.model_validate(dict(row)))

    return routes
