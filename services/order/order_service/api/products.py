"""Routes of products."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from order_service.api.bodies import ProductView, RegisterProductBody
from order_service.api.gate import Gate
from order_service.api.representation import respond
from order_service.commands.register_product import RegisterProduct
from order_service.domain.refusals import UnknownProduct
from order_service.storage.queries import Queries

ProductIdPath = Annotated[str, Path(max_length=64)]


def products_router(gate: Gate, queries: Queries) -> APIRouter:
    """Parse, run one use case, represent."""
    router = APIRouter(prefix="/products", tags=["products"])

    @router.post("", status_code=201, response_model=ProductView)
    async def register(body: RegisterProductBody) -> Response:
        """Register a product; this instance becomes its home."""
        use_case = RegisterProduct(
            product_id=body.product_id,
            name=body.name,
            unit_price_cents=body.unit_price_cents,
            stock=body.stock,
        )
        return respond(await gate.run(use_case), status=201)

    @router.get("/{product_id}", response_model=ProductView)
    async def one(product_id: ProductIdPath) -> Response:
        """The home's own state of a product."""
        product = await queries.product(product_id)
        if product is None:
            raise UnknownProduct(f"no product {product_id} here")
        return respond(product)

    return router
