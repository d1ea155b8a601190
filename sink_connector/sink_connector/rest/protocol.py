"""HTTP/1.1 on a socket, bounded: how large a head, how long a request and how many connections there may be.

uvicorn's parser has no such bounds, and for a request with `Upgrade` it stops at the end of the head, drops the body and
reads it as the next request. No protocol is offered here to upgrade to, so such a request is an ordinary one (RFC 9110, 7.8).
"""

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

if TYPE_CHECKING:
    import uvicorn

LINGER_S = 2.0
LEAST_TAKEN = 16 * 1024
TOLD_AT_ONCE = 32  # connections beyond their bound that may agree on TLS, to be told that they are too many

Document = Callable[[int, str, str], tuple[str, bytes]]
"""Status, kind and detail of a refusal to its media type and body: the service's own format of errors."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one process: connections, bytes and header lines of a head, seconds until a head or a body is complete.

    Connections that still agree on TLS count, and have `head_s` for it. `pipelined`: requests that may wait on a connection behind the one that is being answered. `answer_s`: seconds in which a
    client takes at least `LEAST_TAKEN` bytes of an answer that waits for it, or the rest.
    """

    connections: int = 512
    head_bytes: int = 64 * 1024
    header_lines: int = 256
    pipelined: int = 64
    head_s: float = 10.0
    body_s: float = 30.0
    answer_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusals:
    """How a request is refused before it has reached the application: `headers` go with every refusal."""

    document: Document
    headers: Mapping[str, str]
    lingering: set[asyncio.BaseProtocol] = field(default_factory=set)

    def answer(self, status: HTTPStatus, kind: str, detail: str) -> bytes:
        """The whole response, which is the last on its connection."""
        media_type, body = self.document(status.value, kind, detail)
        headers = {
            **self.headers,
            "content-type": media_type,
            "content-length": str(len(body)),
            "connection": "close",
        }
        lines = "".join(f"{name.lower()}: {value}\r\n" for name, value in headers.items())
        return STATUS_LINE[status.value] + lines.encode("latin-1") + b"\r\n" + body


class TooLargeHeadError(Exception):
    """A head, or what stands around the data of a chunked body, is over its bound."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection. It is refused with 503 beyond `connections`, a head with 431, what comes too slowly with 408.

    Header lines after a chunked body (trailers) are dropped: nothing may be said of a request once it is under way. So is
    `Range`: answers are whole (RFC 9110, 14.2). A client that does not take its answer is cut off.
    """

    limits: Limits
    refusals: Refusals
    before: Any = None
    """What stood for this connection while TLS was agreed on."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Take what uvicorn gives a protocol."""
        super().__init__(*arguments, **options)
        self._in_head = self._in_body = self._refused = self._upgrade = False
        self._head_bytes = self._raw_bytes = self._message = 0
        self._progress = False
        self._watched: tuple[int, bool] | None = None  # message and whether its body is what is waited for
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection on, or refuse it when there are too many."""
        self.connections.discard(self.before)
        self.before = None  # it has this connection, too
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            detail = f"{self.limits.connections} connections are open here"
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "too-many-connections", detail)
        else:
            self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._set_deadline(None)
        self._await_reader(waiting=False)
        self._unset_keepalive_if_required()
        self.refusals.lingering.discard(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what has come."""
        self._unset_keepalive_if_required()
        if self._refused:
            return
        before = (self._message, self._in_body)
        self._progress = False
        try:
            self._feed(data)
            if (self._in_head or self._in_body) and before == (self._message, self._in_body):
                self._raw_bytes = 0 if self._progress else self._raw_bytes + len(data)
                self._bound(
                    self._raw_bytes
                )  # a line that has not ended yet, or what stands around a body's data
        except TooLargeHeadError:
            self._refuse_head()
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, TooLargeHeadError):
                self._refuse_head()
            elif isinstance(
                error.__context__, MemoryError
            ):  # the parser says that the request is wrong, whatever failed
                detail = "there is no memory for this request"
                self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "out-of-memory", detail)
            else:
                self.logger.warning("Invalid HTTP request received.")
                self._refuse(HTTPStatus.BAD_REQUEST, "malformed-request", "this is not HTTP/1.1")
        else:
            self._watch()

    def _feed(self, data: bytes) -> None:
        """Give data to the parser; where it stops at an `Upgrade`, go on with the same request without that header."""
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as stopped:
                self._upgrade = False
                data = self._without_upgrade() + data[stopped.args[0] :]
                self.parser = httptools.HttpRequestParser(self)
                self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
            else:
                return

    def _without_upgrade(self) -> bytes:
        lines = [b"%s %s HTTP/%s" % (self._method, self.url, self._version)]
        lines += [b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"]
        return b"\r\n".join((*lines, b"", b""))

    # What the transport calls, and what ends a connection whose answer may not have been taken
    def pause_writing(self) -> None:
        """So much of an answer waits for the client that it has to take some in time."""
        super().pause_writing()
        self._await_reader(waiting=True)

    def resume_writing(self) -> None:
        """The client has taken most of it."""
        super().resume_writing()
        self._await_reader(waiting=False)

    def on_response_complete(self) -> None:
        """An answer was written."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._await_reader(waiting=True)

    def timeout_keep_alive_handler(self) -> None:
        """There was no other request for long enough."""
        super().timeout_keep_alive_handler()
        self._await_reader(waiting=True)

    def shutdown(self) -> None:
        """The server ends."""
        super().shutdown()
        if self.transport.is_closing():
            self._await_reader(waiting=True)

    def _await_reader(self, *, waiting: bool) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None
        if waiting:
            waits = self.transport.get_write_buffer_size()
            self._unread = self.loop.call_later(self.limits.answer_s, self._cut_off, waits)

    def _cut_off(self, waited: int) -> None:
        if waited - self.transport.get_write_buffer_size() < LEAST_TAKEN:
            self.transport.abort()
        else:
            self._await_reader(waiting=True)

    # What the parser calls
    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._message += 1
        self._in_head, self._in_body = True, False
        self._head_bytes = self._raw_bytes = 0

    def on_url(self, url: bytes) -> None:
        """A part of the target has come."""
        self._count_head(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header line has come."""
        if not self._in_head:
            return
        self._count_head(len(name) + len(value) + 4)
        if name.lower() == b"range":
            return
        super().on_header(name, value)
        if len(self.headers) > self.limits.header_lines:
            raise TooLargeHeadError

    def on_headers_complete(self) -> None:
        """The head is complete: the request goes to the application."""
        if self.parser.should_upgrade():
            self._method = self.parser.get_method()
            self._version = self.parser.get_http_version().encode()
            if self._method == b"CONNECT":
                raise ValueError("a tunnel is not offered")
            self._upgrade = True
            return
        if len(self.pipeline) >= self.limits.pipelined:  # each costs a hundred times its bytes
            raise ValueError("the requests before this one are the last on this connection")
        self._in_head, self._in_body, self._raw_bytes = False, True, 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body has come."""
        self._progress = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is complete."""
        if not self._upgrade:
            self._in_body = False
            super().on_message_complete()

    # Bounds
    def _count_head(self, size: int) -> None:
        self._head_bytes += size
        self._bound(self._head_bytes)

    def _bound(self, size: int) -> None:
        if size > self.limits.head_bytes:
            raise TooLargeHeadError

    def _refuse_head(self) -> None:
        most = f"{self.limits.head_bytes} bytes and {self.limits.header_lines} lines"
        self._refuse(
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "head-too-large", f"a head has at most {most}"
        )

    @property
    def _answering(self) -> bool:
        return not getattr(self.cycle, "response_complete", True)

    def _watch(self) -> None:
        """Have a deadline while the client is to send: for a head from its first byte, for a body from its head's end."""
        waits = (
            (self._message, self._in_body) if self._in_head or self._in_body or not self._answering else None
        )
        if waits != self._watched or waits is None:
            self._watched = waits
            self._set_deadline(self.limits.body_s if self._in_body else self.limits.head_s if waits else None)

    def _set_deadline(self, seconds: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        if seconds is not None:
            self._deadline = self.loop.call_later(seconds, self._expire)

    def _expire(self) -> None:
        if self._in_head or self._in_body:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "request-too-slow", "the request did not come in time")
        else:
            self._close()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP."""
        self._refuse(HTTPStatus.BAD_REQUEST, "malformed-request", msg)

    def _refuse(self, status: HTTPStatus, kind: str, detail: str) -> None:
        """Say why, unless an answer is under way on this connection, and read nothing more of it."""
        self._refused = True
        self._set_deadline(None)
        answering = self._answering
        if answering and not self._in_body:  # an earlier request's answer is the last on this connection
            self.cycle.keep_alive = False
            return
        if answering:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.pipeline or (answering and self.cycle.response_started):
            self._close()
            return
        self.transport.write(self.refusals.answer(status, kind, detail))
        self._linger()

    def _linger(self) -> None:
        """Close once the client has read the answer: closing with its bytes unread would throw the answer away."""
        self.connections.discard(self)
        if len(self.refusals.lingering) >= self.limits.connections:
            self._close()
            return
        self.refusals.lingering.add(self)
        if self.transport.can_write_eof():  # over TLS it cannot
            self.transport.write_eof()
        self._deadline = self.loop.call_later(LINGER_S, self._close)

    def _close(self) -> None:
        """Close once everything written has been taken, or it has not been in time."""
        self.transport.close()
        self._await_reader(waiting=True)


def http_protocol(
    limits: Limits, *, document: Document, headers: Mapping[str, str]
) -> type[HttpToolsProtocol]:
    """What uvicorn takes for its `http`, with these bounds. Refusals carry `headers`, as every answer does."""
    bound = {"limits": limits, "refusals": Refusals(document=document, headers=headers)}
    return type("HttpProtocol", (BoundedProtocol,), bound)


class TlsConnection(asyncio.Protocol):
    """A connection until TLS is agreed on: one of the server's from its first moment, and bounded in time.

    The event loop's own TLS would tell nobody of it before, nor of one that fails.
    """

    speaks: type[BoundedProtocol]
    context: ssl.SSLContext

    def __init__(self, **options: Any) -> None:
        """Take what uvicorn gives a protocol."""
        self._http = self.speaks(**options)
        self._http.before = self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, unless there are so many, or so few descriptors left, that not even a refusal can be told."""
        connections = self._http.connections
        with contextlib.suppress(OSError):
            if len(connections) < self.speaks.limits.connections + TOLD_AT_ONCE:
                accepted = socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno()))
                connections.add(self)  # type: ignore[arg-type] # uvicorn asks these for `shutdown` only
                self._agreeing = asyncio.get_running_loop().create_task(self._agree(accepted))
        transport.abort()  # type: ignore[attr-defined] # its socket has another owner now, or none

    async def _agree(self, accepted: socket.socket) -> None:
        try:
            with contextlib.suppress(OSError):  # `ssl.SSLError` and `TimeoutError` are such
                await asyncio.get_running_loop().connect_accepted_socket(
                    lambda: self._http,
                    accepted,
                    ssl=self.context,
                    ssl_handshake_timeout=self.speaks.limits.head_s,
                )
        finally:
            self._http.connections.discard(self)

    def shutdown(self) -> None:
        """The server ends."""
        # A task that is cancelled before it has begun gives neither its place back nor its socket.
        asyncio.get_running_loop().call_soon(self._agreeing.cancel)


def agree_on_tls(config: "uvicorn.Config") -> None:
    """Have the server of `config`, which is loaded and does not run yet, count connections before TLS is agreed on."""
    if config.ssl is None:
        return
    bound = {"speaks": config.http_protocol_class, "context": config.ssl}
    config.http_protocol_class = type("TlsProtocol", (TlsConnection,), bound)
    config.ssl = None
