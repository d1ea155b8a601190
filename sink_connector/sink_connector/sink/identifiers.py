"""The only place where a name becomes part of a statement."""

import re

from sink_connector.config.patterns import BoundedPattern, PatternTimeoutError
from sink_connector.errors import BadRecordError

LONGEST = 63  # bytes; PostgreSQL would cut a longer name, and two could become one


def quote(*parts: str) -> str:
    """A name, or a schema and a name, as SQL. Whatever the parts hold, the result is one identifier."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def literal(text: str) -> str:
    """A text as SQL; `standard_conforming_strings` is on in every session of ours."""
    return "'" + text.replace("'", "''") + "'"


def check(name: str, allow: BoundedPattern | re.Pattern[str]) -> str:
    """The name, if it may become an identifier. Raises `BadRecordError` when it is refused."""
    size = len(name.encode("utf-8", "surrogatepass"))
    if not name or size > LONGEST:
        raise BadRecordError(f"the name {name!r} has {size} bytes, PostgreSQL allows 1 to {LONGEST}")
    try:
        allowed = "\0" not in name and allow.fullmatch(name)
    except PatternTimeoutError as error:
        raise BadRecordError(f"the name {name!r}: {error}") from None
    if not allowed:
        raise BadRecordError(f"the name {name!r} is not allowed by identifiers.allow={allow.pattern}")
    return name
