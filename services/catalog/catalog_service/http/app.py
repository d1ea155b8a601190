"""The HTTP face: routes put together around what `bootstrap` built."""

from collections.abc import Callable, Sequence

from fastapi import APIRouter, FastAPI
from prometheus_client import CollectorRegistry

from catalog_service.http.page import page_assets
from catalog_service.http.problems import ProblemDocument, install_problems
from catalog_service.http.response_headers import ResponseHeadersMiddleware

_DESCRIPTION = "One picture from many databases: answers from the read database that the sink keeps in step."


def build_app(
    routes: Sequence[APIRouter], *, lag_ms: Callable[[], int], metrics: CollectorRegistry
) -> FastAPI:
    """The application of `routes`, every error a problem."""
    app = FastAPI(
        title="Catalog", version="1.0.0", description=_DESCRIPTION, separate_input_output_schemas=False
    )
    for each in routes:
        app.include_router(each)
    app.mount("/assets", page_assets())
    app.add_middleware(ResponseHeadersMiddleware, lag_ms=lag_ms, metrics=metrics)
    install_problems(app)
    _describe_problems(app)
    return app


def _describe_problems(app: FastAPI) -> None:
    """Name the problem document in OpenAPI; routes refer to it (FastAPI's own validation error has no place)."""
    schema = app.openapi()
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    problem = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs", {})
    schemas["ProblemDocument"] = problem
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
