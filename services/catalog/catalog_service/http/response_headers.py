"""What every answer carries and every request leaves behind: freshness, safety headers, figures."""

import time
from collections.abc import Callable
from http import HTTPStatus

import structlog
from prometheus_client import Histogram
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from catalog_service import telemetry
from catalog_service.http.problems import refusal

log = structlog.get_logger(__name__)

SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# Asked all the time, and no part of any order.
_UNTRACED = ("/health", "/metrics", "/docs", "/assets", "/guide", "/playground")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class ResponseHeadersMiddleware:
    """ASGI middleware; it passes bodies through untouched, streams included.

    What nothing further in has caught is a defect: logged, answered with a 500 and counted as one.
    """

    def __init__(self, app: ASGIApp, *, lag_ms: Callable[[], int], seconds: Histogram) -> None:
        """`lag_ms` gives `Sync-Lag-Ms`; the time of each answer goes to `seconds`."""
        self._app = app
        self._lag_ms = lag_ms
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        started = False
        span = _span(scope)
        scope["traceparent"] = span.traceparent

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers["Sync-Lag-Ms"] = str(self._lag_ms())
                for name, value in SAFE_HEADERS.items():
                    headers.setdefault(name, value)
                route = getattr(scope.get("route"), "path", "other")
                method = scope["method"] if scope["method"] in _METHODS else "other"
                labels = (method, route, str(message["status"]))
                span.rename(f"{method} {route}")
                span.set({"http.route": route, "http.response.status_code": message["status"]})
                if message["status"] >= HTTPStatus.INTERNAL_SERVER_ERROR:
                    span.fail(labels[2])
                seconds = time.perf_counter() - began
                self._seconds.labels(*labels).observe(seconds, telemetry.exemplar(span.traceparent))
            await send(message)

        with structlog.contextvars.bound_contextvars(trace_id=span.traceparent[3:35]), span:
            try:
                await self._app(scope, receive, send_with_headers)
            except Exception:
                log.exception("request.failed", path=scope["path"])
                if started:  # too late to say so: the connection is closed in the middle of the answer
                    raise
                failed = refusal(
                    scope, HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error", "the defect is in the log"
                )
                await failed(scope, receive, send_with_headers)


def _span(scope: Scope) -> telemetry.Span:
    """The request's span; while nothing is recorded, the trace that it was sent with, empty for none."""
    sent = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"), "")
    sent = sent if telemetry.TRACEPARENT.fullmatch(sent) else ""
    if not telemetry.is_on() or scope["path"].startswith(_UNTRACED):
        return telemetry.Span(sent)
    attributes = {
        "http.request.method": scope["method"],
        "url.path": scope["path"],
        "url.scheme": scope["scheme"],
    }
    return telemetry.begin(scope["method"], parent=sent, kind="server", attributes=attributes)
