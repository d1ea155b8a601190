"""What is done to every request before its route sees it: its path read as Connect does, its body bounded."""

import re
from urllib.parse import unquote

from starlette.convertors import Convertor, register_url_convertor
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sink_connector.rest.errors import BAD_REQUEST, BodyTooLargeError, answer

MOST_BYTES = 1024 * 1024

# Stands for a slash inside of a name (`%2F`) until the route has been found; half of a surrogate pair, which comes out of no path.
SLASH = "\udc2f"
ENCODED_SLASH = re.compile("%2[Ff]")
WITH_NAMES = ("/connectors/", "/connector-plugins/", "/admin/")
NO_ENCODING = re.compile("%(?![0-9A-Fa-f]{2})")


NAME = "{name:part}"  # in the paths of routes
TASK = "{task:task}"


class NameConvertor(Convertor[str]):
    """One part of a path, which may hold slashes when they came as `%2F`."""

    regex = "[^/]+"

    def convert(self, value: str) -> str:
        """The name as it was meant."""
        return value.replace(SLASH, "/")

    def to_string(self, value: str) -> str:
        """The name as it stands in the path of a scope."""
        return value.replace("/", SLASH)


class TaskConvertor(Convertor[int]):
    """The number of a task, an int of Java's; anything else is no path of Connect's."""

    regex = "[+-]?[0-9]{1,9}"

    def convert(self, value: str) -> int:
        """The number."""
        return int(value)

    def to_string(self, value: int) -> str:
        """As it stands in a path."""
        return str(value)


register_url_convertor("part", NameConvertor())
register_url_convertor("task", TaskConvertor())


class ConnectPaths:
    """`/connectors/` is `/connectors`, `%2F` is part of a name, and a name that is no text is a bad request."""

    def __init__(self, app: ASGIApp) -> None:
        """`app` gets the requests."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its path rewritten."""
        if scope["type"] == "http":
            raw = scope.get("raw_path") or scope["path"].encode()
            path = raw.decode("ascii", "replace").partition("?")[0]
            try:
                path = _decoded(path).rstrip("/") or "/"
            except ValueError:
                path = unquote(path)
                if path.startswith(WITH_NAMES):  # else no route has it
                    await answer(BAD_REQUEST, "HTTP 400 Bad Request")(scope, receive, send)
                    return
            scope = {**scope, "path": path}
        await self._app(scope, receive, send)


def _decoded(path: str) -> str:
    """Raises `ValueError` for what is no percent encoding of UTF-8: it would lead where another path leads."""
    if NO_ENCODING.search(path):
        raise ValueError(path)
    return SLASH.join(unquote(part, errors="strict") for part in ENCODED_SLASH.split(path))


class BodyLimit:
    """No request's body is read beyond 1 MB, however its length is announced."""

    def __init__(self, app: ASGIApp) -> None:
        """`app` gets the requests."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; reading too much of its body raises `BodyTooLargeError` in whoever reads it."""
        taken = 0

        async def bounded() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > MOST_BYTES:
                raise BodyTooLargeError(f"the body has more than {MOST_BYTES} bytes")
            return message

        await self._app(scope, bounded, send)
