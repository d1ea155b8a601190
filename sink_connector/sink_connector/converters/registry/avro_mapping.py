"""Connect's schemas for Avro's, and what becomes of the values.

Records are structs, enums strings, fixed bytes. A union with null is optional; one of several types is a struct with a field
per type, of which one is set, as Confluent's converter makes it. Instants keep their microseconds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from sink_connector.converters.registry.avro_plain import OWN_DEFAULT, OWN_LOGICAL
from sink_connector.data.decimals import unscaled_decimal
from sink_connector.data.instants import date_of, time_of, timestamp_of, timestamp_of_millis
from sink_connector.data.record import DATE, DECIMAL, DURATION, TIME, TIMESTAMP, Field, Schema, Type

PACKAGE = "io.confluent.connect.avro"
UNION = f"{PACKAGE}.Union"
MAP_ENTRY = f"{PACKAGE}.MapEntry"
INTERNAL_TYPE = "connect.internal.type"
DURATION_BYTES = 12
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
# By the names of Avro's logical types: the type they stand on, Connect's name, and how the number is read.
_LOGICAL: dict[str, tuple[str, str, Convert]] = {
    "date": ("int", DATE, date_of),
    "time-millis": ("int", TIME, lambda millis: time_of(millis * 1000)),
    "time-micros": ("long", TIME, time_of),
    "timestamp-millis": ("long", TIMESTAMP, timestamp_of_millis),
    "timestamp-micros": ("long", TIMESTAMP, timestamp_of),
    "timestamp-nanos": ("long", TIMESTAMP, lambda nanos: timestamp_of(nanos // 1000)),
    "local-timestamp-millis": ("long", TIMESTAMP, timestamp_of_millis),
    "local-timestamp-micros": ("long", TIMESTAMP, timestamp_of),
    "local-timestamp-nanos": ("long", TIMESTAMP, lambda nanos: timestamp_of(nanos // 1000)),
}


@dataclass(slots=True)
class SchemaMapping:
    """Connect schemas for Avro's; a conversion of None says that fastavro's value is right as it is."""

    named: Mapping[str, Any]
    open: list[str] = field(default_factory=list)
    whole_names: bool = False

    def of(self, node: Any) -> tuple[Schema, Convert | None]:
        """The Connect schema of an Avro schema, and what its values are converted by. Raises `ValueError` if it holds itself."""
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
        logical = node.get(OWN_LOGICAL, "")
        if logical == "decimal" and node["type"] in {"bytes", "fixed"}:
            scale = int(node.get("scale", 0))
            return _decimal(scale=scale), partial(unscaled_decimal, scale=scale)
        if logical not in _LOGICAL or _LOGICAL[logical][0] != node["type"]:
            return None
        kind, name, convert = _LOGICAL[logical]
        return Schema(type=_PRIMITIVES[kind], name=name, version=1), convert

    def _record(self, node: dict[str, Any]) -> tuple[Schema, Convert | None]:
        name = node["name"]
        if name in self.open:
            raise ValueError(f"the record {name} contains itself")
        self.open.append(name)
        fields = []
        converts: list[tuple[str, Convert]] = []
        for each in node["fields"]:
            schema, convert = self.of(each["type"])
            schema = self._with_default(schema, convert, each)
            fields.append(Field(each["name"], schema))
            if schema.optional and schema.default is not None:
                converts.append((each["name"], _or_default(convert, schema.default)))
            elif convert is not None:
                converts.append((each["name"], unless_null(convert) if schema.optional else convert))
        self.open.pop()
        schema = Schema(type=Type.STRUCT, name=name, doc=node.get("doc"), fields=tuple(fields))
        return schema, FieldConversions(tuple(converts)) if converts else None

    def _with_default(self, schema: Schema, convert: Convert | None, node: dict[str, Any]) -> Schema:
        if "doc" in node:
            schema = replace(schema, doc=node["doc"])
        default = node.get(OWN_DEFAULT)
        if default is None:
            return schema
        if schema.logical in {DATE, TIME, TIMESTAMP} and convert is not None:
            return replace(schema, has_default=True, default=convert(default))
        if convert is not None and schema.logical is None and schema.name != UNION:
            return schema  # with instants inside, in a unit that the Connect schema no longer tells
        return replace(schema, has_default=True, default=_default(schema, default))

    def _array(self, node: dict[str, Any]) -> tuple[Schema, Convert | None]:
        items, convert = self.of(node["items"])
        if self._is_map_entry(node["items"]):
            keys, values = (replace(each.schema, has_default=False, default=None) for each in items.fields)
            return Schema(type=Type.MAP, keys=keys, items=values), partial(_pairs, convert=convert)
        schema = Schema(type=Type.ARRAY, items=items)
        return schema, None if convert is None else lambda value: [
            None if item is None else convert(item) for item in value
        ]

    def _is_map_entry(self, node: Any) -> bool:
        """Whether a list of these is how Connect's converter writes a map whose keys are no texts."""
        record = self.named.get(node) if isinstance(node, str) else node
        if not isinstance(record, dict) or record.get("type") != "record":
            return False
        is_entry = MAP_ENTRY in (record["name"], f"{PACKAGE}.{record.get(INTERNAL_TYPE)}")
        return is_entry and [each["name"] for each in record["fields"]] == ["key", "value"]

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
        wrapped = [self._branch(each) for each in others]
        mapped = [
            (name, _branch_name(each, whole=self.whole_names), *self.of(each)) for name, each in wrapped
        ]
        schema = Schema(
            type=Type.STRUCT,
            name=UNION,
            optional=nullable,
            fields=tuple(Field(name, replace(branch, optional=True)) for _, name, branch, _ in mapped),
        )
        return schema, _union_converted({branch: (name, convert) for branch, name, _, convert in mapped})

    def _branch(self, node: Any) -> tuple[str, Any]:
        """The name of the record around a branch, and the type in it."""
        record = self.named[node] if isinstance(node, str) else node
        return record["name"], record["fields"][0]["type"]


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


def _branch_name(node: Any, *, whole: bool) -> str:
    """The field of a union's struct: the type's name, of a named type without its namespace unless the `whole` is wanted."""
    name = node if isinstance(node, str) else str(node.get("name", node["type"]))
    return name if whole else name.rpartition(".")[2]


def _pairs(entries: list[dict[str, Any]], *, convert: Convert | None) -> dict[Any, Any]:
    found = entries if convert is None else [convert(each) for each in entries]
    return {each["key"]: each["value"] for each in found}


def unless_null(convert: Convert) -> Convert:
    """The same conversion of values that may be null."""
    return lambda value: None if value is None else convert(value)


def _or_default(convert: Convert | None, default: Any) -> Convert:
    """As Connect's structs answer for a field that is null and has a default."""
    return lambda value: default if value is None else value if convert is None else convert(value)


@dataclass(frozen=True, slots=True)
class FieldConversions:
    """Converts the fields of records that are not right as they are, within the record."""

    converts: tuple[tuple[str, Convert], ...]

    def __call__(self, value: dict[str, Any]) -> dict[str, Any]:
        """Of one."""
        [converted] = self.all([value])
        return converted

    def all(self, values: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Of many."""
        for name, convert in self.converts:
            for value in values:
                value[name] = convert(value[name])
        return values


def _union_converted(branches: Mapping[str, tuple[str, Convert | None]]) -> Convert:
    names = [name for name, _ in branches.values()]

    def convert_union(value: Any) -> dict[str, Any]:
        branch, inner = value  # fastavro's form of a named type in a union of several
        name, convert = branches[branch]
        found = inner["value"]
        struct: dict[str, Any] = dict.fromkeys(names)
        struct[name] = found if convert is None or found is None else convert(found)
        return struct

    return convert_union


def _default(schema: Schema, default: Any) -> Any:
    """A default out of the schema's JSON, where bytes are a text of their values."""
    if schema.name == UNION:
        first = schema.fields[0]
        return dict.fromkeys(each.name for each in schema.fields) | {
            first.name: _default(first.schema, default)
        }
    if schema.name == DECIMAL:
        return unscaled_decimal(default.encode("latin-1"), int(schema.parameter("scale") or 0))
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
    is_duration = node.get(OWN_LOGICAL) == "duration" and node["size"] == DURATION_BYTES
    parameters = ((DURATION, "true"),) if is_duration else ()
    return Schema(type=Type.BYTES, name=node["name"], parameters=parameters), None
