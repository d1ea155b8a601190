"""The ends of every range through Avro and Protobuf: each value as it was sent, on every path, or one bad record."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from tests.conftest import MakeTopic
from tests.support.sink import Message, drain, execute, rows
from tests.support.wire_format import AVRO, PROTOBUF, Subjects, avro_payload, converter, framed

DIGITS = 12345678901234567890123456789012345678
SIXTEEN = DIGITS.to_bytes(16, "big", signed=True)
MONTH_2_DAYS_3004_MS = bytes([1, 0, 0, 0, 2, 0, 0, 0, 0xBC, 0x0B, 0, 0])
UNRELATED = {
    "transforms": "t",
    "transforms__t__type": "org.apache.kafka.connect.transforms.InsertHeader",
    "transforms__t__header": "seen",
    "transforms__t__value__literal": "yes",
}
Way = tuple[int, dict[str, str]]  # how many of one kind there are, and the connector's transforms
WAYS = pytest.mark.parametrize(
    "way",
    [(1, {}), (100, {}), (1, UNRELATED), (100, UNRELATED)],
    ids=["alone", "many", "alone, with a transform", "many, with a transform"],
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A value of a type as a producer writes it, and the text that PostgreSQL shows of it in a column."""

    type: Any
    value: Any
    column: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An empty database and topic."""

    bootstrap: str
    database: str
    topic: str

    async def drain(self, values: Sequence[bytes], **keys: str) -> None:
        """Have the values written into the table `t`, bad ones tolerated."""
        keys |= {"table__name__format": "t", "auto__create": "true", "errors__tolerance": "all"}
        messages = [Message(value=value) for value in values]
        await drain(self.bootstrap, self.database, self.topic, messages, **keys)


@pytest.fixture
async def prepared(kafka_bootstrap: str, database: str, make_topic: MakeTopic) -> Prepared:
    return Prepared(bootstrap=kafka_bootstrap, database=database, topic=await make_topic())


def logical(kind: str, name: str, **attributes: Any) -> dict[str, Any]:
    return {"type": kind, "logicalType": name, **attributes}


def sent(type_: Any, value: Any, column: str, text: str) -> Value:
    return Value(type=type_, value=value, column=column, text=text)


MILLIS, MICROS = logical("long", "timestamp-millis"), logical("long", "timestamp-micros")
NANOS, DAY = logical("long", "timestamp-nanos"), logical("int", "date")
AVRO_VALUES = [
    sent("int", -(2**31), "integer", "-2147483648"),
    sent("long", -(2**63), "bigint", "-9223372036854775808"),
    sent("long", 2**63 - 1, "numeric", "9223372036854775807"),
    sent("float", 0.1, "real", "0.1"),
    sent("float", 0.1, "numeric", "0.1"),
    sent("double", 0.30000000000000004, "double precision", "0.30000000000000004"),
    sent("double", float("nan"), "double precision", "NaN"),
    sent("float", float("-inf"), "real", "-Infinity"),
    sent("double", -1.7976931348623157e308, "double precision", "-1.7976931348623157e+308"),
    sent(logical("bytes", "decimal", precision=38, scale=10), SIXTEEN, "numeric(38,10)",
         "1234567890123456789012345678.9012345678"),
    sent(logical("bytes", "decimal", precision=38, scale=38), SIXTEEN, "numeric", f"0.{DIGITS}"),
    sent({"type": "fixed", "name": "F16", "size": 16, "logicalType": "decimal", "precision": 38}, SIXTEEN, "numeric", str(DIGITS)),
    sent({"type": "fixed", "name": "Lasting", "size": 12, "logicalType": "duration"}, MONTH_2_DAYS_3004_MS, "interval", "1 mon 2 days 00:00:03.004"),
    sent({"type": "fixed", "name": "Lasted", "size": 12, "logicalType": "duration"}, MONTH_2_DAYS_3004_MS, "bytea", f"\\x{MONTH_2_DAYS_3004_MS.hex()}"),
    sent(logical("bytes", "decimal", precision=4, scale=2), b"\xff", "numeric", "-0.01"),
    sent(DAY, -719_893, "date", "0002-01-01 BC"),
    sent(DAY, 2_932_897, "date", "10000-01-01"),
    sent(MILLIS, -62_198_755_200_000, "timestamptz", "0002-01-01 00:00:00+00 BC"),
    sent(MICROS, -62_198_755_200_000_000, "timestamp", "0002-01-01 00:00:00 BC"),
    sent(MICROS, -1, "timestamptz", "1969-12-31 23:59:59.999999+00"),
    sent(MICROS, 253_402_300_799_999_999, "timestamptz", "9999-12-31 23:59:59.999999+00"),
    sent(MICROS, 253_402_300_800_000_000, "timestamptz", "10000-01-01 00:00:00+00"),
    sent(MICROS, 2**63 - 1, "timestamptz", "294247-01-10 04:00:54.775807+00"),
    sent(NANOS, 1_700_000_000_123_456_789, "timestamptz", "2023-11-14 22:13:20.123456+00"),
    sent(NANOS, -(2**63), "timestamptz", "1677-09-21 00:12:43.145224+00"),
    sent(logical("long", "local-timestamp-micros"), -1, "timestamp", "1969-12-31 23:59:59.999999"),
    sent(logical("int", "time-millis"), 86_399_999, "time", "23:59:59.999"),
    sent(logical("long", "time-micros"), 86_400_000_000, "time", "24:00:00"),
    sent({"type": "record", "name": "Moment", "fields": [{"name": "at", "type": MICROS}, {"name": "of", "type": logical("long", "time-micros")}]},
         {"at": -1, "of": 1_500}, "jsonb", '{"at": -0.001, "of": 1.500}'),
    sent({"type": "record", "name": "Composite", "fields": [
             {"name": "at", "type": MICROS}, {"name": "of", "type": logical("long", "time-micros")}, {"name": "day", "type": DAY},
             {"name": "n", "type": logical("bytes", "decimal", precision=38, scale=10)}, {"name": "b", "type": "bytes"},
             {"name": "f", "type": "float"}, {"name": "l", "type": {"type": "array", "items": "double"}},
             {"name": "d", "type": {"type": "fixed", "name": "Within", "size": 12, "logicalType": "duration"}}]},
         {"at": 2**63 - 1, "of": 86_400_000_000, "day": -719_893, "n": SIXTEEN, "b": b"\x00\xff", "f": 0.1,
          "l": [float("nan"), 5e-324], "d": MONTH_2_DAYS_3004_MS}, "whole",
         '("294247-01-10 04:00:54.775807+00",24:00:00,"0002-01-01 BC",1234567890123456789012345678.9012345678,"\\\\x00ff",0.1,"{NaN,5e-324}","1 mon 2 days 00:00:03.004")'),
    sent({"type": "map", "values": MICROS}, {"k": 1_700_000_000_123_456}, "json", '{"k": 1700000000123.456}'),
    sent("bytes", b"", "bytea", "\\x"),
    sent("string", "größe \U0001f986", "text", "größe \U0001f986"),
    sent(["null", "long"], -(2**63), "bigint", "-9223372036854775808"),
    sent({"type": "array", "items": logical("bytes", "decimal", precision=38, scale=10)}, [SIXTEEN], "numeric[]",
         "{1234567890123456789012345678.9012345678}"),
    sent({"type": "array", "items": "long"}, [-(2**63), 2**63 - 1], "bigint[]", "{-9223372036854775808,9223372036854775807}"),
]  # fmt: skip


def columns(values: Sequence[Value]) -> str:
    return ", ".join(f"f{place} {each.column}" for place, each in enumerate(values))


async def arrived(database: str, values: Sequence[Value], count: int) -> dict[str, str]:
    """The columns as texts, which must be the same in every row."""
    texts = ", ".join(f"f{place}::text" for place in range(len(values)))
    found = await rows(database, f"SELECT {texts} FROM t")  # noqa: S608 - our own names
    assert len(found) == count
    assert len(set(found)) == 1
    return {f"{values[place].type} {place}": text for place, text in enumerate(found[0])}


def expected(values: Sequence[Value]) -> dict[str, str]:
    return {f"{each.type} {place}": each.text for place, each in enumerate(values)}


@WAYS
async def test_avro_values_arrive_as_they_were_sent(prepared: Prepared, subjects: Subjects, way: Way) -> None:
    count, transform = way
    await execute(
        prepared.database,
        "CREATE TYPE whole AS (at timestamptz, of time, day date, n numeric(38,10), b bytea, f real, l float8[], d interval)",
        f"CREATE TABLE t ({columns(AVRO_VALUES)})",
    )
    fields = [{"name": f"f{place}", "type": each.type} for place, each in enumerate(AVRO_VALUES)]
    schema = {"type": "record", "name": "Ends", "fields": fields}
    payload = avro_payload(schema, {f"f{place}": each.value for place, each in enumerate(AVRO_VALUES)})
    value = framed(subjects.register("ends", schema), payload)
    await prepared.drain([value] * count, **converter(AVRO, subjects.url), **transform)
    assert await arrived(prepared.database, AVRO_VALUES, count) == expected(AVRO_VALUES)


KINDS = descriptor_pb2.FieldDescriptorProto
OF_PACKAGES = {
    "google.protobuf.Timestamp": "google/protobuf/timestamp.proto",
    "google.type.Date": "google/type/date.proto",
    "google.type.TimeOfDay": "google/type/timeofday.proto",
    "confluent.type.Decimal": "confluent/type/decimal.proto",
}
# The messages of those packages as they are on the wire: fields by their numbers.
MESSAGES: dict[str, tuple[int, ...]] = {
    "google.protobuf.Timestamp": (KINDS.TYPE_INT64, KINDS.TYPE_INT32),
    "google.type.Date": (KINDS.TYPE_INT32,) * 3,
    "google.type.TimeOfDay": (KINDS.TYPE_INT32,) * 4,
    "confluent.type.Decimal": (KINDS.TYPE_BYTES, KINDS.TYPE_UINT32, KINDS.TYPE_INT32),
}
PROTOBUF_VALUES = [
    sent("int32", -(2**31), "integer", "-2147483648"),
    sent("sint32", 2**31 - 1, "integer", "2147483647"),
    sent("sfixed32", -1, "integer", "-1"),
    sent("uint32", 2**32 - 1, "bigint", "4294967295"),
    sent("fixed32", 2**32 - 1, "numeric", "4294967295"),
    sent("int64", -(2**63), "bigint", "-9223372036854775808"),
    sent("sint64", 2**63 - 1, "bigint", "9223372036854775807"),
    sent("uint64", 2**63 - 1, "bigint", "9223372036854775807"),
    sent("uint64", 2**64 - 1, "numeric", "18446744073709551615"),
    sent("fixed64", 2**64 - 1, "numeric(20,0)", "18446744073709551615"),
    sent("uint64", 2**64 - 1, "text", "18446744073709551615"),
    sent("float", 0.1, "real", "0.1"),
    sent("double", 0.30000000000000004, "numeric", "0.30000000000000004"),
    sent("bytes", b"\0\xff", "bytea", "\\x00ff"),
    sent("string", "größe \U0001f986", "text", "größe \U0001f986"),
    sent("google.protobuf.Timestamp", (-62_135_596_800, 0), "timestamptz", "0001-01-01 00:00:00+00"),
    sent("google.protobuf.Timestamp", (-62_198_755_200, 1_000), "timestamp", "0002-01-01 00:00:00.000001 BC"),
    sent("google.protobuf.Timestamp", (253_402_300_799, 999_999_999), "timestamptz", "9999-12-31 23:59:59.999999+00"),
    sent("google.protobuf.Timestamp", (253_402_300_800, 0), "timestamptz", "10000-01-01 00:00:00+00"),
    sent("google.type.Date", (1, 1, 1), "date", "0001-01-01"),
    sent("google.type.TimeOfDay", (24, 0, 0, 0), "time", "24:00:00"),
    sent("google.type.TimeOfDay", (23, 59, 59, 999_999_999), "time", "23:59:59.999999"),
    sent("confluent.type.Decimal", (SIXTEEN, 38, 10), "numeric", "1234567890123456789012345678.9012345678"),
]  # fmt: skip


def proto_text(types: Sequence[str]) -> str:
    """The schema as its author writes it."""
    imports = {OF_PACKAGES[each] for each in types if each in OF_PACKAGES}
    fields = " ".join(f"{each} f{place} = {place + 1};" for place, each in enumerate(types))
    return (
        'syntax = "proto3"; '
        + "".join(f'import "{each}"; ' for each in sorted(imports))
        + f"message Ends {{ {fields} }}"
    )


def message_class(types: Sequence[str]) -> Callable[[], Any]:
    """The same by descriptors made by hand, not by the converter's: field numbers and types are what the wire knows."""
    file = descriptor_pb2.FileDescriptorProto(name="test/ends.proto", package="test", syntax="proto3")
    for name in sorted({each for each in types if each in MESSAGES}):
        message = file.message_type.add(name=name.replace(".", "_"))
        for number, kind in enumerate(MESSAGES[name], 1):
            message.field.add(name=f"f{number}", number=number, type=kind)
    ends = file.message_type.add(name="Ends")
    for place, each in enumerate(types):
        if each in MESSAGES:
            ends.field.add(name=f"f{place}", number=place + 1, type=KINDS.TYPE_MESSAGE, type_name=f".test.{each.replace('.', '_')}")  # fmt: skip
        else:
            ends.field.add(name=f"f{place}", number=place + 1, type=getattr(KINDS, f"TYPE_{each.upper()}"))
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    made: Callable[[], Any] = message_factory.GetMessageClass(pool.FindMessageTypeByName("test.Ends"))
    return made


def proto_payload(types: Sequence[str], values: Sequence[Any]) -> bytes:
    message = message_class(types)()
    for place, value in enumerate(values):
        if isinstance(value, tuple):
            for number, part in enumerate(value, 1):
                setattr(getattr(message, f"f{place}"), f"f{number}", part)
        else:
            setattr(message, f"f{place}", value)
    payload: bytes = message.SerializeToString()
    return b"\0" + payload


@WAYS
async def test_protobuf_values_arrive_as_they_were_sent(
    prepared: Prepared, subjects: Subjects, way: Way
) -> None:
    count, transform = way
    await execute(prepared.database, f"CREATE TABLE t ({columns(PROTOBUF_VALUES)})")
    types = [each.type for each in PROTOBUF_VALUES]
    schema_id = subjects.register("ends", proto_text(types), "PROTOBUF")
    value = framed(schema_id, proto_payload(types, [each.value for each in PROTOBUF_VALUES]))
    await prepared.drain([value] * count, **converter(PROTOBUF, subjects.url), **transform)
    assert await arrived(prepared.database, PROTOBUF_VALUES, count) == expected(PROTOBUF_VALUES)


@pytest.mark.parametrize(
    ("statements", "transform"),
    [
        ([], {}),
        ([], UNRELATED),
        (["CREATE TABLE t (f0 bigint)"], {}),
        (["CREATE TABLE t (f0 bigint)"], UNRELATED),
    ],
    ids=["made", "made, with a transform", "there", "there, with a transform"],
)
async def test_a_number_beyond_bigint_is_one_bad_record(
    prepared: Prepared, subjects: Subjects, statements: list[str], transform: dict[str, str]
) -> None:
    await execute(prepared.database, *statements)
    schema_id = subjects.register("unsigned", proto_text(["uint64"]), "PROTOBUF")
    values = [framed(schema_id, proto_payload(["uint64"], [number])) for number in (1, 2**63, 3)]
    await prepared.drain(values, **converter(PROTOBUF, subjects.url), **transform)
    assert await rows(prepared.database, "SELECT f0 FROM t ORDER BY f0") == [(1,), (3,)]
    assert await rows(prepared.database, 'SELECT "offset" FROM sink.dead_letters') == [(1,)]


@pytest.mark.parametrize("transform", [{}, UNRELATED], ids=["", "with a transform"])
@pytest.mark.parametrize(
    ("type_", "bad"),
    [
        (MICROS, -(2**63)),
        (MILLIS, 2**63 - 1),
        (DAY, 2**31 - 1),
        (logical("int", "time-millis"), 86_400_001),
        (logical("long", "time-micros"), -1),
    ],
    ids=["microseconds", "milliseconds", "a day", "a time of day", "a time before midnight"],
)
async def test_what_no_column_holds_is_one_bad_record(
    prepared: Prepared, subjects: Subjects, transform: dict[str, str], type_: Any, bad: int
) -> None:
    fields = [{"name": "id", "type": "int"}, {"name": "x", "type": type_}]
    schema = {"type": "record", "name": "One", "fields": fields}
    schema_id = subjects.register("one", schema)
    values = [
        framed(schema_id, avro_payload(schema, {"id": n, "x": value})) for n, value in enumerate((0, bad, 0))
    ]
    await prepared.drain(values, **converter(AVRO, subjects.url), **transform)
    assert await rows(prepared.database, "SELECT id FROM t ORDER BY id") == [(0,), (2,)]
    assert await rows(prepared.database, 'SELECT "offset" FROM sink.dead_letters') == [(1,)]
