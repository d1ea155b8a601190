"""JSON values by their registered JSON Schema, as Connect sees them.

Objects are structs of their properties (what is not among them is left out), integers int64, numbers double unless the schema
says otherwise in `connect.type`. A property that is not required, or may be null, is optional.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sink_connector.converters import Decoded
from sink_connector.converters.connect_json import Read, json_reader
from sink_connector.converters.connect_schema import TYPES
from sink_connector.converters.registry.wire import PREFIX, Decode, RegisteredSchema
from sink_connector.data.exact_json import parse_exact
from sink_connector.data.record import Field, Schema, Type

UNION = "io.confluent.connect.json.OneOf"
Node = Mapping[str, Any]

_PRIMITIVES = {
    "string": Type.STRING,
    "integer": Type.INT64,
    "number": Type.FLOAT64,
    "boolean": Type.BOOLEAN,
}


def compile_json_schema(registered: RegisteredSchema) -> Decode:
    """Raises `ValueError` for a schema that is none, or that refers to itself."""
    document = _parsed(registered.text)
    references = {name: _parsed(text) for name, text in registered.references}
    schema = _Mapping(document, references).of(document, ())
    read = reader(schema)

    def decode(data: bytes) -> Decoded:
        return Decoded(schema, read(parse_exact(data[PREFIX:])))

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
            schema = replace(schema, has_default=True, default=reader(schema)(node["default"]))
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


def reader(schema: Schema) -> Read:
    """A function from parsed JSON to the form of a Connect schema. It raises `ValueError` for a value that does not fit."""
    if schema.default is not None or schema.optional:
        default, inner = schema.default, _of_value(schema)
        return lambda value: default if value is None else inner(value)
    if schema.name != UNION and schema.type not in _NESTED:
        return json_reader(schema)
    inner = _of_value(schema)

    def read_required(value: Any) -> Any:
        if value is None:
            raise ValueError(f"null where a {schema.type.value} is required")
        return inner(value)

    return read_required


_NESTED = {Type.STRUCT, Type.ARRAY, Type.MAP}


def _of_value(schema: Schema) -> Read:
    match schema.type:
        case Type.STRUCT if schema.name == UNION:
            return _member(schema)
        case Type.STRUCT:
            return _struct(schema)
        case Type.ARRAY if schema.items is not None:
            return _array(reader(schema.items))
        case Type.MAP if schema.items is not None:
            return _map(schema, reader(schema.items))
    return json_reader(schema)


def _struct(schema: Schema) -> Read:
    members = tuple((each.name, reader(each.schema)) for each in schema.fields)

    def read_struct(value: Any) -> dict[str, Any]:
        _expect(value, dict, "struct")
        found = {}
        for name, read in members:
            try:
                found[name] = read(value.get(name))
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error
        return found

    return read_struct


def _array(read: Read) -> Read:
    def read_array(value: Any) -> list[Any]:
        _expect(value, list, "array")
        return [read(item) for item in value]

    return read_array


def _map(schema: Schema, read: Read) -> Read:
    read_pairs = json_reader(schema)

    def read_map(value: Any) -> dict[Any, Any]:
        if not isinstance(value, dict):
            return dict(read_pairs(value))
        return {key: read(item) for key, item in value.items()}

    return read_map


def _expect(value: Any, kind: type, what: str) -> None:
    if not isinstance(value, kind):
        raise ValueError(f"{type(value).__name__} where a {what} is expected")  # noqa: TRY004 - a value that does not fit


def _member(union: Schema) -> Read:
    """The first alternative that fits; null is the union's own, not one of theirs."""
    names = [each.name for each in union.fields]
    members = tuple((each.name, reader(replace(each.schema, optional=False))) for each in union.fields)

    def read_member(value: Any) -> dict[str, Any]:
        struct: dict[str, Any] = dict.fromkeys(names)
        for name, read in members:
            try:
                struct[name] = read(value)
            except ValueError:
                continue
            return struct
        raise ValueError(f"{type(value).__name__} fits no alternative of the union")

    return read_member
