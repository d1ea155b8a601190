"""A Protobuf message's descriptor as a Connect schema, and the function that reads its messages into that schema's form."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from operator import attrgetter
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor, OneofDescriptor
from google.protobuf.json_format import MessageToDict

from sink_connector.data.decimals import unscaled_decimal
from sink_connector.data.exact_json import encode_exact
from sink_connector.data.instants import EPOCH, Day, TimeOfDay, Timestamp, time_of, timestamp_of
from sink_connector.data.record import DATE, DECIMAL, TIME, TIMESTAMP, UNSIGNED, Field, Schema, Type
from sink_connector.data.semantic_types import JSON_TEXT

UNION = "io.confluent.connect.protobuf.Union"
TIMESTAMP_MESSAGE = "google.protobuf.Timestamp"
DATE_MESSAGE = "google.type.Date"
TIME_MESSAGE = "google.type.TimeOfDay"
DECIMAL_MESSAGE = "confluent.type.Decimal"
_CONNECT_TYPES = {"int8": Type.INT8, "int16": Type.INT16}
_DOCUMENTS = (
    "Struct",
    "Value",
    "ListValue",
)  # Google's own for any JSON: what they hold is known by the message only
Read = Callable[[Any], Any]
ParamsOf = Callable[[FieldDescriptor], Mapping[str, str]]
Member = tuple[Field, Read]  # a field of the struct, and how its value is taken out of the message

_SCALARS = {
    FieldDescriptor.TYPE_INT32: Type.INT32,
    FieldDescriptor.TYPE_SINT32: Type.INT32,
    FieldDescriptor.TYPE_SFIXED32: Type.INT32,
    FieldDescriptor.TYPE_UINT32: Type.INT64,
    FieldDescriptor.TYPE_FIXED32: Type.INT64,
    FieldDescriptor.TYPE_INT64: Type.INT64,
    FieldDescriptor.TYPE_SINT64: Type.INT64,
    FieldDescriptor.TYPE_SFIXED64: Type.INT64,
    FieldDescriptor.TYPE_UINT64: Type.INT64,
    FieldDescriptor.TYPE_FIXED64: Type.INT64,
    FieldDescriptor.TYPE_FLOAT: Type.FLOAT32,
    FieldDescriptor.TYPE_DOUBLE: Type.FLOAT64,
    FieldDescriptor.TYPE_BOOL: Type.BOOLEAN,
    FieldDescriptor.TYPE_STRING: Type.STRING,
    FieldDescriptor.TYPE_BYTES: Type.BYTES,
}
_UNSIGNED = {FieldDescriptor.TYPE_UINT64, FieldDescriptor.TYPE_FIXED64}
_WRAPPERS = frozenset(
    f"google.protobuf.{name}Value"
    for name in ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """The converter's options that change what a schema becomes."""

    flatten_unions: bool = False  # the alternatives of a oneof as fields of the message itself
    wrapper_for_nullables: bool = (
        False  # StringValue and its like as an optional string, not as a struct of one
    )
    optional_for_nullables: bool = False  # an `optional` field that is absent is null, not its type's zero
    int_for_enums: bool = False
    index_for_unions: bool = True  # in the name of a oneof's struct


def mapping(descriptor: Descriptor, choices: Choices, params_of: ParamsOf) -> tuple[Schema, "MessageReader"]:
    """`params_of` gives what Confluent's converter noted at a field. Raises `ValueError` for a message that contains itself."""
    return _Mapper(choices, params_of).message(descriptor, ())


@dataclass(frozen=True, slots=True)
class _Mapper:
    choices: Choices
    params_of: ParamsOf

    def message(self, descriptor: Descriptor, above: tuple[str, ...]) -> tuple[Schema, "MessageReader"]:
        name = descriptor.full_name
        if name in above:
            raise ValueError(f"the message {name} contains itself")
        inside = (*above, name)
        members: list[Member] = []
        for field in descriptor.fields:
            union = _union_of(field)
            if union is None or self.choices.flatten_unions:
                members.append(self._member(field, inside, absent_is_null=union is not None))
            elif union.fields[0] is field:
                members.append(self._union(union, descriptor.oneofs.index(union), inside))
        schema = Schema(type=Type.STRUCT, name=name, fields=tuple(field for field, _ in members))
        return schema, MessageReader(members)

    def _union(self, union: OneofDescriptor, index: int, inside: tuple[str, ...]) -> Member:
        members = [self._member(field, inside, absent_is_null=True) for field in union.fields]
        schema = Schema(
            type=Type.STRUCT,
            name=f"{UNION}.{union.name}",
            optional=True,
            fields=tuple(field for field, _ in members),
        )
        reads = tuple((field.name, read) for field, read in members)

        def read_union(message: Any) -> dict[str, Any] | None:
            if message.WhichOneof(union.name) is None:
                return None
            return {key: read(message) for key, read in reads}

        name = f"{union.name}_{index}" if self.choices.index_for_unions else union.name
        return Field(name, schema), read_union

    def _member(self, field: FieldDescriptor, inside: tuple[str, ...], *, absent_is_null: bool) -> Member:
        name = field.name
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            schema, read = self._map(field.message_type, inside)
            return Field(name, schema), lambda message: read(getattr(message, name))
        schema, convert = self._value(field, inside)
        if field.is_repeated:
            array = Schema(type=Type.ARRAY, optional=True, items=replace(schema, optional=False))
            return Field(name, array), lambda message: [convert(item) for item in getattr(message, name)]
        schema = replace(schema, optional=not field.is_required)
        if field.message_type is None and not absent_is_null and not self._null_when_absent(field):
            if convert is _unchanged:
                return Field(name, schema), attrgetter(name)
            return Field(name, schema), lambda message: convert(getattr(message, name))

        def read_present(message: Any) -> Any:
            return convert(getattr(message, name)) if message.HasField(name) else None

        return Field(name, schema), read_present

    def _null_when_absent(self, field: FieldDescriptor) -> bool:
        return self.choices.optional_for_nullables and field.has_presence and not field.is_required

    def _map(self, entry: Descriptor, inside: tuple[str, ...]) -> tuple[Schema, Read]:
        keys, _ = self._value(entry.fields_by_name["key"], inside)
        items, convert = self._value(entry.fields_by_name["value"], inside)
        schema = Schema(type=Type.MAP, optional=True, keys=keys, items=items)
        return schema, lambda value: {key: convert(value[key]) for key in value}

    def _value(self, field: FieldDescriptor, inside: tuple[str, ...]) -> tuple[Schema, Read]:
        if field.enum_type is not None:
            return self._enum(field)
        if field.message_type is None:
            kind = _CONNECT_TYPES.get(self.params_of(field).get("connect.type", ""), _SCALARS[field.type])
            return Schema(type=kind, parameters=_parameters(field)), _unchanged
        name = field.message_type.full_name
        if name == DECIMAL_MESSAGE:
            scale = self.params_of(field).get("scale", "0")
            return Schema(type=Type.BYTES, name=DECIMAL, version=1, parameters=(("scale", scale),)), _decimal
        if name in _LOGICAL:
            return _LOGICAL[name]
        if name in _WRAPPERS and self.choices.wrapper_for_nullables:
            inner = field.message_type.fields_by_name["value"]
            return Schema(type=_SCALARS[inner.type], parameters=_parameters(inner)), _unwrapped
        return self.message(field.message_type, inside)

    def _enum(self, field: FieldDescriptor) -> tuple[Schema, Read]:
        if self.choices.int_for_enums:
            return Schema(type=Type.INT32, name=field.enum_type.full_name), _unchanged
        names = {number: value.name for number, value in field.enum_type.values_by_number.items()}
        schema = Schema(type=Type.STRING, name=field.enum_type.full_name)
        return schema, lambda number: names.get(number, str(number))


class MessageReader:
    """Reads messages of one kind: the fields whose values are right as they are in one go."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._members = tuple((field.name, read) for field, read in members)
        self._plain = tuple(name for name, read in self._members if isinstance(read, attrgetter))
        self._get = attrgetter(*self._plain) if len(self._plain) >= _SEVERAL else None
        direct = self._plain if self._get is not None else ()
        self._others = tuple((name, read) for name, read in self._members if name not in direct)

    def __call__(self, message: Any) -> dict[str, Any]:
        """A struct of one message."""
        value = {} if self._get is None else dict(zip(self._plain, self._get(message), strict=True))
        for name, read in self._others:
            value[name] = read(message)
        return value

    def rows(self, messages: Sequence[Any]) -> list[tuple[Any, ...]]:
        """The fields of each of many messages, in their order; there must be one."""
        columns: dict[str, Sequence[Any]] = {
            name: [read(message) for message in messages] for name, read in self._others
        }
        if self._get is not None:
            columns.update(zip(self._plain, zip(*map(self._get, messages), strict=True), strict=True))
        return list(zip(*(columns[name] for name, _ in self._members), strict=True))


_SEVERAL = 2


def _parameters(field: FieldDescriptor) -> tuple[tuple[str, str], ...]:
    """What the Connect type does not tell: an int64 of these may be twice as large."""
    return ((UNSIGNED, "true"),) if field.type in _UNSIGNED else ()


def _union_of(field: FieldDescriptor) -> OneofDescriptor | None:
    """The oneof a field is part of; the one that the compiler makes up for an `optional` field is none."""
    union = field.containing_oneof
    if union is None or (len(union.fields) == 1 and union.name == f"_{field.name}"):
        return None
    return union


def _unchanged(value: Any) -> Any:
    return value


def _unwrapped(value: Any) -> Any:
    return value.value


def _json_text(value: Any) -> str:
    return encode_exact(MessageToDict(value)).decode()


def _decimal(value: Any) -> Decimal:
    return unscaled_decimal(value.value, value.scale)


def _instant(value: Any) -> Timestamp:
    try:
        return EPOCH + timedelta(0, value.seconds, value.nanos // 1000)
    except OverflowError:
        return timestamp_of(value.seconds * 1_000_000 + value.nanos // 1000)


def _date(value: Any) -> Day:
    return date(value.year, value.month, value.day)


def _time(value: Any) -> TimeOfDay:
    seconds = (value.hours * 60 + value.minutes) * 60 + value.seconds
    return time_of(seconds * 1_000_000 + value.nanos // 1000)


_LOGICAL: dict[str, tuple[Schema, Read]] = {
    TIMESTAMP_MESSAGE: (Schema(type=Type.INT64, name=TIMESTAMP, version=1), _instant),
    DATE_MESSAGE: (Schema(type=Type.INT32, name=DATE, version=1), _date),
    TIME_MESSAGE: (Schema(type=Type.INT32, name=TIME, version=1), _time),
    **{
        f"google.protobuf.{name}": (Schema(type=Type.STRING, name=JSON_TEXT), _json_text)
        for name in _DOCUMENTS
    },
}
