"""GET /sync: how fresh the one picture is, and where the time goes."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from catalog_service.http.authentication import require_staff
from catalog_service.http.models import Question
from catalog_service.http.problems import responses
from catalog_service.monitoring.sync_status import SyncStatus


def sync_routes(report: Callable[[], Awaitable[SyncStatus]]) -> APIRouter:
    """The state of the synchronisation."""
    routes = APIRouter(tags=["synchronisation"])

    @routes.get("/sync", responses=responses(), dependencies=[Depends(require_staff)])
    async def sync(_: Annotated[Question, Query()]) -> SyncStatus:
        """Offsets and lag per partition, percentiles per leg (milliseconds, last minute), dead letters, all parts."""
        return await report()

    return routes
