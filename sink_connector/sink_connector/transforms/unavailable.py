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

from sink_connector.config.definition import UNAVAILABLE
from sink_connector.data.exact_json import encode_exact
from sink_connector.data.record import Record, Schema, Type
from sink_connector.transforms.data import struct_like

GREATEST_BYTE = 127  # of Java's
_SEVERAL = {Type.ARRAY, Type.MAP}


class Placeholder:
    """What a source writes for such a column, in each form that Debezium has for it."""

    def __init__(self, text: str = UNAVAILABLE) -> None:
        """`text` is the connector's `unavailable.value.placeholder`; an empty one is Debezium's own."""
        text = text or UNAVAILABLE
        data = text.encode()
        base64 = b64encode(data).decode()  # of bytes, where no schema says that they are some
        pair = {text: text}  # of a hstore
        hstore = encode_exact(pair).decode()
        numbers = [each - 256 if each > GREATEST_BYTE else each for each in data]
        uuid = str(UUID(bytes=md5(data, usedforsecurity=False).digest(), version=3))
        self._forms = (text, hstore, data, [text], [data], [uuid], numbers, pair)
        self._untyped = (*self._forms, base64, [base64])
        self._single: dict[Type, tuple[str | bytes, ...]] = {Type.STRING: (text, hstore), Type.BYTES: (data,)}
        self._pieces = (
            encode_exact(text)[1:-1],
            base64.rstrip("=")[:-1].encode(),  # whatever follows
            uuid.encode(),
        )
        self._numbers = re.compile(rb",\s*".join(b"%d" % number for number in numbers))

    def may_be_in(self, data: bytes) -> bool:
        """Whether the bytes of a JSON hold it: scans of all of them, which cost as much as decoding them."""
        return any(piece in data for piece in self._pieces) or self._numbers.search(data) is not None

    def is_in(self, schema: Schema, cells: Sequence[Sequence[Any]]) -> bool:
        """Whether one of the columns of a struct, in any form, holds it where `without` would find it."""
        return any(
            self._holds(each.schema.type, column)
            for each, column in zip(schema.fields, cells, strict=True)
            if each.schema.type in self._single or each.schema.type in _SEVERAL
        )

    def _holds(self, kind: Type, column: Sequence[Any]) -> bool:
        if kind in self._single:
            return any(placeholder in column for placeholder in self._single[kind])
        return any(
            self.may_be_in(bytes(value)) if isinstance(value, Raw) else value in self._forms
            for value in column
        )

    def without(self, record: Record) -> Record:
        """A row without the columns that the source had at hand neither before nor after: what is stored of them stays."""
        row, schema = record.value, record.value_schema
        if not isinstance(row, dict):
            return record
        placeholders = self._untyped if schema is None else self._forms
        missing = {name for name, value in row.items() if value in placeholders}
        if not missing:
            return record
        if schema is not None:
            schema = struct_like(schema, tuple(each for each in schema.fields if each.name not in missing))
        kept = {name: value for name, value in row.items() if name not in missing}
        return structs.replace(record, value_schema=schema, value=kept)
