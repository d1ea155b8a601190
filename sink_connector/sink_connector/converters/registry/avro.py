"""Avro values by their registered schema, as Connect sees them.

Records are structs, enums strings, fixed bytes. A union with null is optional; one of several types is a struct with a field
per type, of which one is set, as Confluent's converter makes it. Instants keep their microseconds.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from io import BytesIO
from typing import Any
from uuid import UUID

from fastavro import parse_schema, schemaless_reader
from fastavro.schema import SchemaParseException, UnknownType

from sink_connector.converters import Decoded
from sink_connector.converters.registry.wire import PREFIX, Decode, RegisteredSchema
from sink_connector.data.record import DATE, DECIMAL, TIME, TIMESTAMP, Field, Schema, Type

UNION = "io.confluent.connect.avro.Union"
Convert = Callable[[Any], Any]

_PRIMITIVES = {
    "boolean": Type.BOOLEAN,
    "int": Type.INT32,
    "long": Type.INT64,
    "float": Type.FLOAT32,
    "double": Type.FLOAT64,
    "bytes": Type.BYTES,
    "string": Type.STRING,
}
_CONNECT_TYPES = {"int8": Type.INT8, "int16": Type.INT16}
_LOGICAL: dict[str, tuple[Type, str]] = {
    "date": (Type.INT32, DATE),
    "time-millis": (Type.INT32, TIME),
    "time-micros": (Type.INT64, TIME),
    "timestamp-millis": (Type.INT64, TIMESTAMP),
    "timestamp-micros": (Type.INT64, TIMESTAMP),
    "local-timestamp-millis": (Type.INT64, TIMESTAMP),
    "local-timestamp-micros": (Type.INT64, TIMESTAMP),
}


def compile_avro(registered: RegisteredSchema) -> Decode:
    """Raises `ValueError` for a schema that is none, or that refers to itself."""
    try:
        named: dict[str, Any] = {}
        for _, text in registered.references:
            parse_schema(json.loads(text), named_schemas=named)
        writer = parse_schema(json.loads(registered.text), named_schemas=named)
    except (SchemaParseException, UnknownType) as error:
        raise ValueError(f"not an Avro schema: {error}") from error
    schema, convert = _Mapping(named).of(writer)

    def decode(data: bytes) -> Decoded:
        stream = BytesIO(data)
        stream.seek(PREFIX)
        value = schemaless_reader(
            stream, writer, None, return_named_type=True, return_named_type_override=True
        )
        return Decoded(schema, value if convert is None else convert(value))

    return decode


@dataclass(slots=True)
class _Mapping:
    """Connect schemas for Avro's; a conversion of None says that fastavro's value is right as it is."""

    named: Mapping[str, Any]
    open: list[str] = field(default_factory=list)

    def of(self, node: Any) -> tuple[Schema, Convert | None]:
        if isinstance(node, list):
            return self._union(node)
        if isinstance(node, str):
            if node in _PRIMITIVES:
                return Schema(type=_PRIMITIVES[node]), None
            return self.of(self.named[node])
        if isinstance(node["type"], (list, dict)):
            return self.of(node["type"])
        schema, convert = self._typed(node)
        return _with_connect_attributes(schema, node), convert

    def _typed(self, node: dict[str, Any]) -> tuple[Schema, Convert | None]:
        if (logical := self._logical(node)) is not None:
            return logical
        builders = {
            "record": self._record, "error": self._record, "enum": _enum, "fixed": _fixed, "array": self._array, "map": self._map,
        }  # fmt: skip
        build = builders.get(node["type"])
        return self.of(node["type"]) if build is None else build(node)

    def _logical(self, node: dict[str, Any]) -> tuple[Schema, Convert | None] | None:
        logical = node.get("logicalType", "")
        if logical == "decimal" and node["type"] in {"bytes", "fixed"}:
            return _decimal(scale=int(node.get("scale", 0))), None
        if logical == "uuid":
            return Schema(type=Type.STRING), _text_of_uuid
        if logical not in _LOGICAL:
            return None
        kind, name = _LOGICAL[logical]
        convert = _in_utc if logical.startswith("local-") else None
        return Schema(type=kind, name=name, version=1), convert

    def _record(self, node: dict[str, Any]) -> tuple[Schema, Convert | None]:
        name = node["name"]
        if name in self.open:
            raise ValueError(f"the record {name} contains itself")
        self.open.append(name)
        fields = []
        converts: list[tuple[str, Convert]] = []
        for each in node["fields"]:
            schema, convert = self.of(each["type"])
            fields.append(Field(each["name"], self._with_default(schema, convert, each)))
            if convert is not None:
                converts.append((each["name"], convert))
        self.open.pop()
        schema = Schema(type=Type.STRUCT, name=name, doc=node.get("doc"), fields=tuple(fields))
        return schema, _fields_converted(converts) if converts else None

    def _with_default(self, schema: Schema, convert: Convert | None, node: dict[str, Any]) -> Schema:
        if "doc" in node:
            schema = replace(schema, doc=node["doc"])
        if node.get("default") is None:
            return schema
        if convert is not None or schema.name in {DATE, TIME, TIMESTAMP}:
            return schema  # in a unit that the Connect schema no longer tells
        return replace(schema, has_default=True, default=_default(schema, node["default"]))

    def _array(self, node: dict[str, Any]) -> tuple[Schema, Convert | None]:
        items, convert = self.of(node["items"])
        schema = Schema(type=Type.ARRAY, items=items)
        return schema, None if convert is None else lambda value: [
            None if item is None else convert(item) for item in value
        ]

    def _map(self, node: dict[str, Any]) -> tuple[Schema, Convert | None]:
        items, convert = self.of(node["values"])
        schema = Schema(type=Type.MAP, keys=Schema(type=Type.STRING), items=items)
        return schema, None if convert is None else lambda value: {
            key: None if item is None else convert(item) for key, item in value.items()
        }

    def _union(self, branches: list[Any]) -> tuple[Schema, Convert | None]:
        nullable = "null" in branches
        others = [each for each in branches if each != "null"]
        if len(others) == 1:
            schema, convert = self.of(others[0])
            return replace(schema, optional=nullable or schema.optional), convert
        mapped = [(_branch_name(each, self.named), *self.of(each)) for each in others]
        schema = Schema(
            type=Type.STRUCT,
            name=UNION,
            optional=nullable,
            fields=tuple(Field(name, replace(branch, optional=True)) for name, branch, _ in mapped),
        )
        return schema, _union_converted([(name, branch, convert) for name, branch, convert in mapped])


def _with_connect_attributes(schema: Schema, node: Mapping[str, Any]) -> Schema:
    """What Connect's own converter wrote into an Avro schema, so that nothing is lost on the way back."""
    kind = _CONNECT_TYPES.get(node.get("connect.type", ""), schema.type)
    parameters = node.get("connect.parameters")
    if parameters is not None:
        own = sorted((str(key), str(value)) for key, value in parameters.items())
        schema = replace(schema, parameters=tuple(own))
    return replace(
        schema,
        type=kind,
        name=node.get("connect.name", schema.name),
        version=node.get("connect.version", schema.version),
        doc=node.get("connect.doc", schema.doc),
    )


def _decimal(*, scale: int) -> Schema:
    return Schema(type=Type.BYTES, name=DECIMAL, version=1, parameters=(("scale", str(scale)),))


def _branch_name(node: Any, named: Mapping[str, Any]) -> str:
    """The field of a union's struct: the type's name, of a named type without its namespace."""
    if isinstance(node, str):
        return node.rpartition(".")[2] if node in named else node
    return str(node["name"]).rpartition(".")[2] if "name" in node else str(node["type"])


def _fields_converted(converts: list[tuple[str, Convert]]) -> Convert:
    def convert_fields(value: dict[str, Any]) -> dict[str, Any]:
        for name, convert in converts:
            found = value[name]
            if found is not None:
                value[name] = convert(found)
        return value

    return convert_fields


def _union_converted(branches: list[tuple[str, Schema, Convert | None]]) -> Convert:
    def convert_union(value: Any) -> dict[str, Any]:
        struct: dict[str, Any] = dict.fromkeys(name for name, _, _ in branches)
        for name, schema, convert in branches:
            if isinstance(value, tuple):  # fastavro's form of a named type in a union
                if value[0].rpartition(".")[2] != name:
                    continue
                value = value[1]
            elif not _fits(schema, value):
                continue
            struct[name] = value if convert is None else convert(value)
            return struct
        raise ValueError(f"a value of type {type(value).__name__} fits no type of its union")

    return convert_union


_PYTHON: dict[str | Type, tuple[type, ...]] = {
    DECIMAL: (Decimal,), DATE: (date,), TIME: (time,), TIMESTAMP: (datetime,), Type.BOOLEAN: (bool,), Type.STRING: (str, UUID),
    Type.BYTES: (bytes,), Type.FLOAT32: (float,), Type.FLOAT64: (float,), Type.INT64: (int,), Type.ARRAY: (list,), Type.MAP: (dict,),
}  # fmt: skip


def _fits(schema: Schema, value: Any) -> bool:
    if schema.name is None and schema.type in {Type.INT8, Type.INT16, Type.INT32}:
        return type(value) is int and -(2**31) <= value < 2**31
    return type(value) in (_PYTHON.get(schema.name or "") or _PYTHON.get(schema.type, ()))


def _default(schema: Schema, default: Any) -> Any:
    """A default out of the schema's JSON, where bytes are a text of their values."""
    if schema.name == UNION:
        first = schema.fields[0]
        return dict.fromkeys(each.name for each in schema.fields) | {
            first.name: _default(first.schema, default)
        }
    if schema.name == DECIMAL:
        unscaled = int.from_bytes(default.encode("latin-1"), "big", signed=True)
        return Decimal(unscaled).scaleb(-int(schema.parameter("scale") or 0))
    if schema.type is Type.STRUCT:
        given = {each.name: default.get(each.name, each.schema.default) for each in schema.fields}
        return {
            each.name: None if given[each.name] is None else _default(each.schema, given[each.name])
            for each in schema.fields
        }
    if schema.type is Type.ARRAY and schema.items is not None:
        return [_default(schema.items, item) for item in default]
    if schema.type is Type.MAP and schema.items is not None:
        return {key: _default(schema.items, item) for key, item in default.items()}
    return default.encode("latin-1") if schema.type is Type.BYTES else default


def _enum(node: dict[str, Any]) -> tuple[Schema, Convert | None]:
    return Schema(type=Type.STRING, name=node["name"], doc=node.get("doc")), None


def _fixed(node: dict[str, Any]) -> tuple[Schema, Convert | None]:
    return Schema(type=Type.BYTES, name=node["name"]), None


def _text_of_uuid(value: Any) -> str:
    return str(value)


def _in_utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC)
