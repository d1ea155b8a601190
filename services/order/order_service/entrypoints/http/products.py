"""Routes of products: parse, run one use case, represent. Answers are given as those of orders are."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel

from order_service.adapters.queries import Queries
from order_service.domain.errors import UnknownProductError
from order_service.entrypoints.http import representation
from order_service.entrypoints.http.authentication import require_staff
from order_service.entrypoints.http.bodies import PriceBody, ProductView, RegisterProductBody, RestockBody
from order_service.entrypoints.http.commands import Commands, request_key
from order_service.entrypoints.http.json_route import JsonRoute
from order_service.entrypoints.http.parameters import (
    Condition,
    IdempotencyKeyHeader,
    IfNoneMatchHeader,
    ProductIdPath,
)
from order_service.entrypoints.http.peers import Peers
from order_service.entrypoints.http.problems import CHANGING, CREATING, READING, responses
from order_service.service_layer.use_cases.register_product import RegisterProduct
from order_service.service_layer.use_cases.reprice_product import RepriceProduct
from order_service.service_layer.use_cases.restock_product import RestockProduct

STAFF_ONLY = [Depends(require_staff)]
ProductCommand = RestockProduct | RepriceProduct
Change = Callable[[Request, ProductCommand, str | None, BaseModel], Awaitable[Response]]


def products_router(commands: Commands, queries: Queries, peers: Peers) -> APIRouter:
    """Commands are carried out, and products shown, by the instance that registered the product."""
    router = APIRouter(prefix="/products", tags=["products"], route_class=JsonRoute)
    _add_register(router, commands)
    change = _changing(commands, queries, peers)
    _add_restock(router, change)
    _add_price(router, change)
    _add_queries(router, queries, peers)
    return router


def _add_register(router: APIRouter, commands: Commands) -> None:
    @router.post(
        "",
        status_code=201,
        response_model=ProductView,
        responses=responses(*CREATING),
        dependencies=STAFF_ONLY,
    )
    async def register(
        request: Request, body: RegisterProductBody, key: IdempotencyKeyHeader = None
    ) -> Response:
        """Register a product; this instance becomes its owner."""
        use_case = RegisterProduct(
            product_id=body.product_id,
            name=body.name,
            unit_price_cents=body.unit_price_cents,
            stock=body.stock,
        )
        return await commands.create(
            request,
            use_case,
            representation.created,
            key=request_key(request, key, body),
            name=f"product {body.product_id}",
        )


def _changing(commands: Commands, queries: Queries, peers: Peers) -> Change:
    """Carries out a use case at the product's owner."""

    async def change(
        request: Request, use_case: ProductCommand, key: str | None, body: BaseModel
    ) -> Response:
        owner = await _owner(use_case.product_id, queries, peers)
        return await commands.change(
            request, use_case, representation.state, owner=owner, key=request_key(request, key, body)
        )

    return change


def _add_restock(router: APIRouter, change: Change) -> None:
    @router.post(
        "/{product_id}/restock",
        response_model=ProductView,
        responses=responses(*CHANGING),
        dependencies=STAFF_ONLY,
    )
    async def restock(
        request: Request,
        product_id: ProductIdPath,
        body: RestockBody,
        condition: Condition,
        key: IdempotencyKeyHeader = None,
    ) -> Response:
        """More goods have arrived at the product's owner."""
        use_case = RestockProduct(product_id=product_id, quantity=body.quantity, if_match=condition)
        return await change(request, use_case, key, body)


def _add_price(router: APIRouter, change: Change) -> None:
    @router.post(
        "/{product_id}/price",
        response_model=ProductView,
        responses=responses(*CHANGING),
        dependencies=STAFF_ONLY,
    )
    async def price(
        request: Request,
        product_id: ProductIdPath,
        body: PriceBody,
        condition: Condition,
        key: IdempotencyKeyHeader = None,
    ) -> Response:
        """A new price for orders to come."""
        cents = body.unit_price_cents
        use_case = RepriceProduct(product_id=product_id, unit_price_cents=cents, if_match=condition)
        return await change(request, use_case, key, body)


def _add_queries(router: APIRouter, queries: Queries, peers: Peers) -> None:
    @router.get("/{product_id}", response_model=ProductView, responses=responses(304, *READING))
    async def one(request: Request, product_id: ProductIdPath, seen: IfNoneMatchHeader = None) -> Response:
        """The owner's own state of a product, asked for at any instance."""
        owner = await _owner(product_id, queries, peers)
        if owner != peers.instance:
            return await peers.forward(request, owner)
        product = await queries.product(product_id)
        if product is None:
            raise UnknownProductError(f"no product {product_id}")
        return representation.state_unless_seen(product, seen)


async def _owner(product_id: str, queries: Queries, peers: Peers) -> str:
    """The instance that registered the product, as this one has heard."""
    offer = await queries.offer(product_id)
    if offer is None:
        raise UnknownProductError(f"no product {product_id} is known at {peers.instance}")
    return offer.instance
