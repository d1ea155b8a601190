"""The ASGI application, built from its parts."""

from collections.abc import Collection
from typing import Any

from fastapi import APIRouter, FastAPI

from order_service.entrypoints.http import problems
from order_service.entrypoints.http.authentication import (
    AuthenticationMiddleware,
    TokenVerifier,
    describe_authentication,
)
from order_service.entrypoints.http.docs import docs_routes
from order_service.entrypoints.http.guard import RequestGuard
from order_service.entrypoints.http.methods import HeadMiddleware
from order_service.entrypoints.http.middleware import BodyLimitMiddleware, ObservationMiddleware
from order_service.entrypoints.http.response_headers import ResponseHeadersMiddleware

# Probes have no token, and instances prove to each other who they are with a secret of their own.
OPEN_PATHS = ("/health/", "/internal/")


def build_app(
    *,
    instance: str,
    routers: Collection[APIRouter],
    body_limit: int,
    hosts: Collection[str],
    verifier: TokenVerifier | None = None,
) -> FastAPI:
    """Everything is an argument; nothing connects here.

    `hosts` are the names this instance may be called by. Without a `verifier` nobody has to say who they are.
    """
    title = f"Order service, {instance}"
    app = FastAPI(
        title=title,
        version="1",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # Traces and metrics are the service's own (`ObservationMiddleware`); FastAPI would ask for a provider every time.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    problems.install(app)
    # The routes themselves: FastAPI looks twice through every router that is included, for each request.
    app.router.routes.extend(route for router in (*routers, docs_routes(title)) for route in router.routes)
    # The last one added comes first.
    app.add_middleware(BodyLimitMiddleware, limit=body_limit)
    app.add_middleware(HeadMiddleware)
    if verifier is not None:
        app.add_middleware(
            AuthenticationMiddleware, verifier=verifier, refuse=problems.refusal, open_paths=OPEN_PATHS
        )
    app.add_middleware(RequestGuard, hosts=hosts, refuse=problems.refusal)
    app.add_middleware(ObservationMiddleware)
    app.add_middleware(ResponseHeadersMiddleware)
    _complete_description(app, verifier)
    return app


def _complete_description(app: FastAPI, verifier: TokenVerifier | None) -> None:
    """Have OpenAPI say what FastAPI does not know of; it is made when somebody asks for it."""
    of_routes = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = of_routes()
            problems.describe(document)
            if verifier is not None:
                describe_authentication(
                    document, issuer=verifier.issuer, open_paths=OPEN_PATHS, refusal=problems.DESCRIBED
                )
        return of_routes()

    app.openapi = described  # type: ignore[method-assign]  # as FastAPI's manual has it
