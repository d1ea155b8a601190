"""HTTP/1.1 byte by byte: a server with a service's own protocol around an application that echoes, and a client of sockets."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

PATIENCE_S = 60.0


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with what the request was, once it is complete."""
    body = b""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message.get("body", b"")
        more = message.get("more_body", False)
    headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]]
    seen = {"method": scope["method"], "path": scope["path"], "body": body.decode(), "headers": headers}
    content = json.dumps(seen).encode()
    length = [(b"content-length", str(len(content)).encode()), (b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": length})
    await send({"type": "http.response.body", "body": content})


@contextlib.asynccontextmanager
async def listening(
    http: type[asyncio.Protocol],
    app: ASGIApp = echo,
    *,
    prepare: Callable[[uvicorn.Config], None] = lambda _: None,
    **options: Any,
) -> AsyncIterator[int]:
    """`app` behind the protocol; gives the port. `prepare` is given the configuration, which has uvicorn's `options`."""
    config = uvicorn.Config(
        app, port=0, http=http, ws="none", lifespan="off", log_config=None, access_log=False, **options
    )
    config.load()
    prepare(config)
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()  # and not uvicorn's own loop, which ends at the tenths of a second only
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        for each in server.servers:
            each.close()
        for connection in list(server.server_state.connections):
            connection.shutdown()


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """One response."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class RawConnection:
    """One connection to the server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> RawAnswer:
        """The next response."""
        async with asyncio.timeout(PATIENCE_S):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return RawAnswer(int(head[0].split()[1]), headers, body)

    async def rest(self) -> bytes:
        """What still comes until the server closes."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.reader.read()


@contextlib.asynccontextmanager
async def connected(port: int, tls: ssl.SSLContext | None = None) -> AsyncIterator[RawConnection]:
    """A connection, closed at the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
    try:
        yield RawConnection(reader, writer)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def request(target: str = "/", *headers: str, method: str = "GET", body: bytes = b"") -> bytes:
    """A request to localhost, its length announced when it has a body."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join((*lines, "", "")).encode("latin-1") + body
