"""Encoders for values as the compiled JSON decoder leaves them: numbers for instants, unparsed text for what is nested."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec

from sink_connector.converters.connect_json import Read, json_reader
from sink_connector.data.exact_json import parse_exact
from sink_connector.data.record import DECIMAL, Schema, Type, without_default
from sink_connector.sink.encoders.connect_values import document, written_as
from sink_connector.sink.encoders.encoder import PRIMITIVES, Encode, Encoder, refused, scale_of
from sink_connector.sink.encoders.plain_documents import plain_document

NESTED = frozenset({Type.STRUCT, Type.ARRAY, Type.MAP})
NOT_JSON = (ValueError, RecursionError)  # msgspec's errors and UnicodeDecodeError are ValueErrors


def json_encoder(schema: Schema) -> Encoder:
    """The encoder of a schema's values where the column has no say in it."""
    scale = scale_of(schema)
    if scale is not None:
        return Encoder(scale.type, scale.encode)
    if schema.logical == DECIMAL:
        return Encoder("numeric", read_first(schema))
    if schema.type in PRIMITIVES:
        return Encoder(PRIMITIVES[schema.type])
    return nested_encoder(schema)


def nested_encoder(schema: Schema, kind: str = "jsonb") -> Encoder:
    """The encoder of nested values as documents that travel as a jsonb, a json or a text.

    Only a jsonb may be sent as it came: the server brings it into one form, whatever way the record took.
    """
    plain = plain_document(schema) if kind == "jsonb" else None
    return Encoder(kind, written_as(kind, partial(_documents, schema=schema, plain=plain)))


def read_first(schema: Schema, then: Encode | None = None) -> Encode:
    """An encoding of values in the Python form of `record.py` (`then`), for values in the form of JSON."""
    read = json_reader(without_default(schema))  # which was taken where it was to be

    def encode(column: Sequence[Any]) -> Sequence[Any]:
        values = [_connect_form(schema, read, value) for value in column]
        return values if then is None else then(values)

    return encode


def _connect_form(schema: Schema, read: Read, value: Any) -> Any:
    """A value out of the compiled decoder; one that was part of a key is parsed in part already."""
    if value is None or isinstance(value, Decimal):
        return value
    try:
        if isinstance(value, msgspec.Raw) or (isinstance(value, bytes) and schema.type in NESTED):
            return read(parse_exact(value))
        if isinstance(value, list | tuple) and schema.items is not None:
            inner = json_reader(schema.items)
            return [_connect_form(schema.items, inner, item) for item in value]
        return read(value) if schema.logical is not None else value
    except (ValueError, RecursionError) as error:
        raise refused(f"a {schema.type.value} that fits its schema: {error}") from error


def _documents(
    column: Sequence[Any], *, schema: Schema, plain: Callable[[bytes], bytes] | None
) -> Sequence[Any]:
    """Nested values as JSON text: what `plain` makes of it, else read by its schema and written again."""
    return [_document(None if raw is None else bytes(raw), plain, schema) for raw in column]


def _document(text: bytes | None, plain: Callable[[bytes], bytes] | None, schema: Schema) -> bytes | None:
    if text is None or text == b"null":
        if not schema.optional:
            raise refused(f"a {schema.type.value}, not null")
        return None
    if plain is not None:
        try:
            return plain(text)
        except NOT_JSON:
            pass  # reading it decides, and says what is wrong
    try:
        return document(schema, json_reader(schema)(parse_exact(text)))
    except (ValueError, RecursionError) as error:
        raise refused(f"a {schema.type.value} that fits its schema: {error}") from error
