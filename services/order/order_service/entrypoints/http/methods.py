"""What HTTP says of methods, for all routes at once: HEAD wherever GET is, and a 405 that names every method there is."""

from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.routing import Match, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class HeadMiddleware:
    """ASGI middleware: HEAD is answered as GET is, without the body; what answers without end is ended at once."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        asked = {**scope, "method": "GET"}

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                scope["route"] = asked.get("route")  # for the figures, which are kept further out
                await send(message)
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        await self.app(asked, receive, send_head)


def allowed_methods(app: Starlette, scope: Scope) -> str:
    """The `Allow` of a path at which the request's method is refused."""
    # Whoever answers below a mount has set `root_path` to it.
    root = scope.get("app_root_path", scope.get("root_path", ""))
    asked = {"type": "http", "path": scope["path"], "root_path": root, "headers": []}
    found = {
        method
        for method in _METHODS
        for route in app.routes
        if route.matches({**asked, "method": method})[0] is Match.FULL
        and (method == "GET" or not isinstance(route, Mount))  # files lie there
    }
    found.discard(scope["method"])
    return ", ".join((*(["HEAD"] if "GET" in found else []), *sorted(found)))
