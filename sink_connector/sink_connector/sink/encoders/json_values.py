"""Wires for values as the compiled JSON decoder leaves them: numbers for instants, unparsed text for what is nested."""

from base64 import b64decode
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec

from sink_connector.converters.connect_schema import from_json, unscaled_decimal
from sink_connector.data.record import DECIMAL, Schema, Type
from sink_connector.sink.encoders.connect_values import document
from sink_connector.sink.encoders.encoder import PRIMITIVES, SCALES, Wire, refused

OPENERS = {Type.STRUCT: (b"{",), Type.ARRAY: (b"[",), Type.MAP: (b"{", b"[")}


def json_wire(schema: Schema) -> Wire:
    scale = SCALES.get(schema.name or "")
    if scale is not None:
        return Wire(scale.type, scale.encode)
    if schema.name == DECIMAL:
        return Wire("numeric", partial(_decimals, schema=schema))
    if schema.type in PRIMITIVES:
        return Wire(PRIMITIVES[schema.type])
    items = schema.items
    if schema.type is Type.ARRAY and items is not None and items.type in PRIMITIVES and items.name != DECIMAL:
        element = json_wire(items)
        return Wire(f"{element.type}[]", partial(_arrays, element=element))
    return Wire("jsonb", partial(_documents, schema=schema, parse=_has_decimal(schema)))


def _arrays(column: Sequence[Any], *, element: Wire) -> Sequence[Any]:
    if element.encode is None:
        return column
    return [None if value is None else element.encode(value) for value in column]


def _documents(column: Sequence[Any], *, schema: Schema, parse: bool) -> Sequence[Any]:
    """Nested values as JSON text. The text was not looked into, so its outermost type is checked here."""
    openers = OPENERS[schema.type]
    if not parse and None not in column:
        texts = list(map(bytes, column))
        if {text[:1] for text in texts}.issubset(openers):
            return texts
    return [_document(None if raw is None else bytes(raw), openers, schema, parse=parse) for raw in column]


def _document(text: bytes | None, openers: tuple[bytes, ...], schema: Schema, *, parse: bool) -> bytes | None:
    if text is None or text == b"null":
        if schema.has_default:
            return document(schema, schema.default)
        if not schema.optional:
            raise refused(f"a {schema.type.value}, not null")
        return None
    if not text.startswith(openers):
        raise refused(f"a {schema.type.value}")
    if not parse:
        return text
    try:
        return document(schema, from_json(schema, msgspec.json.decode(text)))
    except (ValueError, TypeError, ArithmeticError, AttributeError) as error:
        raise refused(f"a {schema.type.value} that fits its schema: {error}") from error


def _has_decimal(schema: Schema | None) -> bool:
    """Whether base64 stands somewhere in it for a number, which nobody could use in a jsonb."""
    if schema is None:
        return False
    inner = (schema.keys, schema.items, *(each.schema for each in schema.fields))
    return schema.name == DECIMAL or any(map(_has_decimal, inner))


def _decimals(column: Sequence[Any], *, schema: Schema) -> Sequence[Any]:
    scale = int(schema.parameter("scale") or 0)
    return [_decimal(None if raw is None else bytes(raw), scale, schema) for raw in column]


def _decimal(text: bytes | None, scale: int, schema: Schema) -> Decimal | None:
    """Base64 of the unscaled number, or with `decimal.format=NUMERIC` the number itself."""
    if text is None or text == b"null":
        if schema.has_default:
            return Decimal(schema.default) if schema.default is not None else None
        if not schema.optional:
            raise refused("a Decimal, not null")
        return None
    try:
        if text.startswith(b'"'):
            return unscaled_decimal(b64decode(text[1:-1], validate=True), scale)
        return Decimal(text.decode())
    except (ValueError, ArithmeticError) as error:
        raise refused("a Decimal: base64 text or a number") from error
