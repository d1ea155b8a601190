"""Values in Connect's JSON and in Python, by their schema: `json_reader` checks and reads them, `to_json` writes them."""

import math
from base64 import b64decode
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from sink_connector.data.decimals import (
    NON_FINITE,
    bounded,
    non_finite_text,
    shortest_single,
    unscaled_decimal,
    whole,
)
from sink_connector.data.exact_json import encode_exact
from sink_connector.data.instants import date_of, micros_of, time_of, timestamp_of
from sink_connector.data.record import DATE, DECIMAL, TIME, TIMESTAMP, Schema, Type
from sink_connector.data.record_schema import hashable
from sink_connector.data.semantic_types import VARIABLE_SCALE_DECIMAL, variable_scale

Read = Callable[[Any], Any]

BITS = {Type.INT8: 8, Type.INT16: 16, Type.INT32: 32, Type.INT64: 64}
_PAIR = 2


def json_reader(schema: Schema, *, replace_null: bool = True) -> Read:
    """A function from parsed JSON (numbers exact, see `data/exact_json.py`) to the Python form of a schema.

    With `replace_null` a null or an absent field takes the schema's default, as Connect's `replace.null.with.default` says.
    The function raises `ValueError`, which names the field, for a value that does not fit its schema.
    """
    return _nullable(schema, _of_value(schema, replace_null), replace_null=replace_null)


def to_json(schema: Schema | None, value: Any) -> bytes:
    """A value in the forms of Connect's own JSON as text; only a Decimal is a number, to be of use in a jsonb.

    Raises `ValueError`, `TypeError`, `KeyError` or `AttributeError` when the value does not fit its schema.
    """
    return encode_exact(_plain(schema, value))


def _nullable(schema: Schema, read: Read, *, replace_null: bool) -> Read:
    if replace_null and schema.default is not None:
        default = schema.default
        return lambda value: default if value is None else read(value)
    if schema.optional:
        return lambda value: None if value is None else read(value)

    def read_required(value: Any) -> Any:
        if value is None:
            raise ValueError(f"null where a {schema.type.value} is required")
        return read(value)

    return read_required


def _of_value(schema: Schema, replace_null: bool) -> Read:  # noqa: FBT001 - the only thing to say
    match schema.logical or schema.type:
        case str() as logical:
            return _LOGICAL[logical](schema)
        case Type.STRUCT:
            return _struct(schema, replace_null)
        case Type.ARRAY:
            return _array(schema, replace_null)
        case Type.MAP:
            return _map(schema, replace_null)
        case kind:
            return _SIMPLE[kind]


def _expected(what: str, value: Any) -> ValueError:
    return ValueError(f"{type(value).__name__} where a {what} is expected")


@cache
def _integer(kind: Type) -> Read:
    most = (1 << (BITS[kind] - 1)) - 1
    least = -most - 1

    def read_integer(value: Any) -> int:
        if type(value) is not int:
            if not isinstance(value, Decimal | float):
                raise _expected(kind.value, value)
            value = whole(value)
        if not least <= value <= most:
            raise ValueError(f"{value} is out of the range of {kind.value}")
        return int(value)

    return read_integer


def _float(value: Any) -> float:
    if type(value) not in {int, float, Decimal}:
        if isinstance(value, str) and value in NON_FINITE:
            return NON_FINITE[value]
        raise _expected("number", value)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isinf(number):
        raise ValueError("a number out of the range of a double")
    return number


def _exactly(kind: type, what: str) -> Read:
    def read_exactly(value: Any) -> Any:
        if type(value) is not kind:
            raise _expected(what, value)
        return value

    return read_exactly


def _bytes(value: Any) -> bytes:
    if type(value) is not str:
        raise _expected("base64 text", value)
    return b64decode(value, validate=True)


def _decimal(schema: Schema) -> Read:
    scale = int(schema.parameter("scale") or 0)

    def read_decimal(value: Any) -> Decimal:
        if isinstance(value, str):
            return unscaled_decimal(b64decode(value, validate=True), scale)
        if type(value) is int or isinstance(value, Decimal):
            return bounded(Decimal(value))
        if type(value) is float:
            return bounded(Decimal(repr(value)))
        raise _expected("Decimal (base64 text or a number)", value)

    return read_decimal


def _logical_integer(of: Callable[[int], Any], unit: int) -> Callable[[Schema], Read]:
    def reader(schema: Schema) -> Read:
        read = _integer(schema.type)
        return lambda value: of(read(value) * unit)

    return reader


def _struct(schema: Schema, replace_null: bool) -> Read:  # noqa: FBT001 - as above
    members = tuple(
        (each.name, json_reader(each.schema, replace_null=replace_null)) for each in schema.fields
    )

    def read_struct(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _expected("struct", value)
        found = {}
        for name, read in members:
            try:
                found[name] = read(value.get(name))
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from error
        return found

    return read_struct


def _array(schema: Schema, replace_null: bool) -> Read:  # noqa: FBT001 - as above
    read = json_reader(schema.items, replace_null=replace_null) if schema.items is not None else _as_it_is

    def read_array(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise _expected("array", value)
        return [read(item) for item in value]

    return read_array


def _map(schema: Schema, replace_null: bool) -> Read:  # noqa: FBT001 - as above
    read_key = json_reader(schema.keys, replace_null=replace_null) if schema.keys is not None else _as_it_is
    read = json_reader(schema.items, replace_null=replace_null) if schema.items is not None else _as_it_is

    def read_map(value: Any) -> dict[Any, Any]:
        pairs = value.items() if isinstance(value, dict) else value
        if not isinstance(value, dict | list) or any(len(pair) != _PAIR for pair in pairs):
            raise _expected("map", value)
        return {hashable(read_key(key)): read(item) for key, item in pairs}

    return read_map


def _as_it_is(value: Any) -> Any:
    return value


_SIMPLE: Mapping[Type, Read] = {
    **{kind: _integer(kind) for kind in BITS},
    Type.FLOAT32: _float,
    Type.FLOAT64: _float,
    Type.BOOLEAN: _exactly(bool, "boolean"),
    Type.STRING: _exactly(str, "string"),
    Type.BYTES: _bytes,
}
_LOGICAL: Mapping[str, Callable[[Schema], Read]] = {
    DECIMAL: _decimal,
    DATE: _logical_integer(date_of, 1),
    TIME: _logical_integer(time_of, 1000),
    TIMESTAMP: _logical_integer(timestamp_of, 1000),
}


def _plain(schema: Schema | None, value: Any) -> Any:
    if value is None or schema is None:
        return value
    plain = _PLAIN.get(schema.logical or schema.type)
    return value if plain is None else plain(schema, value)


def _plain_struct(schema: Schema, value: Any) -> Any:
    if schema.name == VARIABLE_SCALE_DECIMAL:
        return variable_scale(value)
    return {each.name: _plain(each.schema, value.get(each.name)) for each in schema.fields}


def _plain_map(schema: Schema, value: Any) -> Any:
    pairs = [(_plain(schema.keys, key), _plain(schema.items, item)) for key, item in value.items()]
    texts = schema.keys is not None and schema.keys.type is Type.STRING
    return dict(pairs) if texts else pairs


def _plain_float(schema: Schema, value: Any) -> float | str:
    if not math.isfinite(value):
        return non_finite_text(value)
    return shortest_single(value) if schema.type is Type.FLOAT32 else float(value)


def _plain_millis(_: Schema, value: Any) -> int | Decimal:
    """Milliseconds; with a fraction where there are microseconds, which Avro and Protobuf have and Connect's JSON has not."""
    millis, rest = divmod(micros_of(value), 1000)
    return millis + Decimal(rest).scaleb(-3) if rest else millis


_PLAIN: Mapping[str | Type, Callable[[Schema, Any], Any]] = {
    TIMESTAMP: _plain_millis,
    DATE: lambda _, value: micros_of(value) // 86_400_000_000,
    TIME: _plain_millis,
    DECIMAL: lambda _, value: bounded(value),
    Type.STRUCT: _plain_struct,
    Type.ARRAY: lambda schema, value: [_plain(schema.items, item) for item in value],
    Type.MAP: _plain_map,
    Type.FLOAT32: _plain_float,
    Type.FLOAT64: _plain_float,
}
