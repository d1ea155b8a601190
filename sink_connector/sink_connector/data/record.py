"""Kafka Connect's data model: a schema, a record with its schemas, and its headers.

This is the form in which transforms, predicates and the registry converters see a record. The compiled path (JSON
envelopes with no transforms configured) never builds one; see `converters/compiled.py`.

How a Connect type stands in Python:

| Connect                           | Python                                              |
|-----------------------------------|-----------------------------------------------------|
| int8 … int64, float32, float64    | int, float                                          |
| boolean, string, bytes            | bool, str, bytes                                    |
| array, map, struct                | list, dict, dict (field name → value, no field left out) |
| Decimal, Date, Time, Timestamp    | Decimal, date, time, datetime (aware, UTC); see `instants.py` for what these cannot hold |
| any other named schema            | as its type, unchanged                              |

A value without a schema (`schema is None`) is whatever JSON gives: dict, list, str, int, bool, None, and for a number with a
point or an exponent a Decimal, which has every digit that was written.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

import msgspec


class Type(Enum):
    """The types of Connect's `Schema.Type`; the value is the spelling in a JSON schema."""

    INT8 = "int8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    FLOAT32 = "float"
    FLOAT64 = "double"
    BOOLEAN = "boolean"
    STRING = "string"
    BYTES = "bytes"
    ARRAY = "array"
    MAP = "map"
    STRUCT = "struct"


DECIMAL = "org.apache.kafka.connect.data.Decimal"  # bytes; parameters: {"scale": "2"}
DATE = "org.apache.kafka.connect.data.Date"  # int32, days since 1970-01-01
TIME = "org.apache.kafka.connect.data.Time"  # int32, milliseconds since midnight
TIMESTAMP = "org.apache.kafka.connect.data.Timestamp"  # int64, milliseconds since 1970-01-01 UTC
DURATION = "duration"  # parameter of bytes that are an Avro duration: three numbers, little-endian
UNSIGNED = "unsigned"  # parameter of an int64 whose numbers go up to 2**64 - 1, as Protobuf's uint64 does
_LOGICAL: dict[str, tuple[Type, ...]] = {
    DECIMAL: (Type.BYTES,),
    DATE: (Type.INT32,),
    TIME: (Type.INT32, Type.INT64),  # Avro's microseconds are a Time of int64
    TIMESTAMP: (Type.INT64,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """A Connect schema; immutable, equal by value. `fields` for STRUCT, `items` for ARRAY, `keys` and `items` for MAP.

    `has_default` tells a default of null from none at all. `default` stands in the Python form of the table above.
    """

    type: Type
    optional: bool = False
    name: str | None = None
    version: int | None = None
    doc: str | None = None
    parameters: tuple[tuple[str, str], ...] = ()
    has_default: bool = False
    default: Any = field(default=None, hash=False)
    fields: tuple["Field", ...] = ()
    keys: "Schema | None" = None
    items: "Schema | None" = None

    @property
    def logical(self) -> str | None:
        """The name, where it makes the type one of Connect's four logical ones; a name on another type means nothing."""
        name = self.name
        return name if name is not None and self.type in _LOGICAL.get(name, ()) else None

    def field(self, name: str) -> "Field | None":
        """The field of that name, or None."""
        return next((each for each in self.fields if each.name == name), None)

    def parameter(self, name: str) -> str | None:
        """The parameter of that name, or None."""
        return next((value for key, value in self.parameters if key == name), None)

    def __iter__(self) -> Iterator["Field"]:
        """The fields in their order."""
        return iter(self.fields)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a STRUCT; its place is its index."""

    name: str
    schema: Schema


def without_default(schema: Schema) -> Schema:
    """The same schema but for its own default."""
    return replace(schema, has_default=False, default=None)


def without_inner_defaults(schema: Schema) -> Schema:
    """The same schema of a record's value, of whose fields each keeps its default, and what is nested in them has none."""

    def bare(inner: Schema) -> Schema:
        return without_default(nested_bare(inner))

    def nested_bare(outer: Schema) -> Schema:
        return replace(
            outer,
            fields=tuple(Field(each.name, bare(each.schema)) for each in outer.fields),
            keys=None if outer.keys is None else bare(outer.keys),
            items=None if outer.items is None else bare(outer.items),
        )

    fields = tuple(Field(each.name, nested_bare(each.schema)) for each in schema.fields)
    return replace(nested_bare(schema), fields=fields)


@dataclass(frozen=True, slots=True)
class Header:
    """A header as the header converter left it: a text where the bytes were UTF-8, else the bytes."""

    key: str
    value: Any
    schema: Schema | None = None


class Record(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One record between converter and writer. `value is None` is a tombstone. `timestamp` is epoch milliseconds.

    `topic` may be changed by a transform (it decides the table); where the record came from, for offsets and dead
    letters, is kept by the task and cannot be changed here. Change a record with `msgspec.structs.replace`, which takes a
    thirtieth of the time that a frozen dataclass would: every transform of every record does it.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int | None
    key_schema: Schema | None
    key: Any
    value_schema: Schema | None
    value: Any
    headers: tuple[Header, ...] = ()
