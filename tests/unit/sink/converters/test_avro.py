"""Avro's types as Connect's."""

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from sink_connector.converters import Decoded
from sink_connector.converters.registry.avro import compile_avro, compiler
from sink_connector.converters.registry.wire import RegisteredSchema
from sink_connector.data.record import DATE, DECIMAL, TIME, TIMESTAMP, Schema, Type
from tests.support.wire_format import avro_payload, framed

AT = datetime(2026, 11, 22, 12, 34, 56, 789012, tzinfo=UTC)
MILLIS = AT.replace(microsecond=789000)
INNER = {
    "type": "record",
    "name": "Line",
    "fields": [{"name": "sku", "type": "string"}, {"name": "n", "type": "int"}],
}


def registered(schema: Any, *references: tuple[str, Any]) -> RegisteredSchema:
    named = tuple((name, json.dumps(each)) for name, each in references)
    return RegisteredSchema(kind="AVRO", text=json.dumps(schema), references=named)


def through(type_: Any, value: Any, **field: Any) -> tuple[Schema, Any]:
    """A value as the field of a record, encoded and read back."""
    schema = {"type": "record", "name": "shop.Order", "fields": [{"name": "f", "type": type_, **field}]}
    decoded = compile_avro(registered(schema))(framed(1, avro_payload(schema, {"f": value})))
    assert decoded.schema is not None
    read = decoded.schema.field("f")
    assert read is not None
    return read.schema, decoded.value["f"]


def logical(type_: str, name: str, **attributes: Any) -> dict[str, Any]:
    return {"type": type_, "logicalType": name, **attributes}


@pytest.mark.parametrize(
    ("type_", "value", "kind", "name"),
    [
        ("boolean", True, Type.BOOLEAN, None), ("int", -5, Type.INT32, None), ("long", 2**40, Type.INT64, None),
        ("float", 1.5, Type.FLOAT32, None), ("double", 0.1, Type.FLOAT64, None), ("string", "grün", Type.STRING, None),
        ("bytes", b"\x00\xff", Type.BYTES, None),
        ({"type": "enum", "name": "shop.State", "symbols": ["NEW", "OLD"]}, "OLD", Type.STRING, "shop.State"),
        ({"type": "fixed", "name": "shop.Hash", "size": 4}, b"abcd", Type.BYTES, "shop.Hash"),
        (logical("bytes", "decimal", precision=9, scale=2), Decimal("-12.34"), Type.BYTES, DECIMAL),
        ({"type": "fixed", "name": "M", "size": 8, "logicalType": "decimal", "precision": 9, "scale": 2}, Decimal("12.34"), Type.BYTES, DECIMAL),
        (logical("int", "date"), date(2026, 11, 22), Type.INT32, DATE),
        (logical("int", "time-millis"), time(1, 2, 3, 4000), Type.INT32, TIME),
        (logical("long", "time-micros"), time(1, 2, 3, 4), Type.INT64, TIME),
        (logical("long", "timestamp-millis"), MILLIS, Type.INT64, TIMESTAMP), (logical("long", "timestamp-micros"), AT, Type.INT64, TIMESTAMP),
        ({"type": "array", "items": "long"}, [1, 2], Type.ARRAY, None), ({"type": "map", "values": "int"}, {"a": 1}, Type.MAP, None),
        ({"type": "int", "connect.type": "int16"}, 7, Type.INT16, None),
        ({"type": "string", "avro.java.string": "String"}, "x", Type.STRING, None),
        ({"type": "long", "connect.name": "io.debezium.time.MicroTimestamp", "connect.version": 1}, 5, Type.INT64, "io.debezium.time.MicroTimestamp"),
    ],
)  # fmt: skip
def test_a_type_keeps_its_value_and_its_name(type_: Any, value: Any, kind: Type, name: str | None) -> None:
    schema, read = through(type_, value)
    assert (schema.type, schema.name, schema.optional) == (kind, name, False)
    assert (read, type(read)) == (value, type(value))


def test_a_uuid_is_its_text() -> None:
    value = UUID("12345678-1234-5678-1234-567812345678")
    assert through(logical("string", "uuid"), value) == (Schema(type=Type.STRING), str(value))


def test_a_local_timestamp_is_taken_for_utc() -> None:
    schema, read = through(logical("long", "local-timestamp-micros"), AT.replace(tzinfo=None))
    assert (schema.name, read) == (TIMESTAMP, AT)


@pytest.mark.parametrize("value", ["x", None])
def test_a_union_with_null_is_optional(value: str | None) -> None:
    assert through(["null", "string"], value) == (Schema(type=Type.STRING, optional=True), value)


def test_a_default_is_the_schemas() -> None:
    schema, _ = through("string", "x", default="unknown")
    assert (schema.has_default, schema.default) == (True, "unknown")
    schema, _ = through(["null", "string"], None, default=None)
    assert not schema.has_default


def test_a_default_of_bytes_and_decimals_is_read_from_its_text() -> None:
    assert through("bytes", b"", default="\u00ff\u0001")[0].default == b"\xff\x01"
    assert through(logical("bytes", "decimal", precision=4, scale=2), Decimal(1), default="\u00ff")[
        0
    ].default == Decimal("-0.01")


def test_records_and_lists_of_records_are_structs() -> None:
    schema, read = through({"type": "array", "items": INNER}, [{"sku": "a", "n": 1}])
    assert schema.items is not None
    assert [each.name for each in schema.items.fields] == ["sku", "n"]
    assert read == [{"sku": "a", "n": 1}]


def test_a_uuid_deep_inside_is_its_text() -> None:
    value = UUID("12345678-1234-5678-1234-567812345678")
    inner = {
        "type": "record",
        "name": "I",
        "fields": [{"name": "id", "type": ["null", logical("string", "uuid")]}],
    }
    assert through({"type": "array", "items": inner}, [{"id": value}, {"id": None}])[1] == [
        {"id": str(value)},
        {"id": None},
    ]
    assert through({"type": "map", "values": inner}, {"k": {"id": value}})[1] == {"k": {"id": str(value)}}


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ("text", "string"), (5, "int"), (2**40, "long"), (True, "boolean"), (1.5, "double"), (b"\0", "bytes"),
        (("shop.Line", {"sku": "a", "n": 1}), "Line"), (("shop.Hash", b"abcd"), "Hash"), ([1], "array"),
    ],
)  # fmt: skip
def test_a_union_of_several_types_is_a_struct_with_one_field_set(value: Any, field: str) -> None:
    union = [
        "null", "string", "int", "long", "boolean", "double", "bytes", {**INNER, "name": "shop.Line"}, {"type": "fixed", "name": "shop.Hash", "size": 4},
        {"type": "array", "items": "int"},
    ]  # fmt: skip
    schema, read = through(union, value)
    assert (schema.type, schema.optional) == (Type.STRUCT, True)
    assert all(each.schema.optional for each in schema.fields)
    assert {key: found for key, found in read.items() if found is not None} == {
        field: value[1] if isinstance(value, tuple) else value
    }
    assert through(union, None)[1] is None


def test_a_record_named_twice_is_the_same_struct_twice() -> None:
    schema = {
        "type": "record",
        "name": "P",
        "fields": [{"name": "a", "type": INNER}, {"name": "b", "type": "Line"}],
    }
    value = {"a": {"sku": "x", "n": 1}, "b": {"sku": "y", "n": 2}}
    decoded = compile_avro(registered(schema))(framed(1, avro_payload(schema, value)))
    assert decoded.value == value


def test_a_schema_may_refer_to_another() -> None:
    order = {"type": "record", "name": "Order", "fields": [{"name": "line", "type": "Line"}]}
    whole = {**order, "fields": [{"name": "line", "type": INNER}]}
    value = {"line": {"sku": "a", "n": 1}}
    decode = compile_avro(registered(order, ("Line", INNER)))
    assert decode(framed(1, avro_payload(whole, value))).value == value


def test_a_value_may_be_no_record() -> None:
    decoded = compile_avro(registered("long"))(framed(1, avro_payload("long", 5)))
    assert decoded == Decoded(Schema(type=Type.INT64), 5)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "record", "name": "Tree", "fields": [{"name": "child", "type": ["null", "Tree"]}]}, {"type": "nothing"}, "Unknown",
    ],
)  # fmt: skip
def test_a_schema_that_cannot_be_used_is_a_value_error(schema: Any) -> None:
    with pytest.raises(ValueError, match=r"contains itself|not an Avro schema"):
        compile_avro(registered(schema))


def test_a_decimal_of_more_digits_than_its_precision_keeps_them() -> None:
    schema = {"type": "record", "name": "R", "fields": [{"name": "id", "type": "string"}, {"name": "d", "type": logical("bytes", "decimal", precision=5, scale=2)}]}  # fmt: skip
    decoded = compile_avro(registered(schema))(bytes.fromhex("0000000064026108075bcd15"))
    assert decoded.value == {"id": "a", "d": Decimal("1234567.89")}


def test_a_uuid_keeps_its_letters() -> None:
    text = "HD910697-9EE4-4A9F-87CB-73CEA87A1B03"
    schema = {"type": "record", "name": "R", "fields": [{"name": "u", "type": logical("string", "uuid")}]}
    plain = {"type": "record", "name": "R", "fields": [{"name": "u", "type": "string"}]}
    decoded = compile_avro(registered(schema))(framed(1, avro_payload(plain, {"u": text})))
    assert decoded.value == {"u": text}


@pytest.mark.parametrize(
    ("type_", "number", "expected"),
    [
        (logical("int", "time-millis"), 86_400_000, timedelta(days=1)), (logical("long", "time-micros"), 86_400_000_000, timedelta(days=1)),
        (logical("long", "timestamp-millis"), 253402300800000, timedelta(milliseconds=253402300800000)), (logical("int", "date"), 2932897, timedelta(days=2932897)),
        (logical("long", "timestamp-nanos"), 1_000_000, datetime(1970, 1, 1, microsecond=1000, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_an_instant_that_pythons_types_cannot_hold_is_kept(type_: Any, number: int, expected: Any) -> None:
    schema = {"type": "record", "name": "R", "fields": [{"name": "f", "type": type_}]}
    plain = {"type": "record", "name": "R", "fields": [{"name": "f", "type": type_["type"]}]}
    assert compile_avro(registered(schema))(framed(1, avro_payload(plain, {"f": number}))).value == {
        "f": expected
    }


def test_the_branch_of_a_union_is_the_one_that_was_written() -> None:
    union = ["null", logical("int", "date"), logical("long", "timestamp-micros"), "string", logical("bytes", "decimal", precision=4, scale=1)]  # fmt: skip
    plain = ["null", "int", "long", "string", "bytes"]
    schema, written = ({"type": "record", "name": "R", "fields": [{"name": "f", "type": each}]} for each in (union, plain))  # fmt: skip
    decode = compile_avro(registered(schema))
    encoded = bytes([0x04, 0x0A])  # the branch of index 2, the number 5
    decoded = decode(framed(1, encoded)).value["f"]
    assert {name: each for name, each in decoded.items() if each is not None} == {"long": AT.fromtimestamp(0, UTC) + timedelta(microseconds=5)}  # fmt: skip
    decimal = decode(framed(1, avro_payload(written, {"f": b"\x0f"}))).value["f"]
    assert decimal["bytes"] == Decimal("1.5")


def test_a_null_takes_the_default_of_its_field() -> None:
    schema = {
        "type": "record",
        "name": "R",
        "fields": [{"name": "w", "type": ["string", "null"], "default": "d"}],
    }
    assert compile_avro(registered(schema))(framed(1, avro_payload(schema, {"w": None}))).value == {"w": "d"}


def test_a_schema_of_any_depth_is_refused_or_read() -> None:
    deep: Any = "string"
    for _ in range(2000):
        deep = {"type": "array", "items": deep}
    with pytest.raises((ValueError, RecursionError)):
        compile_avro(registered({"type": "record", "name": "R", "fields": [{"name": "f", "type": deep}]}))


def test_a_schema_may_have_several_unions_of_several_types() -> None:
    fields = [{"name": name, "type": ["null", "int", "string"]} for name in ("a", "b")]
    inner = {"type": "record", "name": "In", "fields": [{"name": "c", "type": ["long", "boolean"]}]}
    schema = {
        "type": "record",
        "name": "R",
        "namespace": "shop",
        "fields": [
            *fields,
            {"name": "d", "type": ["null", inner, {"type": "array", "items": ["int", "string"]}]},
        ],
    }
    value = {"a": 1, "b": "x", "d": [2, "y"]}
    decoded = compile_avro(registered(schema))(framed(1, avro_payload(schema, value)))
    assert decoded.value == {
        "a": {"int": 1, "string": None},
        "b": {"int": None, "string": "x"},
        "d": {"In": None, "array": [{"int": 2, "string": None}, {"int": None, "string": "y"}]},
    }
    other = {"type": "record", "name": "S", "fields": [{"name": "e", "type": ["int", "string"]}]}
    refers = {
        "type": "record",
        "name": "T",
        "fields": [{"name": "r", "type": "shop.In"}, {"name": "s", "type": "S"}],
    }
    whole = {
        **refers,
        "fields": [{"name": "r", "type": {**inner, "namespace": "shop"}}, {"name": "s", "type": other}],
    }
    decode = compile_avro(registered(refers, ("In", {**inner, "namespace": "shop"}), ("S", other)))
    assert decode(framed(1, avro_payload(whole, {"r": {"c": True}, "s": {"e": 5}}))).value == {
        "r": {"c": {"long": None, "boolean": True}},
        "s": {"e": {"int": 5, "string": None}},
    }


@pytest.mark.parametrize(
    "name", [{"name": "MapEntry", "namespace": "io.confluent.connect.avro"}, {"name": "Mine", "connect.internal.type": "MapEntry"}]
)  # fmt: skip
def test_a_map_whose_keys_are_no_texts_is_a_map_again(name: dict[str, str]) -> None:
    entry = {"type": "record", **name, "fields": [{"name": "key", "type": "int"}, {"name": "value", "type": ["null", "string"], "default": None}]}  # fmt: skip
    schema, read = through(
        {"type": "array", "items": entry}, [{"key": 1, "value": "a"}, {"key": 2, "value": None}]
    )
    assert (schema.type, schema.keys, schema.items) == (Type.MAP, Schema(type=Type.INT32), Schema(type=Type.STRING, optional=True))  # fmt: skip
    assert read == {1: "a", 2: None}


@pytest.mark.parametrize(("enhanced", "field"), [("false", "Line"), (" True ", "shop.Line")])
def test_a_unions_field_has_its_types_whole_name_where_that_is_asked_for(enhanced: str, field: str) -> None:
    schema = {
        "type": "record",
        "name": "R",
        "fields": [{"name": "f", "type": ["string", {**INNER, "name": "shop.Line"}]}],
    }
    compile_schema = compiler({"enhanced.avro.schema.support": enhanced})
    value = {"sku": "a", "n": 1}
    decoded = compile_schema(registered(schema))(framed(1, avro_payload(schema, {"f": ("shop.Line", value)})))
    assert decoded.value == {"f": {"string": None, field: value}}
    with pytest.raises(ValueError, match=r"enhanced\.avro\.schema\.support"):
        compiler({"enhanced.avro.schema.support": "maybe"})
