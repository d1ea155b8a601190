"""Avro values by their registered schema, as Connect sees them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from itertools import count
from typing import Any

from fastavro import parse_schema, schemaless_reader
from fastavro.schema import SchemaParseException, UnknownType

from sink_connector.converters import Decoded
from sink_connector.converters.registry.avro_mapping import FieldConversions, SchemaMapping, unless_null
from sink_connector.converters.registry.avro_plain import plain_schema
from sink_connector.converters.registry.wire import PREFIX, Compile, Decode, RegisteredSchema
from sink_connector.data.record import Type
from sink_connector.data.record_schema import RecordSchema, dict_record_schema

ENHANCED = "enhanced.avro.schema.support"


def compiler(options: Mapping[str, str]) -> Compile:
    """Compiles schemas by the converter's options. Raises `ValueError` for one that is neither true nor false."""
    value = options.get(ENHANCED, "false").strip().lower()
    if value not in {"true", "false"}:
        raise ValueError(f"{ENHANCED} is {value!r}, it must be true or false")
    return partial(compile_avro, whole_names=value == "true")


def compile_avro(registered: RegisteredSchema, *, whole_names: bool = False) -> Decode:
    """Raises `ValueError` for a schema that is none, or that refers to itself.

    With `whole_names`, a field for a type of a union is called by the namespace, too.
    """
    try:
        named: dict[str, Any] = {}
        numbers = count()
        for _, text in registered.references:
            parse_schema(plain_schema(json.loads(text), numbers), named_schemas=named)
        writer = parse_schema(plain_schema(json.loads(registered.text), numbers), named_schemas=named)
    except (SchemaParseException, UnknownType) as error:
        raise ValueError(f"not an Avro schema: {error}") from error
    schema, convert = SchemaMapping(named, whole_names=whole_names).of(writer)
    if schema.type is Type.STRUCT and not schema.optional and isinstance(convert, FieldConversions | None):
        return _Records(dict_record_schema(schema), writer, convert or FieldConversions(()))
    if convert is not None and schema.optional:
        convert = unless_null(convert)

    def decode(data: bytes) -> Decoded:
        [value] = _read(writer, [data])
        return Decoded(schema, value if convert is None else convert(value))

    return decode


def _read(writer: Any, data: Sequence[bytes]) -> list[Any]:
    """The values as fastavro has them, the names of named types in unions with them."""
    return [
        schemaless_reader(
            BytesIO(each[PREFIX:]), writer, None, return_named_type=True, return_named_type_override=True
        )
        for each in data
    ]


@dataclass(frozen=True, slots=True)
class _Records:
    """Decodes the values of a record's schema, one or many."""

    shape: RecordSchema
    writer: Any
    convert: FieldConversions

    def __call__(self, data: bytes) -> Decoded:
        """See `Decode`."""
        [value] = self.convert.all(_read(self.writer, [data]))
        return Decoded(self.shape.schema, value)

    def together(self, data: Sequence[bytes]) -> tuple[RecordSchema, list[Any]]:
        """See `DecodesTogether`."""
        return self.shape, self.convert.all(_read(self.writer, data))
