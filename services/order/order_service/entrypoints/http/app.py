"""The ASGI application, built from its parts."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from fastapi import FastAPI

from order_service.entrypoints.http import problems
from order_service.entrypoints.http.bodies import Problem
from order_service.entrypoints.http.claims import claims_router
from order_service.entrypoints.http.dispatch import Dispatch
from order_service.entrypoints.http.docs import docs_routes
from order_service.entrypoints.http.guard import RequestGuard
from order_service.entrypoints.http.health import Check, health_router
from order_service.entrypoints.http.methods import HeadMiddleware
from order_service.entrypoints.http.middleware import BodyLimitMiddleware, ObservationMiddleware
from order_service.entrypoints.http.orders import orders_router
from order_service.entrypoints.http.products import products_router
from order_service.entrypoints.http.response_headers import ResponseHeadersMiddleware


def build_app(
    *, instance: str, dispatch: Dispatch, checks: Mapping[str, Check], body_limit: int, hosts: Collection[str]
) -> FastAPI:
    """Everything is an argument; nothing connects here. `hosts` are the names this instance may be called by."""
    title = f"Order service, {instance}"
    app = FastAPI(
        title=title,
        version="1",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses={
            code: {"model": Problem, "description": "Problem", "content": {problems.MEDIA_TYPE: {}}}
            for code in (400, 403, 404, 409, 412, 413, 415, 421, 422, 429, 503, 504)
        },
    )
    problems.install(app)
    app.include_router(orders_router(dispatch))
    app.include_router(products_router(dispatch))
    app.include_router(claims_router(dispatch.keep, dispatch.peers))
    app.include_router(health_router(checks))
    app.include_router(docs_routes(title))
    # The last one added comes first.
    app.add_middleware(BodyLimitMiddleware, limit=body_limit)
    app.add_middleware(HeadMiddleware)
    app.add_middleware(RequestGuard, hosts=hosts, refuse=problems.refusal)
    app.add_middleware(ObservationMiddleware)
    app.add_middleware(ResponseHeadersMiddleware)
    return app
