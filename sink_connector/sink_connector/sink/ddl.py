"""Tables and columns made from a record's schema, where `auto.create` and `auto.evolve` allow it."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

from asyncpg import Connection

from sink_connector.config.connector import TableConfig
from sink_connector.data.instants import (
    DAY_US,
    InstantRangeError,
    date_text,
    micros_of,
    time_text,
    timestamp_text,
)
from sink_connector.data.record import Schema, Type
from sink_connector.data.record_schema import Form
from sink_connector.errors import BadRecordError, FatalError, SinkError
from sink_connector.sink.column_mapping import ColumnMapping, ColumnSource
from sink_connector.sink.encoders.connect_values import document
from sink_connector.sink.encoders.debezium_values import debezium_wire
from sink_connector.sink.encoders.encoder import SCALES
from sink_connector.sink.encoders.encoding import created_type, encoder_of
from sink_connector.sink.identifiers import literal, quote
from sink_connector.sink.table_metadata import Table, TableName

DOCUMENTS = {"jsonb", "json", "text"}
VIEWS = {"v", "m"}  # kinds of relations
LOCK = 0x73696E6B  # "sink": one worker at a time changes tables
UNWRITABLE = re.compile(r"[\0\ud800-\udfff]")


class ChangeNeededError(SinkError):
    """The batch cannot be written before this statement was run, outside of its transaction.

    One that makes a new table (`is_new`) changes nothing of what is known of others.
    """

    def __init__(self, statement: str, *, is_new: bool = False) -> None:
        super().__init__(statement)
        self.statement = statement
        self.is_new = is_new


def unusable(config: TableConfig, reason: str) -> SinkError:
    """What to raise when a table cannot be written to as it is: the record's failure where the record has named it."""
    return BadRecordError(reason) if config.is_named_by_record else FatalError(reason)


async def change(connection: Connection, statement: str) -> None:
    """Run a statement of this module. Another worker may have run the same a moment ago, which is as good."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        await connection.execute(statement)


def table_missing(config: TableConfig, name: TableName, layout: ColumnMapping) -> SinkError:
    """What to raise when there is no table: a change to be made, or a failure that names the statement to run."""
    if any(source.form is Form.UNTYPED for source in layout.sources):
        return unusable(
            config,
            f"table {name} does not exist, and records without a schema do not say what it should look like",
        )
    columns = [_definition(config, source) for source in layout.sources]
    keys = [quote(config.column_name(source.field.name)) for source in layout.sources if source.is_key]
    if keys:
        columns.append(f"PRIMARY KEY ({', '.join(keys)})")
    statement = f"CREATE TABLE IF NOT EXISTS {name.sql} ({', '.join(columns)})"
    if config.auto_create:
        return ChangeNeededError(statement, is_new=True)
    return unusable(config, f"table {name} does not exist; {statement} would make it, or auto.create=true")


def columns_missing(config: TableConfig, table: Table, missing: Sequence[ColumnSource]) -> SinkError:
    """What to raise when a table lacks columns: a change to be made, or a bad record."""
    names = ", ".join(repr(source.field.name) for source in missing)
    if any(source.form is Form.UNTYPED for source in missing):
        return BadRecordError(f"table {table.called} has no column for {names}")
    if table.kind in VIEWS:
        return BadRecordError(
            f"{table.called} has no column for {names}, and is a view, to which auto.evolve adds none"
        )
    added = ", ".join(f"ADD COLUMN IF NOT EXISTS {_definition(config, source)}" for source in missing)
    statement = f"ALTER TABLE {table.name.sql} {added}"
    if not config.auto_evolve:
        return BadRecordError(
            f"table {table.called} has no column for {names}; ALTER TABLE {table.called.sql} {added} would add it, or auto.evolve=true"
        )
    required = [
        source.field.name
        for source in missing
        if source.is_key or not (source.field.schema.optional or source.field.schema.has_default)
    ]
    if required:
        listed = ", ".join(map(repr, required))
        return BadRecordError(
            f"table {table.called} has no column for {listed}, and auto.evolve adds only optional fields or those with a default"
        )
    return ChangeNeededError(statement)


def _definition(config: TableConfig, source: ColumnSource) -> str:
    schema = source.field.schema
    # A json cannot be compared, and so be no key; a jsonb can.
    nested = "jsonb" if source.is_key and config.nested_type == "json" else config.nested_type
    kind = created_type(schema, encoder_of(schema, source.form, None), nested=nested)
    required = " NOT NULL" if source.is_key or not schema.optional else ""
    default = (
        f" DEFAULT {_default(schema, kind)}" if schema.has_default and schema.default is not None else ""
    )
    return f"{quote(config.column_name(source.field.name))} {kind}{default}{required}"


def _default(schema: Schema, kind: str) -> str:
    text = _default_text(schema, kind)
    if UNWRITABLE.search(text):  # the server would take the statement to end there
        raise BadRecordError(
            "a default with U+0000 or half a surrogate pair, which no text of PostgreSQL's has"
        )
    return f"{literal(text)}::{kind}"


def _default_text(schema: Schema, kind: str) -> str:
    """A default in the form that PostgreSQL reads for a type. Raises `BadRecordError` for one that does not fit its schema."""
    value = schema.default
    special = debezium_wire(schema, None)
    if special is not None and special.encode is not None:
        [value] = special.encode([value])
    scale = SCALES.get(schema.name or "")
    if scale is not None and isinstance(value, int):
        return _instant(value * scale.numerator // scale.denominator, kind)
    if isinstance(value, datetime | date | time | timedelta):
        micros = micros_of(value)
        return _instant(micros // DAY_US if kind == "date" else micros, kind)
    if kind in DOCUMENTS and schema.type in {Type.STRUCT, Type.MAP, Type.ARRAY}:
        return (document(schema, value) or b"null").decode()
    if isinstance(value, list):
        items = schema.items or schema
        element = kind.removesuffix("[]")
        texts = (
            "NULL" if item is None else _quoted(_default_text(replace(items, default=item), element))
            for item in value
        )
        return "{" + ",".join(texts) + "}"
    return _text(value)


def _instant(number: int, kind: str) -> str:
    """A default of a schema whose values are days or microseconds since 1970, or since midnight."""
    if kind == "date":
        return date_text(number)
    if not kind.startswith("time without"):
        return timestamp_text(number)
    try:
        return time_text(number)
    except InstantRangeError as error:
        raise BadRecordError(f"the default {number} is no instant that a column can have") from error


def _text(value: Any) -> str:
    return "\\x" + value.hex() if isinstance(value, bytes) else str(value)


def _quoted(text: str) -> str:
    """An element of an array's text form."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
