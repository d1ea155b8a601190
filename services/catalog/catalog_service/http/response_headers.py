"""What every answer carries and every request leaves behind: freshness, safety headers, figures."""

import time
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Histogram
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class ResponseHeadersMiddleware:
    """ASGI middleware; it passes bodies through untouched, streams included."""

    def __init__(self, app: ASGIApp, *, lag_ms: Callable[[], int], metrics: CollectorRegistry) -> None:
        """`lag_ms` gives `Sync-Lag-Ms`; the time of each answer goes to `metrics`."""
        self._app = app
        self._lag_ms = lag_ms
        self._seconds = Histogram(
            "catalog_http_request_seconds",
            "Time to the first byte of an answer",
            ["method", "route", "status"],
            registry=metrics,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Sync-Lag-Ms"] = str(self._lag_ms())
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                route = getattr(scope.get("route"), "path", "other")
                labels = (scope["method"], route, str(message["status"]))
                self._seconds.labels(*labels).observe(time.perf_counter() - began)
            await send(message)

        await self._app(scope, receive, send_with_headers)
