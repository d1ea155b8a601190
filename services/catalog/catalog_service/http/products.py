"""GET /products, /products/{product_id}."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from catalog_service.http.answers import answer, product_page, shown_product
from catalog_service.http.consistency import Hold
from catalog_service.http.models import Id, Product, ProductPage, ProductsQuestion, Question
from catalog_service.http.problems import not_found, responses
from catalog_service.read_model.orders import RowSource
from catalog_service.read_model.products import get_product, list_products


def product_routes(rows: RowSource, *, hold: Hold) -> APIRouter:
    """Products of every instance."""
    routes = APIRouter(tags=["products"])

    @routes.get(
        "/products", response_model=ProductPage, responses=responses(400, 424), dependencies=[Depends(hold)]
    )
    async def products(request: Request, question: Annotated[ProductsQuestion, Query()]) -> Response:
        page = await list_products(
            rows, instance=question.instance, limit=question.limit, cursor=question.cursor
        )
        return answer(request, product_page(page))

    @routes.get(
        "/products/{product_id}",
        response_model=Product,
        responses=responses(400, 404, 424),
        dependencies=[Depends(hold)],
    )
    async def product(
        request: Request, product_id: Annotated[Id, Path()], _: Annotated[Question, Query()]
    ) -> Response:
        row = await get_product(rows, product_id)
        if row is None:
            raise not_found("unknown-product", f"no product {product_id} is visible here")
        return answer(request, shown_product(row), etag=str(row["version"]))

    return routes
