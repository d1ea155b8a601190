"""Columns that a source had not at hand: Debezium writes a placeholder for them, and what is stored of them stays.

Such a column has not changed, and is too long to be logged for that (PostgreSQL's TOAST).
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from hashlib import md5
from typing import Any
from uuid import UUID

from msgspec import Raw, structs

from sink_connector.data.record import Record, Schema, Type
from sink_connector.transforms.data import struct_like

UNAVAILABLE = "__debezium_unavailable_value"
_AS_BYTES = UNAVAILABLE.encode()
_AS_BASE64 = b64encode(_AS_BYTES).decode()  # of bytes, where no schema says that they are some
_IN_BASE64 = _AS_BASE64.rstrip("=")[:-1].encode()  # whatever follows
_AS_HSTORE = f'{{"{UNAVAILABLE}":"{UNAVAILABLE}"}}'  # a hstore as a JSON text
_AS_NUMBERS = list(_AS_BYTES)
_AS_UUID = str(UUID(bytes=md5(_AS_BYTES, usedforsecurity=False).digest(), version=3))
_UNAVAILABLE = (
    UNAVAILABLE,
    _AS_HSTORE,
    _AS_BYTES,
    [UNAVAILABLE],
    [_AS_BYTES],
    [_AS_UUID],
    _AS_NUMBERS,
    {UNAVAILABLE: UNAVAILABLE},
)
_UNTYPED = (*_UNAVAILABLE, _AS_BASE64, [_AS_BASE64])
_PIECES = (_AS_BYTES, _IN_BASE64, _AS_UUID.encode())
_NUMBERS = re.compile(rb",\s*".join(b"%d" % number for number in _AS_NUMBERS))
_SINGLE: dict[Type, tuple[str | bytes, ...]] = {
    Type.STRING: (UNAVAILABLE, _AS_HSTORE),
    Type.BYTES: (_AS_BYTES,),
}
_SEVERAL = {Type.ARRAY, Type.MAP}


def may_be_unavailable(data: bytes) -> bool:
    """Whether the bytes of a JSON hold the placeholder: scans of all of them, which cost as much as decoding them."""
    return any(piece in data for piece in _PIECES) or _NUMBERS.search(data) is not None


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
    row, schema = record.value, record.value_schema
    if not isinstance(row, dict):
        return record
    placeholders = _UNTYPED if schema is None else _UNAVAILABLE
    missing = {name for name, value in row.items() if value in placeholders}
    if not missing:
        return record
    if schema is not None:
        schema = struct_like(schema, tuple(each for each in schema.fields if each.name not in missing))
    kept = {name: value for name, value in row.items() if name not in missing}
    return structs.replace(record, value_schema=schema, value=kept)
