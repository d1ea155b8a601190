"""The ASGI application, built from its parts."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import FastAPI

from order_service.entrypoints.http import problems
from order_service.entrypoints.http.bodies import Problem
from order_service.entrypoints.http.claims import claims_router
from order_service.entrypoints.http.dispatch import Dispatch
from order_service.entrypoints.http.health import Check, health_router
from order_service.entrypoints.http.middleware import BodyLimit, Observed
from order_service.entrypoints.http.orders import orders_router
from order_service.entrypoints.http.products import products_router


def build_app(*, instance: str, dispatch: Dispatch, checks: Mapping[str, Check], body_limit: int) -> FastAPI:
    """Everything is an argument; nothing connects here."""
    app = FastAPI(
        title=f"Order service, {instance}",
        version="1",
        redoc_url=None,
        responses={
            code: {"model": Problem, "description": "Problem", "content": {problems.MEDIA_TYPE: {}}}
            for code in (400, 404, 409, 412, 413, 415, 421, 422, 429, 503, 504)
        },
    )
    problems.install(app)
    app.include_router(orders_router(dispatch))
    app.include_router(products_router(dispatch))
    app.include_router(claims_router(dispatch.keep))
    app.include_router(health_router(checks))
    app.add_middleware(BodyLimit, limit=body_limit)
    app.add_middleware(Observed)
    return app
