"""JSON values by their registered JSON Schema, as Connect sees them.

Objects are structs of their properties (what is not among them is left out), integers int64, numbers double unless the schema
says otherwise in `connect.type`. A property that is not required, or may be null, is optional.
"""

import json
from collections.abc import Iterable, Mapping
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
REGISTERED = ""  # what the registered document is called among those it refers to

_JSON_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number"}
_PRIMITIVES = {
    "string": Type.STRING,
    "integer": Type.INT64,
    "number": Type.FLOAT64,
    "boolean": Type.BOOLEAN,
}


def compile_json_schema(registered: RegisteredSchema) -> Decode:
    """Raises `ValueError` for a schema that is none, or that refers to itself."""
    documents = {
        name: _parsed(text) for name, text in (*registered.references, (REGISTERED, registered.text))
    }
    schema = _Mapping(documents).of(documents[REGISTERED], ())
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
    """`within` is the document that a reference without a name is about."""

    documents: Mapping[str, Node]
    within: str = REGISTERED

    def of(self, node: Node, above: tuple[str, ...]) -> Schema:
        """The Connect schema of a JSON Schema; `above` are the references followed to get here."""
        if "$ref" in node:
            inside, referred, place = self._referred(node)
            if place in above:
                raise ValueError(f"the schema {place} contains itself")
            return inside.of(referred, (*above, place))
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

    def _referred(self, node: Node) -> tuple["_Mapping", Node, str]:
        """What is referred to, how it is to be read, and a name for it."""
        reference = str(node["$ref"])
        name, _, pointer = reference.partition("#")
        name = name or self.within
        found: Any = self.documents.get(name)
        for part in pointer.split("/")[1:]:
            found = (
                found.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
            )
        if not isinstance(found, Mapping):
            raise ValueError(f"nothing is at {reference}")  # noqa: TRY004 - about the schema, not about a type
        return replace(self, within=name), found, f"{name}#{pointer}"

    def _typed(self, node: Node, above: tuple[str, ...]) -> Schema:
        kind = node.get("type")
        if isinstance(kind, list):
            return self._union([{**node, "type": each} for each in kind], above)
        if self._is_object(node, above):
            return self._object(node, above)
        if (branches := node.get("oneOf") or node.get("anyOf")) is not None:
            return self._union(branches, above)
        if "allOf" in node:
            return self._merged(node["allOf"], above)
        if kind == "array":
            return Schema(type=Type.ARRAY, items=self.of(node.get("items") or {"type": "string"}, above))
        return _primitive(node)

    def _merged(self, parts: list[Node], above: tuple[str, ...]) -> Schema:
        if len(parts) == 1:
            return self.of(parts[0], above)
        merged: dict[str, Any] = {}
        for part in parts:
            found = part
            if "$ref" in part:
                _, found, place = self._referred(part)
                if place in above:
                    raise ValueError(f"the schema {place} contains itself")
                above = (*above, place)
            merged |= found
        return self.of(merged, above)

    def _is_object(self, node: Node, above: tuple[str, ...]) -> bool:
        if "$ref" in node:
            inside, referred, place = self._referred(node)
            return place not in above and inside._is_object(referred, (*above, place))  # noqa: SLF001 - its own kind
        parts = node.get("allOf") or ()
        return (
            node.get("type") == "object"
            or "properties" in node
            or any(self._is_object(part, above) for part in parts)
        )

    def _object(self, node: Node, above: tuple[str, ...]) -> Schema:
        properties: dict[str, Schema] = {}
        required = self._collect(node, above, properties)
        others = node.get("additionalProperties")
        if not properties and isinstance(others, Mapping):
            return Schema(type=Type.MAP, keys=Schema(type=Type.STRING), items=self.of(others, above))
        fields = (
            Field(name, replace(schema, optional=schema.optional or name not in required))
            for name, schema in properties.items()
        )
        return Schema(type=Type.STRUCT, fields=tuple(fields))

    def _collect(self, node: Node, above: tuple[str, ...], into: dict[str, Schema]) -> set[str]:
        """The properties of an object and of what it is put together of, the first of each name; those that it must have."""
        if "$ref" in node:
            inside, referred, place = self._referred(node)
            if place in above:
                raise ValueError(f"the schema {place} contains itself")
            return inside._collect(referred, (*above, place), into)  # noqa: SLF001 - its own kind
        properties = node.get("properties") or {}
        ordered = sorted(properties.items(), key=lambda item: item[1].get("connect.index", len(properties)))
        for name, each in ordered:
            if name not in into:
                into[name] = self.of(each, above)
        required = set(node.get("required") or ())
        for part in node.get("allOf") or ():
            required |= self._collect(part, above, into)
        for part in (*(node.get("oneOf") or ()), *(node.get("anyOf") or ())):
            self._collect(part, above, into)  # of alternatives, none has to be there
        return required

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
    kind = _PRIMITIVES.get(node.get("type") or _type_of_constants(node))
    found = connect or kind
    if found is None:
        raise ValueError(f"a schema of type {node.get('type')!r} has no counterpart in Connect")
    return Schema(type=found)


def _type_of_constants(node: Node) -> str:
    """The type of the values that a schema lists, a text where they are of several types; empty where it lists none."""
    constants = [*(node.get("enum") or ()), node.get("const")]
    found = {_JSON_TYPES.get(type(each), "string") for each in constants if each is not None}
    return found.pop() if len(found) == 1 else "string" if found else ""


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
    """The first alternative that fits, of structs that which has most of an object's fields; null is the union's own."""
    names = [each.name for each in union.fields]
    properties = {each.name: {field.name for field in each.schema.fields} for each in union.fields}
    members = tuple((each.name, reader(replace(each.schema, optional=False))) for each in union.fields)

    def in_order(value: Any) -> Iterable[tuple[str, Read]]:
        if not isinstance(value, dict):
            return members
        return sorted(members, key=lambda member: -len(properties[member[0]] & value.keys()))

    def read_member(value: Any) -> dict[str, Any]:
        struct: dict[str, Any] = dict.fromkeys(names)
        for name, read in in_order(value):
            try:
                struct[name] = read(value)
            except ValueError:
                continue
            return struct
        raise ValueError(f"{type(value).__name__} fits no alternative of the union")

    return read_member
