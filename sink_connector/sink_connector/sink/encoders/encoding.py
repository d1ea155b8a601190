"""In which type a value travels to PostgreSQL, and how a whole column of values is put into that form.

Every type that is sent has a binary codec, so a batch is one binary COPY. Where the table's column is of another type, the
statement casts, so that PostgreSQL's own input rules decide about uuid, inet, interval, enum and the rest; the last step, to
a length or a domain, is left to the assignment, which refuses what a cast would cut.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from asyncpg import Connection

from sink_connector.data.record import DECIMAL, Schema, Type
from sink_connector.data.record_schema import Form
from sink_connector.data.semantic_types import VARIABLE_SCALE_DECIMAL
from sink_connector.sink.encoders.column_values import (
    DOCUMENTS,
    NESTED,
    WHOLE,
    array_wire,
    column_wire,
    document_type,
    element_column,
    in_dimensions,
    kept_whole,
    null_at_least,
    with_offsets,
)
from sink_connector.sink.encoders.connect_values import connect_encoder
from sink_connector.sink.encoders.debezium_values import debezium_created_type, debezium_wire
from sink_connector.sink.encoders.encoder import PRIMITIVES, Encoder, refused
from sink_connector.sink.encoders.guards import guarded
from sink_connector.sink.encoders.json_values import json_encoder, nested_encoder, read_first
from sink_connector.sink.encoders.parts import composite_wire, text_wire, untyped_wire
from sink_connector.sink.encoders.untyped_values import untyped_encoder
from sink_connector.sink.table_metadata import COMPOSITE, Column

TEXT = Schema(type=Type.STRING, optional=True)
# Types whose numbers are meant to the last digit.
EXACT = WHOLE | {Type.STRING, Type.STRUCT}


async def set_codecs(connection: Connection) -> None:
    """Teach a connection the forms that the encoders make: no value of a large batch is worth an object of its own."""
    for name in ("timestamptz", "timestamp", "date", "time"):
        await connection.set_type_codec(
            name, schema="pg_catalog", encoder=tuple, decoder=tuple, format="tuple"
        )
    await connection.set_type_codec(
        "json", schema="pg_catalog", encoder=bytes, decoder=bytes, format="binary"
    )
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=b"\x01".__add__, decoder=lambda data: data[1:], format="binary"
    )


def encoder_of(schema: Schema, form: Form, column: Column | None, *, nested: str = "jsonb") -> Encoder:
    """How values of this schema travel to this column; None stands for a column that is still to be made.

    `nested` is what `nested.type` says. Raises `BadRecordError` when there is no telling: a value without a schema for a column that is not there, or a schema
    whose parameters are none.
    """
    try:
        wire = (
            untyped_encoder(column, nested=nested, of_parts=partial(_of_untyped_parts, nested=nested))
            if form is Form.UNTYPED
            else _typed_wire(schema, form, column)
        )
    except ValueError as error:
        raise refused(f"a schema of type {schema.type.value} that can be used: {error}") from error
    if column is not None:
        wire = kept_whole(with_offsets(null_at_least(wire, column), column), column)
    exact = (
        wire.type in {"text", "text[]"}
        if form is Form.UNTYPED
        else schema.logical == DECIMAL or schema.type in EXACT
    )
    return guarded(wire, column, exact=exact)


def created_type(schema: Schema, wire: Encoder, *, nested: str = "jsonb") -> str:
    """The type of a column made for this schema; `nested` is that for documents."""
    if schema.type is Type.ARRAY and schema.items is not None and wire.type.endswith("[]"):
        return f"{created_type(schema.items, Encoder(wire.type.removesuffix('[]')))}[]"
    made = debezium_created_type(schema) or wire.type
    return nested if made == "jsonb" and schema.type in NESTED else made


def _typed_wire(schema: Schema, form: Form, column: Column | None) -> Encoder:
    if schema.type is Type.STRING and column is not None and column.base_type == "jsonb":
        return Encoder("jsonb", _json_texts)  # as it is: PostgreSQL reads a jsonb from its text anyway
    items = schema.items
    if items is not None and schema.type is Type.ARRAY and _is_array(items, column):
        if form is Form.JSON and (items.logical == DECIMAL or items.type not in PRIMITIVES):
            return _after_reading(schema, _array(schema, Form.CONNECT, column))
        return _array(schema, form, column)
    special = debezium_wire(schema, column)
    if special is None and column is not None:
        kind = document_type(schema, column) if schema.type in NESTED else None
        if kind is not None and form is Form.JSON and not _is_list(schema):
            return nested_encoder(schema, kind)
        special = _of_parts(schema, column) or column_wire(schema, column)
    if special is None:
        return json_encoder(schema) if form is Form.JSON else connect_encoder(schema)
    return _after_reading(schema, special) if form is Form.JSON else special


def _of_parts(schema: Schema, column: Column) -> Encoder | None:
    if schema.type is Type.STRING:
        return text_wire(column, _of_text)
    is_composite = column.kind == COMPOSITE and not column.base_type.endswith("[]")
    if schema.type not in {Type.STRUCT, Type.MAP} or not is_composite or column.takes_documents:
        return None
    return composite_wire(schema, column, lambda inner, part: encoder_of(inner, Form.CONNECT, part))


def _of_untyped_parts(column: Column, *, nested: str) -> Encoder | None:
    return untyped_wire(column, _of_text, lambda part: encoder_of(TEXT, Form.UNTYPED, part, nested=nested))


def _of_text(part: Column) -> Encoder:
    return encoder_of(TEXT, Form.CONNECT, part)


def _is_array(items: Schema, column: Column | None) -> bool:
    """Whether an array of such items goes into an array, and not into a document."""
    if column is not None:
        return column.base_type.endswith("[]")
    return items.type in PRIMITIVES or items.name == VARIABLE_SCALE_DECIMAL


def _array(schema: Schema, form: Form, column: Column | None) -> Encoder:
    items, element = schema.items or schema, element_column(column)
    of_arrays = items.type is Type.ARRAY and (element is None or element.base_type not in DOCUMENTS)
    while of_arrays and items.type is Type.ARRAY and items.items is not None:
        items = items.items  # of several dimensions: PostgreSQL's type is the same
    wire = array_wire(encoder_of(items, form, element))
    return in_dimensions(wire) if of_arrays else wire


def _is_list(schema: Schema) -> bool:
    """Whether the compiled decoder has read it already: an array of single values."""
    items = schema.items
    return (
        schema.type is Type.ARRAY
        and items is not None
        and items.type in PRIMITIVES
        and items.logical != DECIMAL
    )


def _after_reading(schema: Schema, wire: Encoder) -> Encoder:
    return replace(wire, encode=read_first(schema, wire.encode))


def _json_texts(column: Sequence[str | None]) -> Sequence[Any]:
    return [None if text is None else text.encode() for text in column]
