"""What every request passes through: trace, body limit, metrics and log line."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import structlog
from prometheus_client import Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from order_service.entrypoints.http import tracing
from order_service.entrypoints.http.problems import BODY_TOO_LARGE, Problem, problem

log = structlog.get_logger()

REQUESTS = Counter("order_http_requests_total", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram(
    "order_http_seconds", "From the request's head to the end of its answer", ["method", "route"]
)


@dataclass(frozen=True, slots=True)
class Observed:
    """Gives the request its trace, measures it, and logs it at DEBUG (at ERROR when it is a 5xx by a defect)."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = perf_counter()
        trace = tracing.begin(_header(scope, b"traceparent"))
        status = 500

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with structlog.contextvars.bound_contextvars(traceparent=trace):
            await self.app(scope, receive, observed)
            method, route = scope["method"], getattr(scope.get("route"), "path", "unmatched")
            seconds = perf_counter() - begun
            REQUESTS.labels(method, route, status).inc()
            SECONDS.labels(method, route).observe(seconds)
            log.debug(
                "request", method=method, path=scope["path"], status=status, ms=round(seconds * 1000, 3)
            )


@dataclass(frozen=True, slots=True)
class BodyLimit:
    """413 for a body of more than `limit` bytes, whether its length is announced or it comes in chunks.

    FastAPI's own `max_body_size` answers an announced length in plain text; here every answer is a problem.
    """

    app: ASGIApp
    limit: int

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        announced = _header(scope, b"content-length") or "0"
        body = None if not announced.isdigit() or int(announced) > self.limit else await self._read(receive)
        if body is None:
            too_large = Problem(BODY_TOO_LARGE, f"a body has at most {self.limit} bytes")
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
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > self.limit:
                return None
            more = message.get("more_body", False)
        return b"".join(chunks)


def _header(scope: Scope, name: bytes) -> str | None:
    for key, value in scope["headers"]:
        if key == name:
            text: str = value.decode("latin-1")
            return text
    return None
