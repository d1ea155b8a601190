"""The HTTP face: routes put together around what `bootstrap` built."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from fastapi import APIRouter, FastAPI
from prometheus_client import Histogram

from catalog_service.http.authentication import (
    AuthenticationMiddleware,
    TokenVerifier,
    describe_authentication,
)
from catalog_service.http.docs import docs_routes
from catalog_service.http.guard import RequestGuard
from catalog_service.http.guide import GuidePages
from catalog_service.http.methods import HeadMiddleware
from catalog_service.http.page import page_assets
from catalog_service.http.problems import DESCRIBED, ProblemDocument, install_problems, refusal
from catalog_service.http.response_headers import ResponseHeadersMiddleware
from catalog_service.http.sign_in import SessionCookie
from catalog_service.http.stream_limit import StreamLimitMiddleware

_DESCRIPTION = "One picture from many databases: answers from the read database that the sink keeps in step."

# Probes have no token; the page itself and the guide hold nothing of anybody, and signing in is how one gets a token.
OPEN_PATHS = ("/health/", "/", "/assets/", "/guide", "/guide/", "/session", "/session/")


def build_app(  # noqa: PLR0913 - the parts of an application
    routes: Sequence[APIRouter],
    *,
    lag_ms: Callable[[], int],
    seconds: Histogram,
    hosts: Collection[str] = (),
    streams_per_client: int = 20,
    guide: Path | None = None,
    verifier: TokenVerifier | None = None,
) -> FastAPI:
    """The application of `routes`, every error a problem. `hosts` are the names it may be called by.

    `guide` is the folder of the built guide. Without a `verifier` nobody has to say who they are.
    """
    app = FastAPI(
        title="Catalog",
        version="1.0.0",
        description=_DESCRIPTION,
        separate_input_output_schemas=False,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # Traces and metrics are the service's own (`ResponseHeadersMiddleware`); FastAPI would make its own of every request.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    for each in (*routes, docs_routes("Catalog")):
        app.include_router(each)
    app.mount("/assets", page_assets())
    app.mount("/guide", GuidePages(guide))
    # The last one added comes first.
    app.add_middleware(StreamLimitMiddleware, limit=streams_per_client)
    app.add_middleware(HeadMiddleware)
    if verifier is not None:
        app.add_middleware(AuthenticationMiddleware, verifier=verifier, refuse=refusal, open_paths=OPEN_PATHS)
        app.add_middleware(SessionCookie)
    app.add_middleware(RequestGuard, hosts=hosts, refuse=refusal)
    app.add_middleware(ResponseHeadersMiddleware, lag_ms=lag_ms, seconds=seconds)
    install_problems(app)
    _describe_problems(app)
    if verifier is not None:
        describe_authentication(
            app.openapi(), issuer=verifier.issuer, open_paths=OPEN_PATHS, refusal=DESCRIBED
        )
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
