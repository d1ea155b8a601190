"""GET /health/live, /health/ready, /metrics."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import CollectorRegistry

from catalog_service.http.authentication import require_staff
from catalog_service.http.exposition import metrics_response
from catalog_service.http.problems import responses, unavailable

_PATIENCE_S = 2.0


def health_routes(
    *,
    missing: Callable[[], Awaitable[str | None]],
    metrics: CollectorRegistry,
    observe: Callable[[], Awaitable[None]],
) -> APIRouter:
    """`missing` says what stands between this process and its work, in words, or None.

    `observe` brings up to date what has to be asked for; the metrics do not wait long for it.
    """
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
    async def exposition(request: Request) -> Response:
        """OpenMetrics, with exemplars, for who accepts it (Prometheus does); else Prometheus' text format."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_S):
                await observe()
        return metrics_response(metrics, request.headers.get("accept", ""))

    return routes
