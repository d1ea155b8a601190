"""The worker's HTTP interface: Kafka Connect's REST API, and metrics."""

from collections.abc import Callable, Collection

from fastapi import Depends, FastAPI, Request, Response
from prometheus_client import REGISTRY

from sink_connector.rest import connectors, errors, loggers, offsets, plugins
from sink_connector.rest.accept import require_json_accepted
from sink_connector.rest.basic_auth import BasicAuth
from sink_connector.rest.dependencies import Context, RestContext
from sink_connector.rest.docs import docs_routes
from sink_connector.rest.exposition import metrics_response
from sink_connector.rest.guard import RequestGuard
from sink_connector.rest.methods import HeadMiddleware
from sink_connector.rest.requests import BodyLimit, ConnectPaths
from sink_connector.rest.response_headers import ResponseHeadersMiddleware
from sink_connector.version import CONNECT_VERSION, VERSION

SPEAKS_JSON = [Depends(require_json_accepted)]


def make_app(
    context: RestContext,
    *,
    hosts: Collection[str] = (),
    knows: Callable[[str, str], bool] | None = None,
    serves_log_levels: bool = True,
) -> FastAPI:
    """The worker's ASGI application. `hosts` are the names it may be called by.

    `knows` tells whether a user's password is the right one; without it nobody is asked. Without `serves_log_levels` there is
    no `/admin/loggers`.
    """
    title = "Sink connector"
    app = FastAPI(
        title=title,
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        # Requests here are no part of a record's way; FastAPI would make traces and metrics of its own of each.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.context = context
    errors.install(app)
    routers = [offsets.router, offsets.commands, connectors.router, connectors.commands, plugins.router]
    for router in [*routers, loggers.router] if serves_log_levels else routers:
        app.include_router(router, dependencies=SPEAKS_JSON)
    app.include_router(docs_routes(title))
    # The last one added comes first.
    app.add_middleware(BodyLimit)
    app.add_middleware(ConnectPaths)
    app.add_middleware(HeadMiddleware)
    if knows is not None:
        app.add_middleware(BasicAuth, knows=knows)
    app.add_middleware(RequestGuard, hosts=hosts, refuse=errors.refusal)
    app.add_middleware(ResponseHeadersMiddleware)
    _add_own_routes(app)
    return app


def _add_own_routes(app: FastAPI) -> None:
    @app.get("/", dependencies=SPEAKS_JSON)
    async def root(context: Context) -> dict[str, str]:
        """The version is that of the Connect release whose API this is."""
        return {
            "version": CONNECT_VERSION,
            "commit": f"sink-connector-{VERSION}",
            "kafka_cluster_id": context.cluster_id,
        }

    @app.get("/health", dependencies=SPEAKS_JSON)
    async def health() -> dict[str, str]:
        """200 once the worker has joined its group and knows its connectors. How these are is their status."""
        return {
            "status": "healthy",
            "message": "Worker has completed startup and is ready to handle requests.",
        }

    @app.get("/metrics")
    async def metrics(request: Request) -> Response:
        """OpenMetrics, with exemplars, for who accepts it (Prometheus does); else Prometheus' text format."""
        return metrics_response(REGISTRY, request.headers.get("accept", ""))
