"""Debezium's change events: recognised, and unwrapped to the row they carry, as Debezium's own sink does by itself."""

from collections.abc import Collection
from typing import Any

from msgspec import structs

from sink_connector.data.record import Record, Schema, Type
from sink_connector.data.record_schema import Form, RecordSchema
from sink_connector.data.semantic_types import TRUNCATION
from sink_connector.transforms.columns import ValueColumns
from sink_connector.transforms.data import UnfitRecordError
from sink_connector.transforms.unavailable import Placeholder

BEFORE, AFTER, OPERATION, SOURCE = "before", "after", "op", "source"
DELETE, TRUNCATE, MESSAGE = "d", "t", "m"
# About the source, not about rows.
_SIDE_RECORDS = (
    ".SchemaChangeValue",
    ".Heartbeat",
    ".TransactionMetadataValue",
    ".MessageValue",
    ".Notification",
)
# The fields of those without a schema, but for times; a heartbeat has nothing else, and its key tells the rest.
_UNTYPED_SIDE_RECORDS = (
    {SOURCE, "databaseName", "schemaName", "ddl", "tableChanges"},
    {"status", "id", "event_count", "data_collections"},
    {OPERATION, SOURCE, "message"},
    {"id", "type", "aggregate_type", "additional_data", "timestamp"},
)
_TIMES = {"ts_ms", "ts_us", "ts_ns", "transaction"}
_HEARTBEAT, _HEARTBEAT_KEY = {"ts_ms"}, {"serverName"}


def is_envelope(schema: Schema) -> bool:
    """Whether values of this schema are change events: by its name, or by the fields only these have, each of its type."""
    if schema.name is not None and schema.name.endswith(".Envelope"):
        return True
    types = {each.name: each.schema.type for each in schema.fields}
    return (
        types.get(OPERATION) is Type.STRING
        and types.get(AFTER) is Type.STRUCT
        and Type.STRUCT in {types.get(BEFORE), types.get(SOURCE)}
    )


def is_side_record(schema: Schema) -> bool:
    """Whether these are Debezium's records beside those of rows: heartbeats, schema changes, transactions, messages and notifications."""
    return (
        schema.name is not None
        and schema.name.startswith("io.debezium.")
        and schema.name.endswith(_SIDE_RECORDS)
    )


def is_change_event(schema: Schema) -> bool:
    """Whether Debezium's sink treats values of this schema otherwise than as rows."""
    return schema.type is Type.STRUCT and (is_envelope(schema) or is_side_record(schema))


def may_be_change_event(shape: RecordSchema) -> bool:
    """Whether values of a shape are to be looked at: with a schema each is a change event, without one some may be."""
    if shape.form is not Form.UNTYPED:
        return is_change_event(shape.schema)
    names = {each.name for each in shape.schema.fields}
    return {OPERATION, AFTER} <= names or names == _HEARTBEAT or _are_of_side_record(names)


def _are_of_side_record(names: Collection[str]) -> bool:
    return set(names) - _TIMES in _UNTYPED_SIDE_RECORDS


def _is_untyped_envelope(value: Any) -> bool:
    """One with a source is an event, whatever is wrong with it. A row that happens to have columns of these names has none."""
    if not (isinstance(value, dict) and isinstance(value.get(OPERATION), str) and AFTER in value):
        return False
    sides = (value[AFTER], value.get(BEFORE))
    are_rows = all(isinstance(each, dict | None) for each in sides) and sides != (None, None)
    return isinstance(value.get(SOURCE), dict) or are_rows


def wraps_row(record: Record) -> bool:
    """Whether a record's value is a change event, with a schema or without."""
    if not isinstance(record.value, dict):
        return False
    if record.value_schema is None:
        return _is_untyped_envelope(record.value)
    return record.value_schema.type is Type.STRUCT and is_envelope(record.value_schema)


def is_beside_rows(record: Record) -> bool:
    """Whether a record is one of Debezium's beside those of rows, with a schema or without."""
    if record.value_schema is not None:
        return record.value is not None and is_side_record(record.value_schema)
    if not isinstance(record.value, dict):
        return False
    names = record.value.keys()
    if names == _HEARTBEAT:
        return isinstance(record.key, dict) and record.key.keys() == _HEARTBEAT_KEY
    return _are_of_side_record(names) and isinstance(record.value.get(SOURCE, {}), dict)


def unwrapped(record: Record, side: str) -> Record:
    """The record with the row's state before or after in place of the event; null where there is none."""
    schema = record.value_schema
    value = record.value.get(side)
    if schema is None:
        return structs.replace(record, value=value)
    field = schema.field(side)
    if field is None:
        raise UnfitRecordError(f"a change event without the field {side}")
    return structs.replace(record, value_schema=None if value is None else field.schema, value=value)


class UnwrapChangeEvent:
    """The row of a change event; a deletion is a tombstone. What concerns no row (message, heartbeat) is dropped.

    A truncation is dropped, or with `truncates` a record of the schema `TRUNCATION`. Tombstones pass, and so do records that
    are flat already, without the columns that the source had not at hand.
    """

    def __init__(self, *, truncates: bool = False, placeholder: Placeholder | None = None) -> None:
        """`truncates` is what `truncate.enabled` says; without a placeholder it is Debezium's own."""
        self._truncates = truncates
        self._placeholder = placeholder or Placeholder()

    def apply(self, record: Record) -> Record | None:
        """The row's record, or None when there is no row in it."""
        if is_beside_rows(record):
            return None
        if not wraps_row(record):
            return self._placeholder.without(record)
        operation = record.value.get(OPERATION)
        if operation == TRUNCATE and self._truncates:
            return structs.replace(record, key_schema=None, key=None, value_schema=TRUNCATION, value={})
        if operation in {TRUNCATE, MESSAGE}:
            return None
        if operation == DELETE:
            return structs.replace(record, value_schema=None, value=None)
        return self._placeholder.without(unwrapped(record, AFTER))

    def apply_all(self, values: ValueColumns) -> ValueColumns | None:
        """See `ColumnTransform`: rows pass, each event is looked at, and each record of a batch with a missing column."""
        if is_change_event(values.schema) or self._placeholder.is_in(values.schema, values.cells):
            return None
        return values
