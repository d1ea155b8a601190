"""Opaque cursors of keyset pages: where a page ended, and which question it answered."""

import base64
import binascii
import hashlib
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec

_SEAL_BYTES = 8
_MAX_LENGTH = 1_000

Moment = Annotated[datetime, msgspec.Meta(tz=True)]
"""A time in a cursor."""
Id = Annotated[str, msgspec.Meta(max_length=500, pattern=r"^[^\x00]*$")]
"""The id of an order or product in a cursor; PostgreSQL's text cannot hold U+0000."""
Version = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""A version in a cursor."""


class BadCursorError(ValueError):
    """The cursor was not made by this question: altered, cut, or taken from another route, filter or sort."""


def seal_cursor(question: tuple[object, ...], position: tuple[object, ...]) -> str:
    """A cursor saying that the page of `question` (route, filters, sort) ended at `position`."""
    body = msgspec.msgpack.encode(position)
    return _written(_seal(question, body) + body)


def open_cursor(question: tuple[object, ...], cursor: str, position_type: type[Any]) -> Any:
    """The position, of type `position_type`, that `seal_cursor` put into `cursor` for the same `question`.

    The seal is no secret, anybody can make one: it tells mistakes apart from pages. So the position is checked as any
    other value a client sends, and `position_type` has to say what the database takes.

    Raises:
        BadCursorError: it was not sealed for this question, or holds no position.
    """
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (binascii.Error, ValueError) as error:
        raise BadCursorError("not a cursor of this service") from error
    if _written(raw) != cursor:  # one position has one cursor; the decoder takes others for it
        raise BadCursorError("not a cursor of this service")
    seal, body = raw[:_SEAL_BYTES], raw[_SEAL_BYTES:]
    if len(cursor) > _MAX_LENGTH or seal != _seal(question, body):
        raise BadCursorError(
            "a cursor continues only the question it came from: same route, filters and sort"
        )
    try:
        position = msgspec.msgpack.decode(body, type=position_type)
        # PostgreSQL wants UTC, which a time at the edge of the calendar may not have.
        return tuple(each.astimezone(UTC) if isinstance(each, datetime) else each for each in position)
    except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as error:
        raise BadCursorError("not a position of this service") from error


def _written(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _seal(question: tuple[object, ...], body: bytes) -> bytes:
    return hashlib.blake2b(msgspec.msgpack.encode(question) + body, digest_size=_SEAL_BYTES).digest()
