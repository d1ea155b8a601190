"""Routes of products."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from order_service.domain.errors import UnknownProductError
from order_service.entrypoints.http import representation
from order_service.entrypoints.http.bodies import PriceBody, ProductView, RegisterProductBody, RestockBody
from order_service.entrypoints.http.body_route import BodyRoute
from order_service.entrypoints.http.dispatch import Command, Dispatch
from order_service.entrypoints.http.parameters import (
    CHANGING,
    CREATING,
    IfNoneMatchHeader,
    ProductIdPath,
    if_match,
)
from order_service.service_layer.use_cases.register_product import RegisterProduct
from order_service.service_layer.use_cases.reprice_product import RepriceProduct
from order_service.service_layer.use_cases.restock_product import RestockProduct


def products_router(dispatch: Dispatch) -> APIRouter:
    """Parse, run one use case, represent."""
    router = APIRouter(prefix="/products", tags=["products"], route_class=BodyRoute)

    async def owner_of(product_id: str) -> str:
        offer = await dispatch.queries.offer(product_id)
        if offer is None:
            raise UnknownProductError(f"no product {product_id} is known at {dispatch.peers.instance}")
        return offer.instance

    @router.post("", status_code=201, openapi_extra=CREATING, response_model=ProductView)
    async def register(request: Request, body: RegisterProductBody) -> Response:
        """Register a product; this instance becomes its owner."""
        use_case = RegisterProduct(
            product_id=body.product_id,
            name=body.name,
            unit_price_cents=body.unit_price_cents,
            stock=body.stock,
        )
        command = Command.of(request, body)
        name = f"product {body.product_id}"
        return await dispatch.create(command, use_case, representation.created, name=name)

    @router.post("/{product_id}/restock", openapi_extra=CHANGING, response_model=ProductView)
    async def restock(
        request: Request,
        product_id: ProductIdPath,
        body: RestockBody,
    ) -> Response:
        """More goods have arrived at the product's owner."""
        use_case = RestockProduct(product_id=product_id, quantity=body.quantity, if_match=if_match(request))
        command = Command.of(request, body)
        return await dispatch.change(command, await owner_of(product_id), use_case, representation.state)

    @router.post("/{product_id}/price", openapi_extra=CHANGING, response_model=ProductView)
    async def price(
        request: Request,
        product_id: ProductIdPath,
        body: PriceBody,
    ) -> Response:
        """A new price for orders to come."""
        use_case = RepriceProduct(
            product_id=product_id, unit_price_cents=body.unit_price_cents, if_match=if_match(request)
        )
        command = Command.of(request, body)
        return await dispatch.change(command, await owner_of(product_id), use_case, representation.state)

    @router.get("/{product_id}", response_model=ProductView)
    async def one(request: Request, product_id: ProductIdPath, seen: IfNoneMatchHeader = None) -> Response:
        """The owner's own state of a product, asked for at any instance."""
        owner = await owner_of(product_id)
        if owner != dispatch.peers.instance:
            return await dispatch.peers.forward(request, owner)
        product = await dispatch.queries.product(product_id)
        if product is None:
            raise UnknownProductError(f"no product {product_id}")
        return representation.unless_seen(representation.state(product), seen)

    return router
