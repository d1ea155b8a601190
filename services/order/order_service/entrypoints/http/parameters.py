"""Headers and path parts that several routes take.

The headers of commands are read from the request by hand: declared as FastAPI's parameters each would cost a command as much
as a sixth of an empty request. So their description is here by hand too.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import Header, Path, Request

from order_service.entrypoints.http.problems import INVALID_REQUEST, ProblemError
from order_service.service_layer.if_match import IfMatch

IfNoneMatchHeader = Annotated[str | None, Header(alias="If-None-Match", max_length=1000)]
OrderIdPath = Annotated[str, Path(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9-]+$")]
ProductIdPath = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._~-]*$")]

_IF_MATCH_LENGTH = 1000
_VISIBLE = re.compile(r"[\x21-\x7e]{1,255}")
_ETAGS = re.compile(r'^\s*(?:W/)?"[^"]*"(?:\s*,\s*(?:W/)?"[^"]*")*\s*$')
_STRONG = re.compile(r'(?<!W/)"(\d{1,19})"')


def idempotency_key(request: Request) -> str | None:
    """The Idempotency-Key header, if one came."""
    key = request.headers.get("idempotency-key")
    if key is not None and not _VISIBLE.fullmatch(key):
        raise _invalid("Idempotency-Key", "should be 1 to 255 visible ASCII characters")
    return key


def if_match(request: Request) -> IfMatch:
    """The condition in an If-Match header. Weak tags match nothing (RFC 9110); what is no tag is a 422."""
    header = request.headers.get("if-match")
    if header is None or header.strip() == "*":
        return IfMatch()
    if len(header) > _IF_MATCH_LENGTH or not _ETAGS.match(header):
        raise _invalid("If-Match", 'should be * or entity tags such as "3"')
    return IfMatch(frozenset(int(version) for version in _STRONG.findall(header)))


def matches(header: str | None, etag: str) -> bool:
    """If-None-Match names `etag`: the caller has this version already."""
    return header is not None and (
        header.strip() == "*" or etag in (part.strip().removeprefix("W/") for part in header.split(","))
    )


def _invalid(header: str, detail: str) -> ProblemError:
    return ProblemError(INVALID_REQUEST, f"{header}: {detail}", errors=[{"header": header, "detail": detail}])


def _described(name: str, description: str, **schema: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": {"type": "string", **schema},
    }


_IDEMPOTENCY_KEY = _described(
    "Idempotency-Key",
    "Repeat a command with the same key and it is carried out once. Kept for 24 hours, per address.",
    minLength=1,
    maxLength=255,
    pattern=r"^[\x21-\x7e]+$",
)
_IF_MATCH = _described(
    "If-Match",
    "Carry the command out on this version only (an ETag).",
    maxLength=_IF_MATCH_LENGTH,
)
CREATING: dict[str, Any] = {"parameters": [_IDEMPOTENCY_KEY]}
"""What OpenAPI says of the headers of a command that makes an aggregate."""
CHANGING: dict[str, Any] = {"parameters": [_IDEMPOTENCY_KEY, _IF_MATCH]}
"""And of one on an aggregate."""
