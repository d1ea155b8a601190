"""In which type a Connect value travels to PostgreSQL, and how a whole column of values is put into that form.

Every wire type has a binary codec, so a batch is one binary COPY. Where the table's column is of another type, the
statement casts, so that PostgreSQL's own input rules decide about uuid, inet, interval, enum and the rest.
"""

from base64 import b64decode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from asyncpg import Connection

from sink_connector.converters.connect_schema import unscaled_decimal
from sink_connector.errors import BadRecordError, Stage
from sink_connector.record import DATE, DECIMAL, TIME, TIMESTAMP, Schema, Type
from sink_connector.shape import Form

Encode = Callable[[Sequence[Any]], Sequence[Any]]

EPOCH_2000_US = 946_684_800_000_000  # PostgreSQL counts instants in microseconds since 2000-01-01
EPOCH_2000_DAYS = 10_957

PRIMITIVES: dict[Type, str] = {
    Type.INT8: "smallint",
    Type.INT16: "smallint",
    Type.INT32: "integer",
    Type.INT64: "bigint",
    Type.FLOAT32: "real",
    Type.FLOAT64: "double precision",
    Type.BOOLEAN: "boolean",
    Type.STRING: "text",
    Type.BYTES: "bytea",
}


@dataclass(frozen=True, slots=True)
class Wire:
    """`type` is the SQL type that is sent; `encode` prepares a column of values, None where they go as they are."""

    type: str
    encode: Encode | None = None


async def set_codecs(connection: Connection) -> None:
    """Teach a connection the forms that `wire_of` makes: no value of a large batch is worth an object of its own."""
    for name in ("timestamptz", "timestamp", "date", "time"):
        await connection.set_type_codec(
            name, schema="pg_catalog", encoder=tuple, decoder=tuple, format="tuple"
        )
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=b"\x01".__add__, decoder=lambda data: data[1:], format="binary"
    )


def wire_of(schema: Schema, form: Form) -> Wire:
    """How values of this schema travel."""
    if form is Form.JSON:
        return _json_wire(schema)
    raise NotImplementedError(form)


def _json_wire(schema: Schema) -> Wire:
    if schema.name in _JSON_LOGICAL:
        return _JSON_LOGICAL[schema.name]
    if schema.name == DECIMAL:
        return Wire("numeric", partial(_decimals, schema=schema))
    if schema.type in PRIMITIVES:
        return Wire(PRIMITIVES[schema.type])
    if schema.type is Type.ARRAY and schema.items is not None and schema.items.type in PRIMITIVES:
        return Wire(PRIMITIVES[schema.items.type] + "[]")
    return Wire("jsonb", partial(_documents, schema=schema))


def _scale(column: Sequence[int | None], *, factor: int, origin: int) -> Sequence[Any]:
    if None in column:
        return [None if value is None else (value * factor - origin,) for value in column]
    return [(value * factor - origin,) for value in column]  # type: ignore[operator]


_JSON_LOGICAL = {
    TIMESTAMP: Wire("timestamptz", partial(_scale, factor=1000, origin=EPOCH_2000_US)),
    DATE: Wire("date", partial(_scale, factor=1, origin=EPOCH_2000_DAYS)),
    TIME: Wire("time", partial(_scale, factor=1000, origin=0)),
}

OPENERS = {Type.STRUCT: (b"{",), Type.ARRAY: (b"[",), Type.MAP: (b"{", b"[")}


def _documents(column: Sequence[Any], *, schema: Schema) -> Sequence[Any]:
    """Nested values as JSON text. The text was not looked into, so its outermost type is checked here."""
    openers = OPENERS[schema.type]
    texts = [None if raw is None else bytes(raw) for raw in column]
    if all(text is not None and text.startswith(openers) for text in texts):
        return texts
    return [_document(text, openers, schema) for text in texts]


def _document(text: bytes | None, openers: tuple[bytes, ...], schema: Schema) -> bytes | None:
    if text is None or text == b"null":
        if not schema.optional:
            raise BadRecordError(f"null where a {schema.type.value} is required", stage=Stage.VALUE_CONVERTER)
        return None
    if not text.startswith(openers):
        raise BadRecordError(f"expected a {schema.type.value}", stage=Stage.VALUE_CONVERTER)
    return text


def _decimals(column: Sequence[Any], *, schema: Schema) -> Sequence[Any]:
    scale = int(schema.parameter("scale") or 0)
    return [None if raw is None else _decimal(bytes(raw), scale, schema) for raw in column]


def _decimal(text: bytes, scale: int, schema: Schema) -> Decimal | None:
    """Base64 of the unscaled number, or with `decimal.format=NUMERIC` the number itself."""
    if text == b"null":
        if not schema.optional:
            raise BadRecordError("null where a Decimal is required", stage=Stage.VALUE_CONVERTER)
        return None
    try:
        if text.startswith(b'"'):
            return unscaled_decimal(b64decode(text[1:-1], validate=True), scale)
        return Decimal(text.decode())
    except (ValueError, ArithmeticError) as error:
        raise BadRecordError(
            "expected a Decimal: base64 text or a number", stage=Stage.VALUE_CONVERTER
        ) from error
