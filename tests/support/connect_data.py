"""Records as the recordings have them (Connect's JSON envelopes) in the sink's own model, and a strict comparison of values."""

import struct
from base64 import b64decode
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sink_connector.converters.connect_schema import parse_schema
from sink_connector.data.decimals import unscaled_decimal
from sink_connector.data.record import DATE, DECIMAL, TIME, TIMESTAMP, Header, Record, Schema, Type

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def record_of(json: dict[str, Any]) -> Record:
    """A recorded record."""
    key_schema, key = data_of(json["key"])
    value_schema, value = data_of(json["value"])
    headers = ((each["name"], *data_of(each)) for each in json["headers"])
    return Record(
        topic=json["topic"], partition=json["partition"], offset=json["offset"], timestamp=json["timestamp"],
        key_schema=key_schema, key=key, value_schema=value_schema, value=value,
        headers=tuple(Header(name, value, schema) for name, schema, value in headers),
    )  # fmt: skip


def data_of(envelope: dict[str, Any]) -> tuple[Schema | None, Any]:
    """Schema and value of an envelope; a null stays null even where there is a default."""
    schema = _schema_of(envelope["schema"])
    if schema is None:
        return None, _untyped(envelope["payload"])
    return schema, _typed(schema, envelope["payload"])


def _schema_of(node: Any) -> Schema | None:
    """As the sink reads it; but a list or map of values without a common schema (a header's literal) has no inner one."""
    if isinstance(node, dict) and None in (node.get("items", ""), node.get("values", "")):
        kind = Type(node["type"])
        return Schema(type=kind, keys=_schema_of(node.get("keys")))
    return parse_schema(node)


def _typed(schema: Schema, value: Any) -> Any:
    if value is None:
        return None
    read = _LOGICAL.get(schema.name or "") or _BY_TYPE.get(schema.type)
    return value if read is None else read(schema, value)


def _item(schema: Schema | None, value: Any) -> Any:
    return _untyped(value) if schema is None else _typed(schema, value)


def _map(schema: Schema, value: Any) -> dict[Any, Any]:
    pairs = value.items() if isinstance(value, dict) else value
    return {_item(schema.keys, key): _item(schema.items, item) for key, item in pairs}


def _single(value: Any) -> float:
    return float(struct.unpack("f", struct.pack("f", float(value)))[0])


def _instant(millis: int) -> datetime:
    return EPOCH + timedelta(milliseconds=millis)


_LOGICAL: dict[str, Callable[[Schema, Any], Any]] = {
    DECIMAL: lambda schema, text: unscaled_decimal(b64decode(text), int(schema.parameter("scale") or 0)),
    DATE: lambda _, days: EPOCH.date() + timedelta(days=days),
    TIME: lambda _, millis: _instant(millis).time(),
    TIMESTAMP: lambda _, millis: _instant(millis),
}
_BY_TYPE: dict[Type, Callable[[Schema, Any], Any]] = {
    Type.BYTES: lambda _, text: b64decode(text),
    Type.FLOAT32: lambda _, number: _single(number),
    Type.FLOAT64: lambda _, number: float(number),
    Type.STRUCT: lambda schema, value: {each.name: _typed(each.schema, value[each.name]) for each in schema},
    Type.ARRAY: lambda schema, value: [_item(schema.items, item) for item in value],
    Type.MAP: _map,
}
_TAGGED: dict[str, Callable[[Any], Any]] = {
    "float": _single,
    "date": _instant,
    "decimal": Decimal,
    "bytes": b64decode,
}


def _untyped(value: Any) -> Any:
    match value:
        case {"$type": tag, "value": tagged}:
            return _TAGGED.get(tag, int)(tagged)
        case dict():
            return {key: _untyped(each) for key, each in value.items()}
        case list():
            return [_untyped(each) for each in value]
    return value


def exactly(value: Any) -> Any:
    """A form in which 1, 1.0 and True differ, and dates, times and instants are the milliseconds Java has for them."""
    match value:
        case dict():
            return {exactly(key): exactly(each) for key, each in value.items()}
        case list():
            return [exactly(each) for each in value]
        case datetime():
            return "instant", (value - EPOCH) // timedelta(milliseconds=1)
        case date():
            return "instant", (value - EPOCH.date()) // timedelta(milliseconds=1)
        case time():
            return "instant", (datetime.combine(EPOCH.date(), value, UTC) - EPOCH) // timedelta(
                milliseconds=1
            )
    return type(value).__name__, value
