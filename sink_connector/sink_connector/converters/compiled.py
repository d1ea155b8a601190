"""A Connect schema compiled into a decoder: msgspec builds the struct straight from the bytes and checks every type.

Nothing is parsed that is not needed: nested values, which become jsonb, stay text (`msgspec.Raw`, checked to be JSON).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from operator import attrgetter, itemgetter
from typing import Annotated, Any

import msgspec
from msgspec.structs import astuple

from sink_connector.converters.connect_json import json_reader, to_json
from sink_connector.data.exact_json import parse_exact
from sink_connector.data.record import DECIMAL, Field, Schema, Type, without_inner_defaults
from sink_connector.data.record_schema import (
    Form,
    RecordSchema,
    dict_record_schema,
    hashable,
    parsed,
    primitive_record_schema,
)
from sink_connector.data.semantic_types import VARIABLE_SCALE_DECIMAL
from sink_connector.errors import BadRecordError, Stage

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
_ESCAPED = re.compile(r'["\\\x00-\x1f]')
_NUMBERS = _BITS.keys() | {Type.FLOAT32, Type.FLOAT64}


def compile_schema(
    schema: Schema, *, replace_null: bool = True
) -> tuple[RecordSchema, Callable[[bytes], Any]]:
    """The shape of a schema and the function that decodes a payload of it.

    With `replace_null` a null or an absent field takes the schema's default. The decoder raises `ValueError` (such as
    `msgspec.DecodeError` and `UnicodeDecodeError`) or `RecursionError`.
    """
    if not replace_null:
        schema = without_inner_defaults(schema)  # nested values are read later, where nobody knows of it
    if schema.type is not Type.STRUCT:
        return _compile_primitive(schema)
    if _has_odd_names(schema):
        parse = json_reader(schema, replace_null=replace_null)
        return dict_record_schema(schema), lambda data: parse(parse_exact(data))
    places = _places(schema)
    parsers = {
        each.name: partial(_parsed_key, each.schema)
        for each in schema.fields
        if json_type(each.schema) not in _HASHABLE
    }

    def pick(names: Sequence[str]) -> Callable[[Any], Any]:
        return _picked(attrgetter(*(places[name] for name in names)), names, parsers)

    decoder = msgspec.json.Decoder(_struct(schema, replace_null=replace_null))
    return RecordSchema(schema, Form.JSON, astuple, pick), decoder.decode


def lenient_decoder(schema: Schema, *, replace_null: bool = True) -> Callable[[bytes], Any]:
    """A slow decoder into the same form, which takes more: 5.0 for an integer, the texts of `NON_FINITE` for a float.

    Raises as the decoder of `compile_schema`, or `ValueError`.
    """
    if schema.type is not Type.STRUCT:
        kind, read = json_type(schema), _lenient(schema)
        if kind is msgspec.Raw:
            return _compile_primitive(schema)[1]
        return lambda data: hashable(msgspec.convert(read(msgspec.Raw(data)), kind))
    if _has_odd_names(schema):
        return compile_schema(schema, replace_null=replace_null)[1]
    struct = _struct(schema, replace_null=replace_null)
    readers = {each.name: _lenient(each.schema) for each in schema.fields}

    def decode(data: bytes) -> Any:
        found = _members(data)
        return msgspec.convert({name: readers[name](found[name]) for name in readers.keys() & found}, struct)

    return decode


_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def _lenient(schema: Schema) -> Callable[[msgspec.Raw], Any]:
    """What reads a value for `msgspec.convert`."""
    if json_type(schema) is msgspec.Raw:
        return _unchanged
    items = schema.items
    if schema.type in _NUMBERS:
        read = json_reader(Schema(type=schema.type, optional=True))
    elif items is not None and items.type in _NUMBERS:
        read = json_reader(
            Schema(type=Type.ARRAY, optional=True, items=Schema(type=items.type, optional=True))
        )
    else:
        return parse_exact
    return lambda raw: read(parse_exact(raw))


def _has_odd_names(schema: Schema) -> bool:
    """Whether a field has a name with what JSON writes in another way, which msgspec takes for none of a struct's."""
    return any(_ESCAPED.search(each.name) for each in schema.fields)


def _places(schema: Schema) -> dict[str, str]:
    """The names of a struct's attributes by those of its fields."""
    return {each.name: f"f{place}" for place, each in enumerate(schema.fields)}


def _struct(schema: Schema, *, replace_null: bool) -> type[msgspec.Struct]:
    places = _places(schema)
    defaults = {
        places[each.name]: json_form(each.schema)
        for each in schema.fields
        if replace_null and each.schema.default is not None
    }
    return msgspec.defstruct(
        "Value",
        [_member(places[each.name], each, defaults) for each in schema.fields],
        kw_only=True,
        gc=False,
        namespace={"__post_init__": _fill(defaults)} if defaults else None,
    )


def row_schema(schema: Schema, forms: tuple[Form, ...]) -> RecordSchema:
    """The shape of structs that stand as tuples, each field in a form of its own (JSON or CONNECT)."""
    places = {each.name: place for place, each in enumerate(schema.fields)}
    parsers = {
        each.name: partial(_parsed_key, each.schema) if form is Form.JSON else hashable
        for each, form in zip(schema.fields, forms, strict=True)
        if json_type(each.schema) not in _HASHABLE
    }

    def pick(names: Sequence[str]) -> Callable[[Any], Any]:
        return _picked(itemgetter(*(places[name] for name in names)), names, parsers)

    return RecordSchema(schema, Form.CONNECT, tuple, pick, forms)


def _picked(
    get: Callable[[Any], Any], names: Sequence[str], parsers: Mapping[str, Callable[[Any], Any]]
) -> Callable[[Any], Any]:
    """`get` gives these fields; those that have a parser are parsed then."""
    if parsers.keys().isdisjoint(names):
        return get
    each = [parsers.get(name, _unchanged) for name in names]
    if len(names) == 1:
        return lambda value: each[0](get(value))
    return lambda value: tuple(parse(found) for parse, found in zip(each, get(value), strict=True))


def _compile_primitive(schema: Schema) -> tuple[RecordSchema, Callable[[bytes], Any]]:
    """The decoder refuses null: what that means is for its caller to say."""
    kind = json_type(schema)
    decode = msgspec.json.Decoder(kind).decode

    def decode_nested(data: bytes) -> Any:
        value = _parsed_key(schema, decode(data))
        if value is None:
            raise msgspec.ValidationError(f"Expected `{schema.type.value}`, got `null`")
        return value

    return primitive_record_schema(schema, Form.JSON), decode if kind in _HASHABLE else decode_nested


def json_type(schema: Schema) -> Any:
    """The type msgspec decodes a value of this schema to."""
    if schema.logical == DECIMAL:
        return msgspec.Raw  # base64 text or a number, by the producer's decimal.format
    items = schema.items
    if schema.type is Type.ARRAY and items is not None and items.type in _SIMPLE and items.logical != DECIMAL:
        kind = _SIMPLE[items.type]
        return list.__class_getitem__(kind | None if items.optional else kind)
    return _SIMPLE.get(schema.type, msgspec.Raw)


def json_form(schema: Schema) -> Any:
    """A schema's default as the compiled decoder would have left it."""
    kind, default = json_type(schema), schema.default
    if kind is msgspec.Raw:
        plain = replace(schema, name=None) if schema.name == VARIABLE_SCALE_DECIMAL else schema
        return msgspec.Raw(to_json(plain, default))
    if schema.logical is not None:
        return msgspec.json.decode(to_json(schema, default))
    if schema.type is Type.ARRAY and schema.items is not None and schema.items.logical is not None:
        return msgspec.json.decode(to_json(schema, default))
    return default


_HASHABLE = frozenset(_SIMPLE.values())


def _member(place: str, field: Field, defaults: Mapping[str, Any]) -> tuple[str, Any, Any]:
    kind, schema = json_type(field.schema), field.schema
    if place in defaults:
        default = defaults[place]
        made = (
            msgspec.field(name=field.name, default_factory=lambda: list(default))
            if isinstance(default, list)
            else msgspec.field(name=field.name, default=default)
        )
        return place, kind if kind is msgspec.Raw else kind | None, made
    if schema.optional:
        made = msgspec.field(name=field.name, default=None)
        return place, kind if kind is msgspec.Raw else kind | None, made
    # A Raw takes null by itself; the writer refuses it where it is not allowed.
    return place, kind, msgspec.field(name=field.name)


def _fill(defaults: Mapping[str, Any]) -> Callable[[Any], None]:
    """What replaces the nulls that were written out; only a struct that has defaults pays for it."""
    pairs = tuple(defaults.items())
    null = msgspec.Raw(b"null")

    def fill(value: Any) -> None:
        for place, default in pairs:
            found = getattr(value, place)
            if found is None or found == null:
                setattr(value, place, default)

    return fill


def _parsed_key(schema: Schema, value: Any) -> Any:
    """A value as something that can be a key: a Decimal, a tuple, or JSON text of one spelling."""
    if not isinstance(value, msgspec.Raw):
        return hashable(value)
    text = bytes(value)
    if text == b"null":
        return None
    try:
        return json_reader(schema)(parse_exact(text)) if schema.logical == DECIMAL else parsed(value)
    except ValueError as error:
        raise BadRecordError(
            f"a key that is no {schema.logical or schema.type.value}: {error}", stage=Stage.KEY_CONVERTER
        ) from error


def _unchanged(value: Any) -> Any:
    return value
