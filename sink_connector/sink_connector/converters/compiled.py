"""A Connect schema compiled into a decoder: msgspec builds the struct straight from the bytes and checks every type.

Nothing is parsed that is not needed: nested values, which become jsonb, stay text (`msgspec.Raw`, checked to be JSON).
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from operator import attrgetter
from typing import Annotated, Any

import msgspec
from msgspec.structs import astuple

from sink_connector.converters.connect_schema import EPOCH, EPOCH_DAY
from sink_connector.data.record import DECIMAL, Schema, Type
from sink_connector.data.record_schema import Form, Shape, primitive_shape

_BITS = {Type.INT8: 8, Type.INT16: 16, Type.INT32: 32, Type.INT64: 64}
_SIMPLE: dict[Type, Any] = {
    Type.FLOAT32: float,
    Type.FLOAT64: float,
    Type.BOOLEAN: bool,
    Type.STRING: str,
    Type.BYTES: bytes,
} | {
    kind: Annotated[int, msgspec.Meta(ge=-(2 ** (bits - 1)), le=2 ** (bits - 1) - 1)]
    for kind, bits in _BITS.items()
}


def compile_schema(schema: Schema) -> tuple[Shape, Callable[[bytes], Any]]:
    """The shape of a schema and the function that decodes a payload of it.

    Raises `ValueError` for a field name that no JSON text should have (quotes, control characters). The decoder raises `msgspec.DecodeError` (or its `ValidationError`), `UnicodeDecodeError` or `RecursionError`.
    """
    if schema.type is not Type.STRUCT:
        return primitive_shape(schema, Form.JSON), msgspec.json.Decoder(_nullable(schema)).decode
    places = {each.name: f"f{place}" for place, each in enumerate(schema.fields)}
    struct = msgspec.defstruct(
        "Value",
        [
            (places[each.name], _nullable(each.schema), _field(each.name, each.schema))
            for each in schema.fields
        ],
        kw_only=True,
        gc=False,
    )

    def pick(names: Sequence[str]) -> Callable[[Any], Any]:
        return attrgetter(*(places[name] for name in names))

    return Shape(schema, Form.JSON, astuple, pick), msgspec.json.Decoder(struct).decode


def json_type(schema: Schema) -> Any:
    """The type msgspec decodes a value of this schema to."""
    if schema.name == DECIMAL:
        return msgspec.Raw  # base64 text or a number, by the producer's decimal.format
    if schema.type is Type.ARRAY and schema.items is not None and schema.items.type in _SIMPLE:
        return list[_nullable(schema.items)]  # type: ignore[misc] # a type made at run time is the point
    return _SIMPLE.get(schema.type, msgspec.Raw)


def json_form(value: Any) -> Any:
    """A default in the Python form of `record.py`, as the compiled decoder would have left it."""
    match value:
        case datetime():
            return (value - EPOCH) // timedelta(milliseconds=1)
        case date():
            return (value - EPOCH_DAY).days
        case time():
            return ((value.hour * 60 + value.minute) * 60 + value.second) * 1000 + value.microsecond // 1000
        case _:
            return value


def _nullable(schema: Schema) -> Any:
    kind = json_type(schema)
    # A Raw takes null by itself; the writer refuses it where it is not allowed.
    return kind if kind is msgspec.Raw or not (schema.optional or schema.has_default) else kind | None


def _field(name: str, schema: Schema) -> Any:
    if schema.has_default and json_type(schema) is not msgspec.Raw:
        default = json_form(schema.default)
        if isinstance(default, list):
            return msgspec.field(name=name, default_factory=lambda: list(default))
        return msgspec.field(name=name, default=default)
    if schema.has_default or schema.optional:
        return msgspec.field(name=name, default=None)
    return msgspec.field(name=name)
