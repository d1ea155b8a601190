"""Whether the JSON text of a nested value is already the document that reading and writing it again would make.

The compiled decoder leaves nested values as text. To write them as they are, every value has to be of its schema's type, no
field missing or unknown, and nothing in another form than in a jsonb; msgspec finds that out without a Python object per rule.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Annotated, Any

import msgspec

from sink_connector.data.record import DATE, DECIMAL, TIME, TIMESTAMP, Schema, Type
from sink_connector.data.semantic_types import VARIABLE_SCALE_DECIMAL

MOST_SCHEMAS = 256
_DAYS = 999_999_999  # the reach of a `timedelta`, in which instants are counted
_DAY_MS = 86_400_000


def _between(least: int, most: int) -> Any:
    return Annotated[int, msgspec.Meta(ge=least, le=most)]


_TYPES: dict[str | Type, Any] = {
    **{
        kind: _between(-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
        for kind, bits in ((Type.INT8, 8), (Type.INT16, 16), (Type.INT32, 32), (Type.INT64, 64))
    },
    Type.FLOAT64: float,
    Type.BOOLEAN: bool,
    Type.STRING: str,
    Type.BYTES: bytes,
    DATE: _between(-_DAYS, _DAYS),
    TIME: _between(0, _DAY_MS),
    TIMESTAMP: _between(-_DAYS * _DAY_MS, _DAYS * _DAY_MS),
}


class _NotPlainError(Exception):
    """A schema whose values always have to be read."""


@lru_cache(MOST_SCHEMAS)
def plain_document(schema: Schema) -> Callable[[bytes], bytes] | None:
    """A function that gives the document of such a text: the text itself, but for doubles and bytes, of which 5 and 5.0, AQ== and AR== are one.

    It raises `msgspec.DecodeError`, `UnicodeDecodeError` or `RecursionError` for any other text. None when no text can be known
    to be one: the schema has decimals, float32, defaults, keys that are no texts or names with quotes.
    """
    try:
        decode = msgspec.json.Decoder(_required(schema)).decode
    except (_NotPlainError, RecursionError, ValueError):  # of a field's name that no msgspec struct can have
        return None
    if _has_several_forms(schema):
        return lambda text: msgspec.json.encode(decode(text))

    def checked(text: bytes) -> bytes:
        decode(text)
        return text

    return checked


def _has_several_forms(schema: Schema) -> bool:
    inner = (schema.items, schema.keys, *(each.schema for each in schema.fields))
    return schema.type in {Type.FLOAT64, Type.BYTES} or any(
        each is not None and _has_several_forms(each) for each in inner
    )


def _type(schema: Schema) -> Any:
    if schema.default is not None:
        raise _NotPlainError
    kind = _required(schema)
    return kind | None if schema.optional else kind


def _required(schema: Schema) -> Any:
    if schema.logical == DECIMAL or schema.name == VARIABLE_SCALE_DECIMAL or schema.type is Type.FLOAT32:
        raise _NotPlainError
    match schema.type:
        case Type.STRUCT:
            members = [
                (f"f{place}", _type(each.schema), msgspec.field(name=each.name))
                for place, each in enumerate(schema.fields)
            ]
            return msgspec.defstruct("Nested", members, kw_only=True, gc=False, forbid_unknown_fields=True)
        case Type.ARRAY:
            return list.__class_getitem__(_item(schema.items))
        case Type.MAP:
            if schema.keys is None or schema.keys.type is not Type.STRING or schema.keys.logical is not None:
                raise _NotPlainError
            return dict.__class_getitem__((str, _item(schema.items)))
        case kind:
            return _TYPES[schema.logical or kind]


def _item(schema: Schema | None) -> Any:
    return Any if schema is None else _type(schema)
