"""Wires for values in the Python form of `record.py`, which transforms and the registry converters give."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

import msgspec

from sink_connector.data.record import DATE, DECIMAL, TIME, TIMESTAMP, Schema, Type
from sink_connector.sink.encoders.encoder import (
    EPOCH_2000_DAYS,
    EPOCH_2000_US,
    PRIMITIVES,
    SCALES,
    Wire,
    refused,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY = date(1970, 1, 1)
MICROSECOND = timedelta(microseconds=1)

Each = Callable[[Any], Any]


def connect_wire(schema: Schema) -> Wire:
    logical = _LOGICAL.get(schema.name or "")
    if logical is not None:
        kind, encode = logical
        return Wire(kind, partial(_each, encode=encode))
    scale = SCALES.get(schema.name or "")
    if scale is not None:
        return Wire(scale.type, scale.encode)
    if schema.type in PRIMITIVES:
        return Wire(PRIMITIVES[schema.type])
    items = schema.items
    if schema.type is Type.ARRAY and items is not None and items.type in PRIMITIVES:
        element = connect_wire(items)
        return Wire(
            f"{element.type}[]", partial(_each, encode=element.encode) if element.encode is not None else None
        )
    return Wire("jsonb", partial(_each, encode=partial(document, schema)))


def document(schema: Schema, value: Any) -> bytes | None:
    """A nested value as JSON text, in the forms of Connect's own JSON; only a Decimal is a number, to be of use.

    Raises `BadRecordError` when the value does not fit its schema.
    """
    if value is None:
        return None
    try:
        return msgspec.json.encode(_plain(schema, value))
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise refused(f"a {schema.type.value} that fits its schema: {error}") from error


def _plain(schema: Schema | None, value: Any) -> Any:
    if schema is None or value is None:
        return value
    if schema.name in _PLAIN:
        return _PLAIN[schema.name](value)
    if schema.type is Type.STRUCT:
        return {each.name: _plain(each.schema, value.get(each.name)) for each in schema.fields}
    if schema.type is Type.ARRAY:
        return [_plain(schema.items, item) for item in value]
    if schema.type is Type.MAP:
        pairs = [(_plain(schema.keys, key), _plain(schema.items, item)) for key, item in value.items()]
        texts = schema.keys is not None and schema.keys.type is Type.STRING
        return dict(pairs) if texts else pairs
    return value


def _each(column: Sequence[Any], *, encode: Each) -> Sequence[Any]:
    return [None if value is None else encode(value) for value in column]


def _timestamp(value: datetime) -> tuple[int]:
    return ((value - EPOCH) // MICROSECOND - EPOCH_2000_US,)


def _date(value: date) -> tuple[int]:
    return ((value - EPOCH_DAY).days - EPOCH_2000_DAYS,)


def _time(value: time) -> tuple[int]:
    return (_microseconds(value),)


def _microseconds(value: time) -> int:
    return ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond


def _same(value: Any) -> Any:
    return value


_LOGICAL: dict[str, tuple[str, Each]] = {
    TIMESTAMP: ("timestamp with time zone", _timestamp),
    DATE: ("date", _date),
    TIME: ("time without time zone", _time),
    DECIMAL: ("numeric", _same),
}
_PLAIN: dict[str | None, Each] = {
    TIMESTAMP: lambda value: (value - EPOCH) // timedelta(milliseconds=1),
    DATE: lambda value: (value - EPOCH_DAY).days,
    TIME: lambda value: _microseconds(value) // 1000,
    DECIMAL: lambda value: msgspec.Raw(format(value, "f").encode()),
}
