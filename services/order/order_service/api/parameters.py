"""Headers and path parts that several routes take."""

from __future__ import annotations

import re
from typing import Annotated

from fastapi import Header, Path

from order_service.api.problems import INVALID_REQUEST, Problem
from order_service.commands.if_match import IfMatch

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="Repeat a command with the same key and it is carried out once. Kept for 24 hours, per address.",
    ),
]
IfMatchHeader = Annotated[
    str | None,
    Header(
        alias="If-Match", max_length=1000, description="Carry the command out on this version only (an ETag)."
    ),
]
IfNoneMatchHeader = Annotated[str | None, Header(alias="If-None-Match", max_length=1000)]
OrderIdPath = Annotated[str, Path(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9-]+$")]
ProductIdPath = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._~-]*$")]

_ETAGS = re.compile(r'^\s*(?:W/)?"[^"]*"(?:\s*,\s*(?:W/)?"[^"]*")*\s*$')
_STRONG = re.compile(r'(?<!W/)"(\d{1,19})"')


def if_match(header: str | None) -> IfMatch:
    """The condition in an If-Match header. Weak tags match nothing (RFC 9110); what is no tag is a 422."""
    if header is None or header.strip() == "*":
        return IfMatch()
    if not _ETAGS.match(header):
        error = {"header": "If-Match", "detail": 'should be * or entity tags such as "3"'}
        raise Problem(INVALID_REQUEST, f"If-Match: {error['detail']}", errors=[error])
    return IfMatch(frozenset(int(version) for version in _STRONG.findall(header)))


def matches(header: str | None, etag: str) -> bool:
    """If-None-Match names `etag`: the caller has this version already."""
    return header is not None and (
        header.strip() == "*" or etag in (part.strip().removeprefix("W/") for part in header.split(","))
    )
