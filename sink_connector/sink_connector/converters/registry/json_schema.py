"""JSON values by their registered JSON Schema, as Connect sees them.

Objects are structs of their properties (what is not among them is left out), integers int64, numbers double unless the schema
says otherwise in `connect.type`. A property that is not required, or may be null, is optional.
"""

import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from sink_connector.converters import Decoded
from sink_connector.converters.connect_schema import TYPES, from_json
from sink_connector.converters.registry.wire import PREFIX, Decode, RegisteredSchema
from sink_connector.data.record import Field, Schema, Type

UNION = "io.confluent.connect.json.OneOf"
Node = Mapping[str, Any]
Check = Callable[[Any], bool]

_PRIMITIVES = {
    "string": Type.STRING,
    "integer": Type.INT64,
    "number": Type.FLOAT64,
    "boolean": Type.BOOLEAN,
}
_PYTHON: dict[Type, tuple[type, ...]] = {
    **dict.fromkeys((Type.INT8, Type.INT16, Type.INT32, Type.INT64), (int,)),
    Type.FLOAT32: (int, float),
    Type.FLOAT64: (int, float),
    Type.BOOLEAN: (bool,),
    Type.STRING: (str,),
    Type.BYTES: (str, int, float),  # base64, or a Decimal written as a number
    Type.ARRAY: (list,),
    Type.MAP: (dict, list),
    Type.STRUCT: (dict,),
}


def compile_json_schema(registered: RegisteredSchema) -> Decode:
    """Raises `ValueError` for a schema that is none, or that refers to itself."""
    document = _parsed(registered.text)
    references = {name: _parsed(text) for name, text in registered.references}
    schema = _Mapping(document, references).of(document, ())
    parse = msgspec.json.Decoder().decode

    def decode(data: bytes) -> Decoded:
        return Decoded(schema, _value(schema, parse(data[PREFIX:])))

    return decode


def _parsed(text: str) -> Node:
    document = json.loads(text)
    if document is True:
        return {}
    if not isinstance(document, dict):
        raise ValueError("a JSON Schema is an object")  # noqa: TRY004 - about the schema, not about a type
    return document


@dataclass(frozen=True, slots=True)
class _Mapping:
    document: Node
    references: Mapping[str, Node]

    def of(self, node: Node, above: tuple[str, ...]) -> Schema:
        """The Connect schema of a JSON Schema; `above` are the references followed to get here."""
        if "$ref" in node:
            reference = str(node["$ref"])
            if reference in above:
                raise ValueError(f"the schema {reference} contains itself")
            return self.of(self._referred(reference), (*above, reference))
        schema = self._typed(node, above)
        if "default" in node and node["default"] is not None:
            schema = replace(schema, has_default=True, default=_value(schema, node["default"]))
        return replace(
            schema,
            name=node.get("title", schema.name),
            version=node.get("connect.version", schema.version),
            doc=node.get("description", schema.doc),
            parameters=tuple(sorted((node.get("connect.parameters") or {}).items())),
        )

    def _referred(self, reference: str) -> Node:
        name, _, pointer = reference.partition("#")
        found: Any = self.references.get(name) if name else self.document
        for part in pointer.split("/")[1:]:
            found = (
                found.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
            )
        if not isinstance(found, Mapping):
            raise ValueError(f"nothing is at {reference}")  # noqa: TRY004 - about the schema, not about a type
        return found

    def _typed(self, node: Node, above: tuple[str, ...]) -> Schema:
        kind = node.get("type")
        if isinstance(kind, list):
            return self._union([{**node, "type": each} for each in kind], above)
        if (branches := node.get("oneOf") or node.get("anyOf")) is not None:
            return self._union(branches, above)
        if "allOf" in node:
            return self._merged(node["allOf"], above)
        if kind == "array":
            return Schema(type=Type.ARRAY, items=self.of(node.get("items") or {"type": "string"}, above))
        if kind == "object" or "properties" in node:
            return self._object(node, above)
        return _primitive(node)

    def _merged(self, parts: list[Node], above: tuple[str, ...]) -> Schema:
        merged: dict[str, Any] = {}
        for part in parts:
            merged |= self._referred(part["$ref"]) if "$ref" in part else part
        return self.of(merged, above)

    def _object(self, node: Node, above: tuple[str, ...]) -> Schema:
        properties = node.get("properties") or {}
        others = node.get("additionalProperties")
        if not properties and isinstance(others, Mapping):
            return Schema(type=Type.MAP, keys=Schema(type=Type.STRING), items=self.of(others, above))
        required = set(node.get("required") or ())
        ordered = sorted(properties.items(), key=lambda item: item[1].get("connect.index", len(properties)))
        fields = []
        for name, each in ordered:
            schema = self.of(each, above)
            fields.append(Field(name, replace(schema, optional=schema.optional or name not in required)))
        return Schema(type=Type.STRUCT, fields=tuple(fields))

    def _union(self, branches: list[Node], above: tuple[str, ...]) -> Schema:
        """Null and one other: that one, optional. Several: a struct with an optional field for each."""
        others = [each for each in branches if each.get("type") != "null"]
        optional = len(others) < len(branches)
        if len(others) == 1:
            return replace(self.of(others[0], above), optional=optional)
        members = [replace(self.of(each, above), optional=True) for each in others]
        fields = tuple(Field(f"{UNION}.field.{place}", each) for place, each in enumerate(members))
        return Schema(type=Type.STRUCT, name=UNION, optional=optional, fields=fields)


def _primitive(node: Node) -> Schema:
    connect = TYPES.get(node.get("connect.type", ""))
    kind = _PRIMITIVES.get(node.get("type", "string" if "enum" in node else ""))
    found = connect or kind
    if found is None:
        raise ValueError(f"a schema of type {node.get('type')!r} has no counterpart in Connect")
    return Schema(type=found)


def _value(schema: Schema, value: Any) -> Any:
    """A JSON value in the form of its Connect schema. Raises `ValueError` when it does not fit."""
    if value is None:
        if schema.has_default or schema.optional:
            return schema.default
        raise ValueError(f"null where a {schema.type.value} is required")
    if schema.name == UNION:
        return _member(schema, value)
    if not _is(schema, value):
        raise ValueError(f"{type(value).__name__} where a {schema.type.value} is expected")
    return _converted(schema, value)


def _converted(schema: Schema, value: Any) -> Any:
    match schema.type:
        case Type.STRUCT:
            return {each.name: _value(each.schema, value.get(each.name)) for each in schema.fields}
        case Type.ARRAY if schema.items is not None:
            return [_value(schema.items, item) for item in value]
        case Type.MAP if schema.items is not None and isinstance(value, dict):
            return {key: _value(schema.items, item) for key, item in value.items()}
        case Type.FLOAT32 | Type.FLOAT64:
            return float(value)
        case Type.BYTES if schema.name is None:
            return b64decode(value, validate=True)
    return from_json(schema, value)


def _is(schema: Schema, value: Any) -> bool:
    return isinstance(value, _PYTHON[schema.type]) and (
        not isinstance(value, bool) or schema.type is Type.BOOLEAN
    )


def _member(union: Schema, value: Any) -> dict[str, Any]:
    struct: dict[str, Any] = dict.fromkeys(each.name for each in union.fields)
    for each in union.fields:
        try:
            struct[each.name] = _value(each.schema, value)
        except ValueError:
            continue
        return struct
    raise ValueError(f"{type(value).__name__} fits no alternative of the union")
