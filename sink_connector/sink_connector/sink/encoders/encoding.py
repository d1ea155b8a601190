"""In which type a value travels to PostgreSQL, and how a whole column of values is put into that form.

Every wire type has a binary codec, so a batch is one binary COPY. Where the table's column is of another type, the
statement casts, so that PostgreSQL's own input rules decide about uuid, inet, interval, enum and the rest.
"""

from collections.abc import Sequence
from typing import Any

from asyncpg import Connection

from sink_connector.data.record import Schema, Type
from sink_connector.data.record_schema import Form
from sink_connector.sink.encoders.connect_values import connect_wire
from sink_connector.sink.encoders.encoder import Wire
from sink_connector.sink.encoders.json_values import json_wire
from sink_connector.sink.encoders.untyped_values import untyped_wire
from sink_connector.sink.table_metadata import Column


async def set_codecs(connection: Connection) -> None:
    """Teach a connection the forms that the wires make: no value of a large batch is worth an object of its own."""
    for name in ("timestamptz", "timestamp", "date", "time"):
        await connection.set_type_codec(
            name, schema="pg_catalog", encoder=tuple, decoder=tuple, format="tuple"
        )
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=b"\x01".__add__, decoder=lambda data: data[1:], format="binary"
    )


def wire_of(schema: Schema, form: Form, column: Column | None) -> Wire:
    """How values of this schema travel to this column; None stands for a column that is still to be made.

    Raises `BadRecordError` when there is no telling: a value without a schema for a column that is not there.
    """
    if (
        schema.type is Type.STRING
        and form is not Form.UNTYPED
        and column is not None
        and column.type == "jsonb"
    ):
        return Wire("jsonb", _json_texts)  # as it is: PostgreSQL reads a jsonb from its text anyway
    match form:
        case Form.JSON:
            return json_wire(schema)
        case Form.CONNECT:
            return connect_wire(schema)
        case Form.UNTYPED:
            return untyped_wire(column)


def _json_texts(column: Sequence[str | None]) -> Sequence[Any]:
    return [None if text is None else text.encode() for text in column]
