"""GET /stream: server-sent events, and the answer that lets go of a reader that does not read."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from pydantic import Field, StringConstraints
from starlette.types import Receive, Scope, Send

from catalog_service.changefeed.position import BadPositionError, Position
from catalog_service.changefeed.sse import EventStreams, StreamRequest, TooManyStreamsError
from catalog_service.http.authentication import require_own, require_staff
from catalog_service.http.models import Question, UserId
from catalog_service.http.problems import ProblemError, responses, unavailable

_SEND_PATIENCE_S = 15.0
_MAX_POSITION = 2_000

EventId = Annotated[str, StringConstraints(min_length=1, max_length=_MAX_POSITION)]


class StreamQuestion(Question):
    """Whose orders, from where, and whether `GET /sync` is to come along every second."""

    user_id: UserId | None = None
    last_event_id: EventId | None = Field(
        default=None, description="as the header, for clients that cannot set it"
    )
    reports: bool = False


def stream_routes(streams: EventStreams) -> APIRouter:
    """Changes as they become visible."""
    routes = APIRouter(tags=["synchronisation"])

    @routes.get(
        "/stream",
        response_class=Response,
        responses=responses(400) | {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
    )
    async def stream(
        request: Request,
        question: Annotated[StreamQuestion, Query()],
        last_event_id: Annotated[EventId | None, Header()] = None,
    ) -> Response:
        """A `snapshot`, then an `order` or `product` event for every change, in the order in which they became visible.

        Those of one order or product come in the order of its versions. The last event's id resumes without loss.
        """
        require_own(request, question.user_id)
        if question.reports:
            require_staff(request)
        try:
            streams.admit()
        except TooManyStreamsError as full:
            raise unavailable("too-many-streams", str(full), retry_after_s=5) from full
        resume = _position(last_event_id or question.last_event_id)
        wish = StreamRequest(user_id=question.user_id, resume=resume, reports=question.reports)
        portions = streams.events(wish)
        return EventStream(await anext(portions), portions)

    return routes


def _position(text: str | None) -> Position | None:
    if text is None:
        return None
    try:
        return Position.parse(text)
    except BadPositionError as error:
        errors = [{"header": "Last-Event-ID", "detail": str(error)}]
        raise ProblemError(HTTPStatus.BAD_REQUEST, "bad-event-id", str(error), errors=errors) from error


class EventStream(Response):
    """Sends portions until they or the reader end. A portion not taken in time ends the stream as well."""

    media_type = "text/event-stream"
    charset = "utf-8"

    def __init__(self, first: bytes, portions: AsyncGenerator[bytes, None]) -> None:
        """`first` has been taken from `portions` already, so that an error of it could still be a problem."""
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._first = first
        self._portions = portions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        """Answer one request."""
        sending = asyncio.create_task(self._send_all(send))
        leaving = asyncio.create_task(_left(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sending.cancel()
            leaving.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
        if not sending.cancelled() and (error := sending.exception()):
            raise error

    async def _send_all(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        async with contextlib.aclosing(self._portions) as portions:
            await send({"type": "http.response.body", "body": self._first, "more_body": True})
            async for portion in portions:
                async with asyncio.timeout(_SEND_PATIENCE_S):
                    await send({"type": "http.response.body", "body": portion, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
