"""The schema part of a Connect JSON envelope, read into a `Schema`."""

from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sink_connector.data.record import DATE, DECIMAL, TIME, TIMESTAMP, Field, Schema, Type
from sink_connector.errors import BadRecordError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY = date(1970, 1, 1)

TYPES = {each.value: each for each in Type} | {"float32": Type.FLOAT32, "float64": Type.FLOAT64}


def parse_schema(node: Any) -> Schema | None:
    """Read the JSON form of a schema; null stands for no schema.

    Raises `BadRecordError` when it is not a schema of Connect's.
    """
    if node is None:
        return None
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
        fields=_fields(node) if kind is Type.STRUCT else (),
        keys=_required(node, "keys") if kind is Type.MAP else None,
        items=_required(node, "items" if kind is Type.ARRAY else "values")
        if kind in {Type.ARRAY, Type.MAP}
        else None,
    )
    if node.get("default") is None:
        return bare
    return _with_default(bare, node["default"])


def from_json(schema: Schema, value: Any) -> Any:
    """A parsed JSON value in the Python form of `record.py`. The types must already be right; null stays None."""
    if value is None:
        return schema.default if schema.has_default else None
    logical = _LOGICAL.get(schema.name or "")
    if logical is not None:
        return logical(schema, value)
    return _BY_TYPE[schema.type](schema, value) if schema.type in _BY_TYPE else value


def _with_default(schema: Schema, default: Any) -> Schema:
    try:
        value = from_json(schema, default)
    except (ValueError, TypeError, ArithmeticError, AttributeError) as error:
        raise BadRecordError(f"the default {default!r} does not fit its type {schema.type.value}") from error
    return Schema(
        type=schema.type,
        optional=schema.optional,
        name=schema.name,
        version=schema.version,
        doc=schema.doc,
        parameters=schema.parameters,
        has_default=True,
        default=value,
        fields=schema.fields,
        keys=schema.keys,
        items=schema.items,
    )


def _fields(node: dict[str, Any]) -> tuple[Field, ...]:
    fields = node.get("fields")
    if not isinstance(fields, list):
        raise BadRecordError("the schema part has a struct without fields")
    found = []
    for each in fields:
        schema = parse_schema(each)
        name = each.get("field") if isinstance(each, dict) else None
        if schema is None or not isinstance(name, str):
            raise BadRecordError("the schema part has a field without a name or a type")
        found.append(Field(name, schema))
    if len({each.name for each in found}) < len(found):
        raise BadRecordError("the schema part names a field twice")
    return tuple(found)


def _required(node: dict[str, Any], key: str) -> Schema:
    schema = parse_schema(node.get(key))
    if schema is None:
        raise BadRecordError(f"the schema part has a {node['type']} without {key}")
    return schema


def _decimal(schema: Schema, value: Any) -> Decimal:
    if isinstance(value, str):
        return unscaled_decimal(b64decode(value, validate=True), int(schema.parameter("scale") or 0))
    return Decimal(str(value))


def unscaled_decimal(data: bytes, scale: int) -> Decimal:
    """Connect's Decimal: a big-endian two's complement integer, to be divided by ten to the power of `scale`."""
    unscaled = int.from_bytes(data, "big", signed=True)
    return Decimal((int(unscaled < 0), tuple(int(digit) for digit in str(abs(unscaled))), -scale))


def _date(_: Schema, value: int) -> date:
    return EPOCH_DAY + timedelta(days=value)


def _time(_: Schema, value: int) -> time:
    return (datetime.min + timedelta(milliseconds=value)).time()  # noqa: DTZ901 - a time of day has no zone


def _timestamp(_: Schema, value: int) -> datetime:
    return EPOCH + timedelta(milliseconds=value)


def _bytes(_: Schema, value: str) -> bytes:
    return b64decode(value, validate=True)


def _struct(schema: Schema, value: dict[str, Any]) -> dict[str, Any]:
    return {each.name: from_json(each.schema, value.get(each.name)) for each in schema.fields}


def _array(schema: Schema, value: list[Any]) -> list[Any]:
    items = schema.items or schema
    return [from_json(items, item) for item in value]


def _map(schema: Schema, value: dict[str, Any] | list[list[Any]]) -> dict[Any, Any]:
    keys, items = schema.keys or schema, schema.items or schema
    pairs = value.items() if isinstance(value, dict) else value
    return {from_json(keys, key): from_json(items, item) for key, item in pairs}


_BY_TYPE: dict[Type, Callable[[Schema, Any], Any]] = {
    Type.BYTES: _bytes,
    Type.STRUCT: _struct,
    Type.ARRAY: _array,
    Type.MAP: _map,
}
_LOGICAL: dict[str, Callable[[Schema, Any], Any]] = {
    DECIMAL: _decimal,
    DATE: _date,
    TIME: _time,
    TIMESTAMP: _timestamp,
}
