"""GET /health/live, /health/ready, /metrics."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Depends, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from catalog_service.http.authentication import require_staff
from catalog_service.http.problems import responses, unavailable


def health_routes(*, missing: Callable[[], Awaitable[str | None]], metrics: CollectorRegistry) -> APIRouter:
    """`missing` says what stands between this process and its work, in words, or None."""
    routes = APIRouter(tags=["operations"])

    @routes.get("/health/live", responses=responses())
    async def live() -> dict[str, str]:
        return {"status": "live"}

    @routes.get("/health/ready", responses=responses())
    async def ready() -> dict[str, str]:
        if reason := await missing():
            raise unavailable("not-ready", reason)
        return {"status": "ready"}

    @routes.get("/metrics", response_class=Response, dependencies=[Depends(require_staff)])
    async def exposition() -> Response:
        return Response(generate_latest(metrics), media_type=CONTENT_TYPE_LATEST)

    return routes
