"""What every answer carries, whoever gives it: nothing in it is a page, a script or a frame of another site."""

from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
    """ASGI middleware: adds `SAFE_HEADERS` where an answer does not say otherwise."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message["headers"] = list(message.get("headers", ()))
                said = [name for name, _ in headers if name in _RAW]
                headers += (
                    [header for header in _RAW.items() if header[0] not in said] if said else _RAW.items()
                )
            await send(message)

        await self.app(scope, receive, send_with_headers)
