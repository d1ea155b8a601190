"""Wires for JSON without a schema: the column's type says what the value must be."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Annotated, Any

import msgspec

from sink_connector.errors import BadRecordError
from sink_connector.sink.encoders.encoder import Wire, refused
from sink_connector.sink.table_metadata import Column

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _whole(bits: int) -> Any:
    return Annotated[int, msgspec.Meta(ge=-(2 ** (bits - 1)), le=2 ** (bits - 1) - 1)]


# Types that travel as they are, with what JSON must hold for them. Everything else is a text, and PostgreSQL reads it.
TYPES: dict[str, Any] = {
    "smallint": _whole(16),
    "integer": _whole(32),
    "bigint": _whole(64),
    "real": float,
    "double precision": float,
    "numeric": Decimal,
    "boolean": bool,
    "bytea": bytes,
}
# Types for which a number is understood too: milliseconds since 1970, as Connect has them; days for a date.
INSTANTS = {
    "timestamp with time zone",
    "timestamp without time zone",
    "date",
    "time without time zone",
}


def untyped_wire(column: Column | None) -> Wire:
    if column is None:
        raise BadRecordError("a value without a schema does not say which type its column should have")
    base = column.base_type
    if base in {"json", "jsonb"}:
        return Wire("jsonb", _documents)
    if base in INSTANTS:
        return Wire(
            "text", partial(_instants, base=base, decode=msgspec.json.Decoder(str | int | None).decode)
        )
    if base.endswith("[]"):
        element = base.removesuffix("[]")
        wire = f"{element if element in TYPES else 'text'}[]"
        items: Any = list.__class_getitem__(TYPES.get(element, str) | None)
        return Wire(wire, partial(_typed, decode=msgspec.json.Decoder(items | None).decode, name=base))
    kind = TYPES.get(base, str)
    wire = base if base in TYPES else "text"
    return Wire(wire, partial(_typed, decode=msgspec.json.Decoder(kind | None).decode, name=base))


def _typed(column: Sequence[Any], *, decode: Any, name: str) -> Sequence[Any]:
    try:
        return [decode(_text(value)) for value in column]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise refused(f"a value for a column of type {name}: {error}") from error


def _instants(column: Sequence[Any], *, base: str, decode: Any) -> Sequence[Any]:
    values = _typed(column, decode=decode, name=base)
    try:
        return [_iso(value, base) if isinstance(value, int) else value for value in values]
    except OverflowError as error:
        raise refused(f"a value for a column of type {base}: {error}") from error


def _iso(number: int, base: str) -> str:
    if base == "date":
        return (EPOCH + timedelta(days=number)).date().isoformat()
    instant = EPOCH + timedelta(milliseconds=number)
    return instant.time().isoformat() if base.startswith("time without") else instant.isoformat()


def _documents(column: Sequence[Any]) -> Sequence[Any]:
    texts = [_text(value) for value in column]
    return [None if text == b"null" else text for text in texts]


def _text(value: Any) -> bytes:
    """The JSON text of a value; one that was parsed for a transform, or as a key, is written again."""
    return bytes(value) if isinstance(value, msgspec.Raw) else msgspec.json.encode(value)
