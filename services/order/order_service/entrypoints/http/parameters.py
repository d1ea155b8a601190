"""Headers and path parts that several routes take, as FastAPI validates and describes them."""

import re
from typing import Annotated

from fastapi import Depends, Header, Path
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from order_service.entrypoints.http.bodies import ID
from order_service.service_layer.if_match import IfMatch

_IF_MATCH_LENGTH = 1000
_VISIBLE = re.compile(r"[\x21-\x7e]{1,255}")
_ETAGS = re.compile(r'^\s*(?:W/)?"[^"]*"(?:\s*,\s*(?:W/)?"[^"]*")*\s*$')
_STRONG = re.compile(r'(?<!W/)"([1-9]\d{0,18})"')


def _key(text: str) -> str:
    if not _VISIBLE.fullmatch(text):
        raise PydanticCustomError("idempotency_key", "should be 1 to 255 visible ASCII characters")
    return text


def _tags(text: str) -> str:
    if text.strip() != "*" and (len(text) > _IF_MATCH_LENGTH or not _ETAGS.match(text)):
        raise PydanticCustomError("entity_tags", 'should be * or entity tags such as "3"')
    return text


_Key = Annotated[
    str,
    AfterValidator(_key),
    Field(json_schema_extra={"minLength": 1, "maxLength": 255, "pattern": r"^[\x21-\x7e]+$"}),
]
_Tags = Annotated[str, AfterValidator(_tags), Field(json_schema_extra={"maxLength": _IF_MATCH_LENGTH})]

IdempotencyKeyHeader = Annotated[
    _Key | None,
    Header(
        alias="Idempotency-Key",
        description="Repeat a command with the same key and it is carried out once. Kept for 24 hours, per address.",
    ),
]
IfMatchHeader = Annotated[
    _Tags | None,
    Header(alias="If-Match", description="Carry the command out on this version only (an ETag)."),
]
IfNoneMatchHeader = Annotated[str | None, Header(alias="If-None-Match", max_length=1000)]
OrderIdPath = Annotated[str, Path(min_length=1, max_length=80, pattern=r"^[A-Za-z0-9-]+$")]
ProductIdPath = Annotated[str, Path(min_length=1, max_length=64, pattern=ID)]


async def if_match(tags: IfMatchHeader = None) -> IfMatch:
    """The caller's condition. Weak tags match nothing (RFC 9110)."""
    if tags is None or tags.strip() == "*":
        return IfMatch()
    return IfMatch(frozenset(int(version) for version in _STRONG.findall(tags)))


Condition = Annotated[IfMatch, Depends(if_match)]


def matches(header: str | None, etag: str) -> bool:
    """If-None-Match names `etag`: the caller has this version already."""
    return header is not None and (
        header.strip() == "*" or etag in (part.strip().removeprefix("W/") for part in header.split(","))
    )
