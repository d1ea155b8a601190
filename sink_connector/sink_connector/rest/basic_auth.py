"""Basic authentication (RFC 7617), as the extension of Kafka Connect has it."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sink_connector.rest.errors import refusal

log = structlog.get_logger()

HEALTH = "/health"
"""Probes have no password, and learn nothing there."""


@dataclass(frozen=True, slots=True)
class BasicAuth:
    """ASGI middleware: lets in whom `knows(user, password)`, and answers everybody else with 401."""

    app: ASGIApp
    _: KW_ONLY
    knows: Callable[[str, str], bool]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] == HEALTH or self._is_known(scope):
            await self.app(scope, receive, send)
            return

        async def challenging(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["WWW-Authenticate"] = 'Basic realm="connect", charset="UTF-8"'
            await send(message)

        await refusal(scope, 401, "unauthorized", "User cannot access the resource.")(
            scope, receive, challenging
        )

    def _is_known(self, scope: Scope) -> bool:
        sent = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(sent) != 1:
            return False
        scheme, _, encoded = sent[0].strip().partition(b" ")
        try:
            user, colon, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
            return scheme.lower() == b"basic" and bool(colon) and self.knows(user, password)
        except (binascii.Error, UnicodeDecodeError):
            return False
        except OSError as error:  # nobody is known while the file is away
            log.warning("rest.users_unreadable", error=str(error))
            return False
