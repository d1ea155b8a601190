"""How many streams one client may have open, so that no one client can take them all."""

from collections import Counter

from starlette.types import ASGIApp, Receive, Scope, Send

from catalog_service.http.problems import refusal

PATH = "/stream"


class StreamLimitMiddleware:
    """ASGI middleware: at most `limit` streams per client address; one more is answered with 429.

    A place is given back when the stream ends, however it ends. Clients behind one proxy are one client.
    """

    def __init__(self, app: ASGIApp, *, limit: int) -> None:
        """`limit` holds per address."""
        self._app = app
        self._limit = limit
        self._open: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] != PATH:
            await self._app(scope, receive, send)
            return
        address = (scope.get("client") or ("", 0))[0]
        if self._open[address] >= self._limit:
            detail = f"{self._limit} streams of this client are open"
            too_many = refusal(scope, 429, "too-many-streams", detail)
            too_many.headers["Retry-After"] = "5"
            await too_many(scope, receive, send)
            return
        self._open[address] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._open[address] -= 1
            if not self._open[address]:
                del self._open[address]
