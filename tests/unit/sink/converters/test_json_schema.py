"""JSON Schema's types as Connect's."""

import json
from decimal import Decimal
from typing import Any

import pytest

from sink_connector.converters.registry.json_schema import UNION, compile_json_schema
from sink_connector.converters.registry.wire import RegisteredSchema
from sink_connector.data.record import DECIMAL, TIMESTAMP, Schema, Type
from tests.support.wire_format import framed


def through(schema: Any, value: Any, *references: tuple[str, Any]) -> tuple[Schema, Any]:
    named = tuple((name, json.dumps(each)) for name, each in references)
    decode = compile_json_schema(RegisteredSchema(kind="JSON", text=json.dumps(schema), references=named))
    decoded = decode(framed(1, json.dumps(value).encode()))
    assert decoded.schema is not None
    return decoded.schema, decoded.value


ORDER = {
    "title": "Order", "type": "object", "required": ["id", "state"],
    "properties": {
        "id": {"type": "integer"}, "state": {"type": "string", "enum": ["NEW"]}, "note": {"type": "string"}, "paid": {"type": "number"},
        "open": {"type": "boolean", "default": True}, "lines": {"type": "array", "items": {"$ref": "#/definitions/Line"}},
    },
    "definitions": {"Line": {"type": "object", "properties": {"sku": {"type": "string"}}}},
}  # fmt: skip


def test_an_object_is_a_struct_and_what_is_not_required_is_optional() -> None:
    schema, value = through(
        ORDER, {"id": 1, "state": "NEW", "lines": [{"sku": "a", "more": 1}], "unknown": 1}
    )
    assert schema.name == "Order"
    assert {each.name: (each.schema.type, each.schema.optional) for each in schema.fields} == {
        "id": (Type.INT64, False), "state": (Type.STRING, False), "note": (Type.STRING, True), "paid": (Type.FLOAT64, True),
        "open": (Type.BOOLEAN, True), "lines": (Type.ARRAY, True),
    }  # fmt: skip
    assert value == {
        "id": 1,
        "state": "NEW",
        "note": None,
        "paid": None,
        "open": True,
        "lines": [{"sku": "a"}],
    }


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"type": "integer"}, 5, (Type.INT64, False, 5)), ({"type": "integer", "connect.type": "int8"}, 5, (Type.INT8, False, 5)),
        ({"type": "number"}, 5, (Type.FLOAT64, False, 5.0)), ({"type": ["null", "string"]}, None, (Type.STRING, True, None)),
        ({"oneOf": [{"type": "null"}, {"type": "string"}]}, "x", (Type.STRING, True, "x")), ({"enum": ["a", "b"]}, "a", (Type.STRING, False, "a")),
        ({"type": "string", "connect.type": "bytes"}, "AQI=", (Type.BYTES, False, b"\1\2")),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {"a": 1}, (Type.MAP, False, {"a": 1})),
        ({"type": "number", "title": DECIMAL, "connect.type": "bytes", "connect.parameters": {"scale": "2"}}, 1.25, (Type.BYTES, False, Decimal("1.25"))),
        ({"allOf": [{"type": "integer"}, {"title": "Count"}]}, 5, (Type.INT64, False, 5)),
    ],
)  # fmt: skip
def test_a_type_keeps_its_value(schema: Any, value: Any, expected: tuple[Type, bool, Any]) -> None:
    ours, read = through(schema, value)
    assert (ours.type, ours.optional, read) == expected
    assert type(read) is type(expected[2])


def test_an_instant_of_connects_is_one() -> None:
    schema, value = through(
        {"type": "integer", "title": TIMESTAMP, "connect.type": "int64", "connect.version": 1},
        1_709_210_096_789,
    )
    assert (schema.name, value.isoformat()) == (TIMESTAMP, "2024-02-29T12:34:56.789000+00:00")


def test_several_alternatives_are_a_struct_with_one_field_set() -> None:
    union = {"oneOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]}
    schema, value = through(union, "x")
    assert (schema.name, schema.optional) == (UNION, True)
    assert value == {f"{UNION}.field.0": None, f"{UNION}.field.1": "x"}


def test_fields_stand_in_the_order_connect_wrote_them() -> None:
    properties = {"b": {"type": "string", "connect.index": 1}, "a": {"type": "string", "connect.index": 0}}
    assert [each.name for each in through({"type": "object", "properties": properties}, {})[0].fields] == [
        "a",
        "b",
    ]


def test_a_schema_may_refer_to_another() -> None:
    schema = {"type": "object", "properties": {"line": {"$ref": "line.json#/definitions/Line"}}}
    other = {"definitions": {"Line": {"type": "integer"}}}
    assert through(schema, {"line": 5}, ("line.json", other))[1] == {"line": 5}


def test_a_pointer_is_about_the_document_it_stands_in() -> None:
    other = {
        "type": "object",
        "properties": {"n": {"$ref": "#/definitions/Count"}},
        "definitions": {"Count": {"type": "integer"}},
    }
    schema = {
        "type": "object",
        "properties": {"line": {"$ref": "line.json"}, "note": {"$ref": "#/definitions/Count"}},
        "definitions": {"Count": {"type": "string"}},
    }
    assert through(schema, {"line": {"n": 5}, "note": "x"}, ("line.json", other))[1] == {
        "line": {"n": 5},
        "note": "x",
    }


A: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
B: dict[str, Any] = {"properties": {"b": {"type": "string"}}}


@pytest.mark.parametrize(
    ("schema", "optional"),
    [
        ({"allOf": [A, B]}, {"a": False, "b": True}),
        ({"allOf": [{"$ref": "#/definitions/A"}, B], "definitions": {"A": A}}, {"a": False, "b": True}),
        ({**A, "allOf": [B, {"required": ["b"]}]}, {"a": False, "b": False}),
        ({"type": "object", "properties": {**A["properties"], **B["properties"]}, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]}, {"a": True, "b": True}),
        ({**A, "anyOf": [B, {"properties": {"a": {"const": 1}}}]}, {"a": False, "b": True}),
        ({"properties": {"a": {"const": 1}, "b": {"enum": ["x", "y"]}}}, {"a": True, "b": True}),
    ],
)  # fmt: skip
def test_no_property_of_what_an_object_is_put_together_of_is_lost(
    schema: Any, optional: dict[str, bool]
) -> None:
    ours, value = through(schema, {"a": 1, "b": "x"})
    assert {each.name: each.schema.optional for each in ours.fields} == optional
    assert value == {"a": 1, "b": "x"}


def test_of_alternatives_that_are_objects_the_one_with_the_objects_own_fields_is_taken() -> None:
    union = {"oneOf": [{"type": "object", "properties": {"a": {"type": "string"}}}, {"type": "object", "properties": {"b": {"type": "string"}}}]}  # fmt: skip
    assert through(union, {"b": "x"})[1] == {f"{UNION}.field.0": None, f"{UNION}.field.1": {"b": "x"}}


@pytest.mark.parametrize(
    "schema",
    [
        {"allOf": [{"$ref": "#"}]},
        {"allOf": [{"$ref": "#"}, {"title": "x"}]},
        {"type": "array", "items": {"$ref": "#"}},
        {"oneOf": [{"type": "null"}, {"$ref": "#"}]},
        {"type": "object", "additionalProperties": {"$ref": "#"}},
        {"type": "object", "allOf": [{"$ref": "#"}]},
        {"type": "object", "properties": {"child": {"$ref": "#"}}},
    ],
)
def test_a_schema_that_contains_itself_is_told_so(schema: Any) -> None:
    with pytest.raises(ValueError, match="itself"):
        through(schema, {})


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer"}, "5"), ({"type": "integer"}, True), ({"type": "string"}, None), ({"type": "object", "properties": {}}, []),
        ({"oneOf": [{"type": "integer"}, {"type": "string"}]}, []), ({"type": "integer"}, 1.5),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_a_value_error(schema: Any, value: Any) -> None:
    with pytest.raises(ValueError, match=r"where|fits no alternative"):
        through(schema, value)


@pytest.mark.parametrize("schema", [[], {"$ref": "#"}, {"$ref": "#/nowhere"}, {"type": "null"}, "text"])
def test_a_schema_that_cannot_be_used_is_a_value_error(schema: Any) -> None:
    with pytest.raises(ValueError, match=r"object|itself|nothing is at|no counterpart"):
        through(schema, 1)
