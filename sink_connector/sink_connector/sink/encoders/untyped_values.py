"""Encoders for JSON without a schema: the column's type says what the value must be."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Annotated, Any

import msgspec

from sink_connector.data.decimals import NON_FINITE, bounded, numeric_of, single, whole
from sink_connector.data.exact_json import encode_exact, parse_exact
from sink_connector.data.instants import InstantRangeError, date_text, time_text, timestamp_text
from sink_connector.errors import BadRecordError
from sink_connector.sink.encoders.column_values import (
    DOCUMENTS,
    array_wire,
    element_column,
    hstore,
    in_dimensions,
    is_hstore,
    is_vector,
    kept_whole,
    with_offsets,
)
from sink_connector.sink.encoders.connect_values import spaced, written_as
from sink_connector.sink.encoders.encoder import INTEGERS, TEXTS, Encoder, refused
from sink_connector.sink.encoders.guards import at_most_digits, kept_by_a_float, scale_of_column
from sink_connector.sink.table_metadata import Column


def _whole(bits: int) -> Any:
    return Annotated[int, msgspec.Meta(ge=-(2 ** (bits - 1)), le=2 ** (bits - 1) - 1)]


# Types that travel as they are, with what JSON must hold for them. Everything else is a text, and PostgreSQL reads it.
TYPES: dict[str, Any] = {
    "smallint": _whole(16),
    "integer": _whole(32),
    "bigint": _whole(64),
    "real": int | float,
    "double precision": int | float,
    "boolean": bool,
    "bytea": bytes,
}
ZEROS = frozenset({b"0", b"0.0"})  # as nearly every zero is written
LEAST_SINGLE = 2.0**-126  # of those that have all their digits
MOST_DIMENSIONS = 6  # of an array in PostgreSQL
FLOATS = frozenset({"real", "double precision"})
# Types for which a number is understood too: milliseconds since 1970, as Connect has them; days for a date.
INSTANTS = {
    "timestamp with time zone",
    "timestamp without time zone",
    "date",
    "time without time zone",
}


def untyped_encoder(
    column: Column | None, *, nested: str = "jsonb", of_parts: Callable[[Column], Encoder | None]
) -> Encoder:
    """The encoder for a column's values; what is nested may go into a text where `nested` is one.

    `of_parts` gives that for a column, no array, whose type is made of others. Raises `BadRecordError` when there is no column
    to say what the values are.
    """
    if column is None:
        raise BadRecordError("a value without a schema does not say which type its column should have")
    base = column.base_type
    if base.endswith("[]"):
        element = element_column(column)
        inner = untyped_encoder(element, of_parts=of_parts)
        if element is not None:
            inner = kept_whole(with_offsets(inner, element), element)
        outer = in_dimensions(array_wire(inner))
        read = _elements if inner.type in DOCUMENTS else _in_dimensions
        return Encoder(outer.type, partial(_arrays, read=read, inner=outer, name=base), outer.template)
    if column.parts and (found := of_parts(column)) is not None:
        return found
    if base in DOCUMENTS:
        return Encoder(base, _documents if base == "jsonb" else written_as(base, _written_documents))
    if is_vector(base) or (base in TEXTS and nested == "text"):
        return Encoder("text", _texts_or_documents)
    if is_hstore(base):
        return Encoder("text", _hstores)
    return _scalar_encoder(column)


def _scalar_encoder(column: Column) -> Encoder:
    base = column.base_type
    if base in INSTANTS:
        return Encoder(
            "text", partial(_instants, base=base, decode=msgspec.json.Decoder(str | int | None).decode)
        )
    if base == "numeric":
        return Encoder(base, partial(_numerics, scale=scale_of_column(column)))
    kind = TYPES.get(base, str)
    wire = base if base in TYPES else "text"
    return Encoder(wire, partial(_typed, decode=msgspec.json.Decoder(kind | None).decode, name=base))


def _typed(column: Sequence[Any], *, decode: Any, name: str) -> Sequence[Any]:
    try:
        values: Sequence[Any] = [decode(_text(value)) for value in column]
    except ValueError as error:  # msgspec's errors and UnicodeDecodeError are such
        if name not in INTEGERS | FLOATS | INSTANTS:
            raise refused(f"a value for a column of type {name}: {error}") from error
        values = _numbers(column, decode=decode, name=name)
    if name in FLOATS:
        _check_floats(column, values, name)
    return values


def _check_floats(column: Sequence[Any], values: Sequence[Any], name: str) -> None:
    """Whole numbers are meant to the last digit, those with a point are not; but none is to become 0."""
    check = kept_by_a_float(name)
    for sent, value in zip(column, values, strict=True):
        if type(value) is int:
            check(value)
        elif value is not None and abs(value) < LEAST_SINGLE and _is_lost(value, name, sent):
            raise refused(f"a number that is not too small for a column of type {name}")


def _is_lost(value: float, name: str, sent: Any) -> bool:
    """Whether a number of next to nothing becomes 0: when it is read, or in a column of single precision."""
    if value:
        return name == "real" and single(value) == 0
    text = _text(sent)
    return text not in ZEROS and any(digit in b"123456789" for digit in text.lower().partition(b"e")[0])


def _numbers(column: Sequence[Any], *, decode: Any, name: str) -> Sequence[Any]:
    """Integers and instants of which one may be written 5.0, or floats of which one may be a text of `NON_FINITE`."""
    read = _non_finite_or_decoded if name in FLOATS else _whole_or_decoded
    try:
        return [read(_text(value), decode) for value in column]
    except ValueError as error:
        raise refused(f"a value for a column of type {name}: {error}") from error


def _whole_or_decoded(text: bytes, decode: Any) -> Any:
    value = parse_exact(text)
    return decode(str(whole(value)).encode() if isinstance(value, Decimal) else text)


def _non_finite_or_decoded(text: bytes, decode: Any) -> Any:
    value = parse_exact(text)
    return NON_FINITE[value] if isinstance(value, str) and value in NON_FINITE else decode(text)


_decode_text = msgspec.json.Decoder(str).decode
_decode_numeric = msgspec.json.Decoder(Decimal | None).decode


def _numerics(column: Sequence[Any], *, scale: int | None) -> Sequence[Decimal | None]:
    keep = None if scale is None else at_most_digits(scale)
    try:
        return [_numeric(_text(value), keep) for value in column]
    except ValueError as error:
        raise refused(f"a value for a column of type numeric: {error}") from error


def _numeric(text: bytes, keep: Callable[[Any], None] | None) -> Decimal | None:
    """Texts and whole numbers are meant to the last digit, numbers with a point are not."""
    is_text = text.startswith(b'"')
    value = numeric_of(_decode_text(text)) if is_text else _decode_numeric(text)
    if value is None or not value.is_finite():
        return value
    if keep is not None and (is_text or value == value.to_integral_value()):
        keep(value)
    return bounded(value)


def _arrays(
    column: Sequence[Any], *, read: Callable[[bytes], Any], inner: Encoder, name: str
) -> Sequence[Any]:
    try:
        values = [read(_text(value)) for value in column]
    except ValueError as error:
        raise refused(f"an array for a column of type {name}: {error}") from error
    return values if inner.encode is None else inner.encode(values)


_elements = msgspec.json.Decoder(list[msgspec.Raw] | None).decode


def _in_dimensions(text: bytes, dimensions: int = MOST_DIMENSIONS) -> Any:
    """An array's elements unparsed, those of one of several dimensions in arrays of their own."""
    found = _elements(text)
    if found is None or not any(bytes(each).startswith(b"[") for each in found):
        return found
    if dimensions == 1:
        raise ValueError(f"an array of more than {MOST_DIMENSIONS} dimensions")
    return [_in_dimensions(bytes(each), dimensions - 1) for each in found]


def _hstores(column: Sequence[Any]) -> Sequence[Any]:
    return [None if value is None else _hstore(value) for value in map(_parsed, column)]


def _hstore(value: Any) -> str:
    if not isinstance(value, dict):
        raise refused(f"an object for a column of type hstore, not {type(value).__name__}")
    return hstore({key: _as_text(each) for key, each in value.items()})


def _as_text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else encode_exact(value).decode()


def _instants(column: Sequence[Any], *, base: str, decode: Any) -> Sequence[Any]:
    values = _typed(column, decode=decode, name=base)
    try:
        return [_iso(value, base) if isinstance(value, int) else value for value in values]
    except InstantRangeError as error:
        raise refused(f"a value for a column of type {base}: {error}") from error


def _iso(number: int, base: str) -> str:
    if base == "date":
        return date_text(number)
    return time_text(number * 1000) if base.startswith("time without") else timestamp_text(number * 1000)


def _documents(column: Sequence[Any]) -> Sequence[Any]:
    texts = [_text(value) for value in column]
    return [None if text == b"null" else text for text in texts]


def _written_documents(column: Sequence[Any]) -> Sequence[bytes | None]:
    """In one form, whether the value was parsed on its way or not."""
    values = map(_parsed, column)
    return [None if value is None else encode_exact(value) for value in values]


def _texts_or_documents(column: Sequence[Any]) -> Sequence[str | None]:
    return [_text_or_document(_parsed(value)) for value in column]


def _text_or_document(value: Any) -> str | None:
    if isinstance(value, dict | list):
        return spaced(encode_exact(value)).decode()
    if value is not None and not isinstance(value, str):
        raise refused(f"a text, an object or an array for a column of type text, not {type(value).__name__}")
    return value


def _parsed(value: Any) -> Any:
    try:
        return parse_exact(_text(value))
    except ValueError as error:
        raise refused(f"a value that is JSON: {error}") from error


def _text(value: Any) -> bytes:
    """The JSON text of a value; one that was parsed for a transform is written again, one out of a key is text already."""
    return bytes(value) if isinstance(value, msgspec.Raw | bytes) else encode_exact(value)
