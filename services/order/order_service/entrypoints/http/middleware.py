"""What every request passes through: trace, metrics and log line, the answer to a defect, body limit."""

from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from time import perf_counter

import structlog
from prometheus_client import Counter, Histogram
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from order_service import telemetry
from order_service.entrypoints.http import tracing
from order_service.entrypoints.http.problems import BODY_TOO_LARGE, INTERNAL, ProblemError, problem

log = structlog.get_logger()

REQUESTS = Counter("order_http_requests_total", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram(
    "order_http_request_seconds",
    "From the request's head to the end of its answer",
    ["method", "route", "status"],
)

UNTRACED = ("/health", "/metrics", "/docs")  # asked all the time by those who watch
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@cache
def _figures(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Finding them by their labels costs more than counting. There are as many as methods, routes and statuses."""
    return REQUESTS.labels(method, route, status), SECONDS.labels(method, route, status)


@dataclass(frozen=True, slots=True)
class ObservationMiddleware:
    """Gives the request its trace, measures it, and logs it at DEBUG.

    What nothing further in has caught is a defect: logged at ERROR and answered with a 500 that is counted as such.
    """

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = perf_counter()
        sent = tracing.received(_header(scope, b"traceparent"))
        span = _span(scope, sent)
        trace = tracing.begin(span.traceparent)
        status = 0

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        # `bound_contextvars` would look through the whole context, twice.
        bound = structlog.contextvars.bind_contextvars(trace_id=tracing.id_of(trace))
        with span:
            try:
                await self.app(scope, receive, observed)
            except Exception:
                log.exception("request.failed", path=scope["path"])
                if status:  # too late to say so: the connection is closed in the middle of the answer
                    raise
                failed = ProblemError(INTERNAL, "the defect is in the log")
                await problem(failed, scope["path"])(scope, receive, observed)
            finally:
                self._record(scope, status, perf_counter() - begun, span)
                structlog.contextvars.reset_contextvars(**bound)

    def _record(self, scope: Scope, status: int, seconds: float, span: telemetry.Span) -> None:
        method, route = scope["method"], getattr(scope.get("route"), "path", "unmatched")
        if method not in METHODS:
            method = "other"
        requests, duration = _figures(method, route, status)
        requests.inc()
        duration.observe(seconds, telemetry.exemplar(span.traceparent))
        span.rename(f"{method} {route}")
        span.set({"http.route": route, "http.response.status_code": status})
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            span.fail(str(status))
        log.debug("request", method=method, path=scope["path"], status=status, ms=round(seconds * 1000, 3))


@dataclass(frozen=True, slots=True)
class BodyLimitMiddleware:
    """413 for a body of more than `limit` bytes, whether its length is announced or it comes in chunks.

    FastAPI's own `max_body_size` answers an announced length in plain text; here every answer is a problem.
    """

    app: ASGIApp
    limit: int

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        announced = _header(scope, b"content-length") or "0"
        try:
            body = (
                None if not announced.isdigit() or int(announced) > self.limit else await self._read(receive)
            )
        except ClientDisconnect:
            return  # half a body is no command, and nobody waits for an answer
        if body is None:
            too_large = ProblemError(BODY_TOO_LARGE, f"a body has at most {self.limit} bytes")
            await problem(too_large, scope["path"])(scope, receive, send)
            return
        pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return pending.pop() if pending else await receive()

        await self.app(scope, replay, send)

    async def _read(self, receive: Receive) -> bytes | None:
        chunks: list[bytes] = []
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > self.limit:
                return None
            more = message.get("more_body", False)
        return b"".join(chunks)


def _span(scope: Scope, sent: str) -> telemetry.Span:
    if not telemetry.is_on() or scope["path"].startswith(UNTRACED):
        return telemetry.Span(sent)
    attributes = {
        "http.request.method": scope["method"],
        "url.path": scope["path"],
        "url.scheme": scope["scheme"],
    }
    return telemetry.begin(scope["method"], parent=sent, kind="server", attributes=attributes)


def _header(scope: Scope, name: bytes) -> str | None:
    for key, value in scope["headers"]:
        if key == name:
            text: str = value.decode("latin-1")
            return text
    return None
