"""Transforms of headers: DropHeaders, HeaderFrom, InsertHeader."""

from typing import Any

from msgspec import structs

from sink_connector.config.definition import Importance, Kind
from sink_connector.data.record import Field, Header, Record, Schema
from sink_connector.transforms.data import (
    PerSchema,
    UnfitRecordError,
    need_map,
    need_struct,
    struct_like,
)
from sink_connector.transforms.java.literals import parse_literal
from sink_connector.transforms.options import REPLACE_NULL_WITH_DEFAULT, Options, option


class DropHeaders:
    """Removes every header of the given names."""

    OPTIONS = (
        option("headers", "Headers to remove.", kind=Kind.LIST, required=True, importance=Importance.HIGH),
    )

    def __init__(self, options: Options) -> None:
        """Read the options; what is wrong with them is noted in them."""
        self._names = frozenset(options.names("headers"))

    def apply(self, record: Record) -> Record:
        """The record as it is afterwards, None when it is dropped. Raises `BadRecordError` for one that it cannot handle."""
        kept = tuple(header for header in record.headers if header.key not in self._names)
        return structs.replace(record, headers=kept) if len(kept) < len(record.headers) else record


class InsertHeader:
    """Adds a header; its text becomes the number, boolean, instant, list or map that it spells."""

    OPTIONS = (
        option("header", "Name of the header.", required=True, importance=Importance.HIGH),
        option("value.literal", "Its value.", required=True, importance=Importance.HIGH),
    )

    def __init__(self, options: Options) -> None:
        """Read the options; what is wrong with them is noted in them."""
        schema, value = parse_literal(options.word("value.literal"))
        self._header = Header(options.word("header"), value, schema)

    def apply(self, record: Record) -> Record:
        """The record as it is afterwards, None when it is dropped. Raises `BadRecordError` for one that it cannot handle."""
        return structs.replace(record, headers=(*record.headers, self._header))


class HeaderFrom:
    """Fields of the key or value as headers, copied or moved."""

    OPTIONS = (
        option("fields", "Fields to take.", kind=Kind.LIST, required=True, importance=Importance.HIGH),
        option(
            "headers", "A header's name for each.", kind=Kind.LIST, required=True, importance=Importance.HIGH
        ),
        option(
            "operation", "move removes the fields from where they were, copy leaves them.",
            required=True, importance=Importance.HIGH, values=("move", "copy"),
        ),
        REPLACE_NULL_WITH_DEFAULT,
    )  # fmt: skip

    def __init__(self, options: Options) -> None:
        """Read the options; what is wrong with them is noted in them."""
        names, headers = (
            options.names("fields", repeated=True),
            options.names("headers", repeated=True),
        )
        if len(names) != len(headers):
            options.problem("headers", f"has {len(headers)} entries, fields has {len(names)}")
        self._pairs = tuple(zip(names, headers, strict=False))
        self._moved = frozenset(names) if options.word("operation") == "move" else frozenset()
        self._replace_null = options.flag("replace.null.with.default")
        self._rest = PerSchema(self._without_moved)

    def split(self, schema: Schema | None, value: Any) -> tuple[Schema | None, Any, tuple[Header, ...]]:
        """What is left of the key or value, and the headers."""
        if schema is None:
            entries = need_map(value, "HeaderFrom")
            headers = tuple(Header(header, entries.get(name)) for name, header in self._pairs)
            return None, {name: entries[name] for name in entries if name not in self._moved}, headers
        struct = need_struct(schema, value, "HeaderFrom")
        headers = tuple(self._header(schema, struct, name, header) for name, header in self._pairs)
        if not self._moved:
            return schema, value, headers
        rest = self._rest(schema)
        left = {each.name: self._value(struct, each) for each in rest.fields}
        return rest, left, headers

    def _header(self, schema: Schema, struct: dict[str, Any], name: str, header: str) -> Header:
        field = schema.field(name)
        if field is None:
            raise UnfitRecordError(f"HeaderFrom: there is no field {name}")
        return Header(header, self._value(struct, field), field.schema)

    def _value(self, struct: dict[str, Any], field: Field) -> Any:
        found = struct[field.name]
        return field.schema.default if found is None and self._replace_null else found

    def _without_moved(self, schema: Schema) -> Schema:
        return struct_like(schema, tuple(each for each in schema.fields if each.name not in self._moved))


class HeaderFromKey(HeaderFrom):
    """`HeaderFrom$Key`."""

    def apply(self, record: Record) -> Record:
        """The record as it is afterwards, None when it is dropped. Raises `BadRecordError` for one that it cannot handle."""
        schema, key, headers = self.split(record.key_schema, record.key)
        return structs.replace(record, key_schema=schema, key=key, headers=record.headers + headers)


class HeaderFromValue(HeaderFrom):
    """`HeaderFrom$Value`."""

    def apply(self, record: Record) -> Record:
        """The record as it is afterwards, None when it is dropped. Raises `BadRecordError` for one that it cannot handle."""
        schema, value, headers = self.split(record.value_schema, record.value)
        return structs.replace(record, value_schema=schema, value=value, headers=record.headers + headers)
