"""Liveness, readiness, metrics."""

from collections.abc import Awaitable, Callable, Mapping

from fastapi import APIRouter, Depends, Request, Response
from prometheus_client import REGISTRY

from order_service.entrypoints.http.authentication import require_staff
from order_service.entrypoints.http.exposition import metrics_response
from order_service.entrypoints.http.problems import NOT_READY, ProblemError, responses

Check = Callable[[], Awaitable[str | None]]
"""Answers what is missing, or None."""


def health_router(checks: Mapping[str, Check]) -> APIRouter:
    """`checks` stand beside what they check; readiness is all of them."""
    router = APIRouter(tags=["operations"])

    @router.get("/health/live", responses=responses(400))
    async def live() -> dict[str, str]:
        """The process serves."""
        return {"status": "ok"}

    @router.get("/health/ready", responses=responses(400, 503))
    async def ready() -> dict[str, str]:
        """It can do its work; if not, the problem names what is missing."""
        missing = {name: lack for name, check in checks.items() if (lack := await check()) is not None}
        if missing:
            raise ProblemError(
                NOT_READY, "; ".join(f"{name}: {lack}" for name, lack in missing.items()), retry_after=1
            )
        return {"status": "ok"}

    @router.get(
        "/metrics",
        response_class=Response,
        responses=responses(400),
        dependencies=[Depends(require_staff)],
    )
    async def metrics(request: Request) -> Response:
        """OpenMetrics, with exemplars, for who accepts it (Prometheus does); else Prometheus' text format."""
        return metrics_response(REGISTRY, request.headers.get("accept", ""))

    return router
