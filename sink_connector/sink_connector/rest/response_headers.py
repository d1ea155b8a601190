"""What every answer carries, whoever gives it: nothing in it is a page, a script or a frame of another site."""

from dataclasses import dataclass

import structlog
from prometheus_client import Counter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sink_connector.rest.errors import INTERNAL, refusal

log = structlog.get_logger()

REQUESTS = Counter(
    "sink_http_requests_total", "Requests answered, 5xx of defects included", ["method", "status"]
)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_RAW = {name.lower().encode(): value.encode() for name, value in SAFE_HEADERS.items()}


@dataclass(frozen=True, slots=True)
class ResponseHeadersMiddleware:
    """ASGI middleware: adds `SAFE_HEADERS` where an answer does not say otherwise.

    What nothing further in has caught is a defect: logged and answered with a 500.
    """

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            started = True
            if message["type"] == "http.response.start":
                method = scope["method"] if scope["method"] in METHODS else "other"
                REQUESTS.labels(method, str(message["status"])).inc()
                headers = message["headers"] = list(message.get("headers", ()))
                said = {name for name, _ in headers}
                headers.extend(header for header in _RAW.items() if header[0] not in said)
            await send(message)

        try:
            await self.app(scope, receive, send_with_headers)
        except Exception:
            log.exception("sink.rest.failed", path=scope["path"])
            if started:  # too late to say so: the connection is closed in the middle of the answer
                raise
            failed = refusal(scope, INTERNAL, "internal-error", "the defect is in the log")
            await failed(scope, receive, send_with_headers)
