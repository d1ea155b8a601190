"""The only place where a name becomes part of a statement."""

import re
import unicodedata

from sink_connector.config.patterns import BoundedPattern, PatternTimeoutError
from sink_connector.errors import BadRecordError

LONGEST = 63  # bytes; PostgreSQL would cut a longer name, and two could become one
RESERVED = ("sink", "information_schema")  # and every schema that begins with pg_


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
    if any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in name):
        raise BadRecordError(f"the name {name!r} holds a control character")
    try:
        allowed = allow.fullmatch(name)
    except PatternTimeoutError as error:
        raise BadRecordError(f"the name {name!r}: {error}") from None
    if not allowed:
        raise BadRecordError(f"the name {name!r} is not allowed by identifiers.allow={allow.pattern}")
    return name


def check_schema(name: str, allow: BoundedPattern | re.Pattern[str]) -> str:
    """The name, if it may become a schema that records are written to. Raises `BadRecordError` when it is refused."""
    if is_reserved(name):
        raise BadRecordError(f"the schema {name!r} is reserved; no topic's records are written to it")
    return check(name, allow)


def is_reserved(schema: str) -> bool:
    """Whether a schema is the server's or the connector's own."""
    return schema in RESERVED or schema.startswith("pg_")
