"""The schema part of a Connect JSON envelope, read into a `Schema`."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from sink_connector.converters.connect_json import json_reader
from sink_connector.data.decimals import bounded
from sink_connector.data.record import DECIMAL, Field, Schema, Type
from sink_connector.errors import BadRecordError

MOST_DEPTH = 100  # levels of a schema; what is deeper was made to break something

TYPES = {each.value: each for each in Type} | {"float32": Type.FLOAT32, "float64": Type.FLOAT64}


def parse_schema(node: Any, *, depth: int = 1) -> Schema | None:
    """Read the JSON form of a schema; null stands for no schema. `depth` is the level of the node, the outermost being 1.

    Raises `BadRecordError` when it is not a schema of Connect's, or nested more than 100 levels deep.
    """
    if node is None:
        return None
    if depth > MOST_DEPTH:
        raise BadRecordError(f"the schema part is nested more than {MOST_DEPTH} levels deep")
    if not isinstance(node, dict) or not isinstance(node.get("type"), str) or node["type"] not in TYPES:
        raise BadRecordError(
            "the schema part is not a Connect schema: it needs a type out of " + ", ".join(TYPES)
        )
    for key, kind_of in (("name", str), ("version", int), ("doc", str), ("parameters", dict)):
        if not isinstance(node.get(key), kind_of | None):
            raise BadRecordError(f"the schema part has a {key} that is no {kind_of.__name__}")
    kind = TYPES[node["type"]]
    bare = Schema(
        type=kind,
        optional=bool(node.get("optional", False)),
        name=node.get("name"),
        version=node.get("version"),
        doc=node.get("doc"),
        parameters=tuple(
            sorted((str(key), str(value)) for key, value in (node.get("parameters") or {}).items())
        ),
        fields=_fields(node, depth) if kind is Type.STRUCT else (),
        keys=_required(node, "keys", depth) if kind is Type.MAP else None,
        items=_required(node, "items" if kind is Type.ARRAY else "values", depth)
        if kind in {Type.ARRAY, Type.MAP}
        else None,
    )
    if bare.logical == DECIMAL:
        _check_scale(bare)
    if node.get("default") is None:
        return bare
    return _with_default(bare, node["default"])


def _check_scale(schema: Schema) -> None:
    scale = schema.parameter("scale") or "0"
    try:
        bounded(Decimal((0, (), -int(scale))))
    except ValueError as error:
        raise BadRecordError(f"the schema part has a Decimal of scale {scale}: {error}") from error


def _with_default(schema: Schema, default: Any) -> Schema:
    try:
        value = json_reader(schema)(default)
    except (ValueError, TypeError, ArithmeticError, AttributeError) as error:
        raise BadRecordError(f"the default {default!r} does not fit its type {schema.type.value}") from error
    return replace(schema, has_default=True, default=value)


def _fields(node: dict[str, Any], depth: int) -> tuple[Field, ...]:
    fields = node.get("fields")
    if not isinstance(fields, list):
        raise BadRecordError("the schema part has a struct without fields")
    found = []
    for each in fields:
        schema = parse_schema(each, depth=depth + 1)
        name = each.get("field") if isinstance(each, dict) else None
        if schema is None or not isinstance(name, str):
            raise BadRecordError("the schema part has a field without a name or a type")
        found.append(Field(name, schema))
    if len({each.name for each in found}) < len(found):
        raise BadRecordError("the schema part names a field twice")
    return tuple(found)


def _required(node: dict[str, Any], key: str, depth: int) -> Schema:
    schema = parse_schema(node.get(key), depth=depth + 1)
    if schema is None:
        raise BadRecordError(f"the schema part has a {node['type']} without {key}")
    return schema
