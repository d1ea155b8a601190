"""Columns that a source had not at hand: Debezium writes a placeholder for them, and what is stored of them stays.

Such a column has not changed, and is too long to be logged for that (PostgreSQL's TOAST).
"""

from base64 import b64encode
from collections.abc import Sequence
from typing import Any

from msgspec import Raw, structs

from sink_connector.data.record import Record, Schema, Type
from sink_connector.transforms.data import struct_like

UNAVAILABLE = "__debezium_unavailable_value"
_AS_BYTES = UNAVAILABLE.encode()
_IN_BASE64 = b64encode(_AS_BYTES).rstrip(b"=")[:-1]  # whatever follows
_AS_HSTORE = f'{{"{UNAVAILABLE}":"{UNAVAILABLE}"}}'  # a hstore as a JSON text
_UNAVAILABLE = (
    UNAVAILABLE,
    _AS_HSTORE,
    _AS_BYTES,
    [UNAVAILABLE],
    list(_AS_BYTES),
    {UNAVAILABLE: UNAVAILABLE},
)
_SINGLE: dict[Type, tuple[str | bytes, ...]] = {
    Type.STRING: (UNAVAILABLE, _AS_HSTORE),
    Type.BYTES: (_AS_BYTES,),
}
_SEVERAL = {Type.ARRAY, Type.MAP}


def may_be_unavailable(data: bytes) -> bool:
    """Whether the bytes of a value hold the placeholder: a scan of all of them, which costs as much as decoding them."""
    return _AS_BYTES in data or _IN_BASE64 in data


def holds_unavailable(schema: Schema, cells: Sequence[Sequence[Any]]) -> bool:
    """Whether one of the columns of a struct, in any form, holds the placeholder where `available` would find it."""
    return any(
        _holds(each.schema.type, column)
        for each, column in zip(schema.fields, cells, strict=True)
        if each.schema.type in _SINGLE or each.schema.type in _SEVERAL
    )


def _holds(kind: Type, column: Sequence[Any]) -> bool:
    if kind in _SINGLE:
        return any(placeholder in column for placeholder in _SINGLE[kind])
    return any(
        _AS_BYTES in bytes(value) if isinstance(value, Raw) else value in _UNAVAILABLE for value in column
    )


def available(record: Record) -> Record:
    """A row without the columns that the source had at hand neither before nor after: what is stored of them stays."""
    row = record.value
    missing = {name for name, value in row.items() if value in _UNAVAILABLE} if isinstance(row, dict) else ()
    if not missing:
        return record
    schema = record.value_schema
    if schema is not None:
        schema = struct_like(schema, tuple(each for each in schema.fields if each.name not in missing))
    kept = {name: value for name, value in row.items() if name not in missing}
    return structs.replace(record, value_schema=schema, value=kept)
