"""Encoders that the column decides about: values of one type into columns of another that can take them."""

import struct
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from sink_connector.converters.connect_json import to_json
from sink_connector.data.decimals import shortest_single
from sink_connector.data.exact_json import encode_exact
from sink_connector.data.record import DURATION, UNSIGNED, Schema, Type
from sink_connector.sink.encoders.connect_values import document_wire
from sink_connector.sink.encoders.encoder import INTEGERS, TEXTS, Encode, Encoder, each, refused
from sink_connector.sink.table_metadata import Column

NESTED = frozenset({Type.ARRAY, Type.MAP, Type.STRUCT})
DOCUMENTS = frozenset({"json", "jsonb"})
FLOATS = frozenset({Type.FLOAT32, Type.FLOAT64})
WHOLE = frozenset({Type.INT8, Type.INT16, Type.INT32, Type.INT64})
UUID_BYTES = 16
BITS = frozenset({'"bit"', "bit varying"})
NUMBERS = frozenset({"numeric", "real", "double precision"})
# Debezium's words with decimal.handling.mode=string. Its word for what is no number is PostgreSQL's, too: NAN.
INFINITE_TEXTS = {"POSITIVE_INFINITY": "Infinity", "NEGATIVE_INFINITY": "-Infinity"}
TIMESTAMP = "timestamp without time zone"
# After the time of day, with colons or without: an offset, or the name of a zone.
_HAS_OFFSET = (
    r"{} ~* '(:\d\d|\dT\d{2,6})([.,]\d+)?\s*([ap]m)?\s*"
    r"([+-]\d{1,2}(:?\d\d){0,2}|(?!(am|pm|bc|ad)\M)[a-z][a-z0-9_/+-]*)\s*(bc|ad)?\s*$'"
)
_INSTANT = "CAST({} AS timestamp with time zone)"
_ZONED_TIME = "CAST({} AS time with time zone) AT TIME ZONE current_setting('TimeZone')"
# A text with an offset is an instant. PostgreSQL passes over the offset where the column has no zone; the wall clock meant is
# that of db.timezone, which is the session's.
_AS_INSTANT = {
    base: f"CASE WHEN {_HAS_OFFSET} THEN CAST({through} AS {base}) ELSE CAST({{}} AS {base}) END"
    for base, through in (
        (TIMESTAMP, _INSTANT),
        ("date", _INSTANT),
        ("time without time zone", _ZONED_TIME),
    )
}

# In an array that is given as a text, only elements with an offset need that, and one by one has no dimensions and bounds.
_OF_TEXT = "unnest(CAST({} AS text[])) WITH ORDINALITY AS u (e, place)"
_AS_INSTANT |= {
    f"{base}[]": (
        f"CASE WHEN NOT EXISTS (SELECT FROM {_OF_TEXT} WHERE {_HAS_OFFSET.replace('{}', 'u.e')}) THEN CAST({{}} AS {base}[]) "  # noqa: S608
        "WHEN array_ndims(CAST({} AS text[])) = 1 AND array_lower(CAST({} AS text[]), 1) = 1 "
        f"THEN ARRAY(SELECT {template.replace('{}', 'u.e')} FROM {_OF_TEXT} ORDER BY u.place) "
        f"ELSE CAST(CAST({{}} AS text) || ', of which the offsets would be lost' AS {base}[]) END"
    )
    for base, template in _AS_INSTANT.items()
}


def column_wire(schema: Schema, column: Column) -> Encoder | None:
    """The encoder, for values in the Python form of `record.py`, where the column asks for another than the schema's own."""
    base = column.base_type
    kind = document_type(schema, column)
    if kind is not None:
        return document_wire(schema, kind)
    if schema.type in NESTED:
        return _without_document(schema, column)
    if schema.type in FLOATS and base == "numeric":
        return Encoder("numeric", each(_exact_single if schema.type is Type.FLOAT32 else _exact))
    if schema.type is Type.STRING and base in NUMBERS:
        return Encoder("text", each(lambda text: INFINITE_TEXTS.get(text, text)))
    if schema.parameter(UNSIGNED) and base in TEXTS | {"numeric"}:
        return Encoder("numeric", each(Decimal))
    return _bit_string(schema, column) if base in BITS else _of_bytes(schema, base)


def _without_document(schema: Schema, column: Column) -> Encoder:
    """For a vector or a hstore, or for a column that can be null and nothing else."""
    if schema.type is Type.ARRAY and is_vector(column.base_type):
        return Encoder("text", each(vector))
    if schema.type is not Type.ARRAY and is_hstore(column.base_type):
        return Encoder("text", each(lambda value: hstore(_texts(schema, value))))
    return _nothing_but_null(
        f"no {schema.type.value} for a column of type {column.type}: it takes no document, as json, jsonb and text do"
    )


def _nothing_but_null(expected: str) -> Encoder:
    def refuse(_: Any) -> str:
        raise refused(expected)

    return Encoder("text", each(refuse))


def null_at_least(wire: Encoder, column: Column) -> Encoder:
    """The encoder for a column that the database may have no cast to: a null is one whatever its type, and anything else refused."""
    sent, base = wire.type, column.base_type
    casts = column.casts_from
    if casts is None or wire.template is not None or sent in {"text", base} or sent in casts:
        return wire
    element = sent.removesuffix("[]")
    if sent.endswith("[]") == base.endswith("[]") and element in casts | {"text", base.removesuffix("[]")}:
        return wire
    refusing = _nothing_but_null(f"no {sent} for a column of type {column.type}, to which it cannot be cast")
    encode, refuse = wire.encode or list, refusing.encode or list
    return replace(refusing, encode=lambda values: refuse(encode(values)))


def _of_bytes(schema: Schema, base: str) -> Encoder | None:
    if schema.type is Type.BYTES and base == "interval" and schema.parameter(DURATION):
        return Encoder("text", each(_avro_duration))
    if schema.type is not Type.BYTES or schema.logical is not None:
        return None
    if base in INTEGERS:  # a cast of PostgreSQL's since 18
        return _nothing_but_null("no bytes for a column of whole numbers")
    return Encoder("text", each(_uuid)) if base == "uuid" else None


def _bit_string(schema: Schema, column: Column) -> Encoder | None:
    if schema.type is Type.BOOLEAN:
        return Encoder("text", each(lambda value: "1" if value else "0"))
    if schema.type in WHOLE and schema.logical is None:
        # PostgreSQL's own cast keeps the last bit only. A bit(8) has its zeros written, a bit varying has none.
        length = column.modifier if column.base_type == '"bit"' else 0
        return Encoder("text", each(lambda value: _binary(value, max(length, 1))))
    return None


def with_offsets(wire: Encoder, column: Column) -> Encoder:
    """The encoder for a column whose texts may have an offset that the column has no place for."""
    if wire.template is not None or wire.type != "text":
        return wire
    return replace(wire, template=_AS_INSTANT.get(column.base_type))


def kept_whole(wire: Encoder, column: Column) -> Encoder:
    """The encoder for a column whose type rounds or lacks fields, such as numeric(6,2), timestamp(3) and interval year.

    What a text means is known where it is read: the server compares what it would be with what the column would keep of it.
    Where that is less, it reads the text with a remark at its end instead, which no type takes.
    """
    if column.key_type in {"", column.base_type} or not (
        wire.type == "text" or column.base_type == "interval"
    ):
        return wire
    made, kept = wire.expression("{}", column), column.key_type
    refusal = f"CAST(CAST({{}} AS text) || ', of which {kept} keeps less' AS {column.base_type})"
    return replace(
        wire, template=f"CASE WHEN CAST({made} AS {kept}) <> {made} THEN {refusal} ELSE {made} END"
    )


def document_type(schema: Schema, column: Column) -> str | None:
    """The type as which a document of a value travels to the column: its own, so that nothing is written in another way.

    None where the value is no document.
    """
    base = column.base_type
    if base in DOCUMENTS:
        return None if schema.type is Type.STRING else base
    if schema.type not in NESTED or base.endswith("[]") or not column.takes_documents:
        return None
    return "text" if base in TEXTS else "jsonb"


def array_wire(element: Encoder) -> Encoder:
    """The encoder of arrays by that of their elements."""
    template = element.template
    if template is not None:
        inner = template.replace("{}", "u.e")
        template = (
            "CASE WHEN {} IS NULL THEN NULL ELSE "  # noqa: S608 - nothing in it comes from outside
            f"ARRAY(SELECT {inner} FROM unnest({{}}) WITH ORDINALITY AS u (e, place) ORDER BY u.place) END"
        )
    encode = (
        None
        if element.encode is None
        else each(_of_elements(element.encode, is_flat=element.type in DOCUMENTS))
    )
    if template is not None:
        encode = _of_one_dimension(encode)
    return Encoder(f"{element.type}[]", encode, template)


def in_dimensions(wire: Encoder) -> Encoder:
    """The encoder of arrays that may be of several dimensions: PostgreSQL has none of which one is empty."""
    inner = wire.encode

    def encode(column: Sequence[Any]) -> Sequence[Any]:
        for value in column:
            if value is not None and any(map(_is_or_has_empty, value)):
                raise refused("an array without empty arrays in it, for a column of arrays")
        return column if inner is None else inner(column)

    return replace(wire, encode=encode)


def _is_or_has_empty(element: Any) -> bool:
    return isinstance(element, list | tuple) and (not element or any(map(_is_or_has_empty, element)))


def element_column(column: Column | None) -> Column | None:
    """An array's column as one of its elements would see it."""
    if column is None:
        return None
    kind, key_type = column.base_type.removesuffix("[]"), column.key_type.removesuffix("[]")
    return replace(column, type=kind, base_type=kind, key_type=key_type)


def is_hstore(base: str) -> bool:
    """Whether a type is the extension's hstore, in whichever schema it lies."""
    return bare_name(base) == "hstore"


def is_vector(base: str) -> bool:
    """Whether a type is one of pgvector's with all of its numbers, in whichever schema it lies."""
    return bare_name(base) in {"vector", "halfvec"}


def vector(numbers: Sequence[Any]) -> str:
    """The text form of a vector; a null in it is for the database to refuse."""
    return encode_exact(numbers).decode()


def bare_name(base: str) -> str:
    """The name of a type without its schema and quotes."""
    return base.rpartition(".")[2].strip('"')


def hstore(pairs: dict[str, str | None]) -> str:
    """The text form of a hstore."""
    return ", ".join(
        f"{_quoted(key)}=>{'NULL' if value is None else _quoted(value)}" for key, value in pairs.items()
    )


def _of_one_dimension(encode: Encode | None) -> Encode:
    """The same for arrays whose elements are looked at one by one in SQL, which forgets about dimensions."""

    def encode_flat(column: Sequence[Any]) -> Sequence[Any]:
        if any(isinstance(item, list | tuple) for value in column if value is not None for item in value):
            raise refused("an array of one dimension, for a column of such a type")
        return column if encode is None else encode(column)

    return encode_flat


def _of_elements(encode: Encode, *, is_flat: bool) -> Any:
    def encode_array(value: Sequence[Any]) -> list[Any]:
        if not is_flat and any(isinstance(item, list | tuple) for item in value):  # of several dimensions
            return [None if item is None else encode_array(item) for item in value]
        return list(encode(value))

    return encode_array


def _texts(schema: Schema, value: dict[Any, Any]) -> dict[str, str | None]:
    if schema.type is Type.STRUCT:
        return {field.name: _text(field.schema, value.get(field.name)) for field in schema.fields}
    return {_text(schema.keys, key) or "": _text(schema.items, item) for key, item in value.items()}


def _text(schema: Schema | None, value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return to_json(schema, value).decode()


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _uuid(value: bytes) -> str:
    """As MySQL's BINARY(16) and Avro's fixed have it."""
    if len(value) != UUID_BYTES:
        raise refused(f"{UUID_BYTES} bytes, for a column of type uuid")
    return value.hex()


def _avro_duration(value: bytes) -> str:
    """Months, days and milliseconds, each of four bytes, the lowest first."""
    months, days, millis = struct.unpack("<III", value)
    return f"{months} months {days} days {millis} milliseconds"


def _binary(value: int, length: int) -> str:
    if value < 0:
        raise refused("a number that is not negative, for a column of bits")
    return format(value, f"0{length}b")


def _exact(value: float) -> Decimal:
    """Every digit of the number as it is written; PostgreSQL's own cast keeps fifteen."""
    return Decimal(repr(value))


def _exact_single(value: float) -> Decimal:
    return Decimal(repr(shortest_single(value)))
