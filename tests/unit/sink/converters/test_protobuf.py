"""Protobuf's types as Connect's, by schemas that protoc compiles."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

from sink_connector.converters import Decoded
from sink_connector.converters.registry.protobuf import _compiled, compiler
from sink_connector.converters.registry.protobuf_messages import UNION
from sink_connector.converters.registry.wire import RegisteredSchema
from sink_connector.data.record import DATE, DECIMAL, TIME, TIMESTAMP, Schema, Type
from sink_connector.data.semantic_types import JSON_TEXT
from tests.support.wire_format import framed

ORDER = """
syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
enum State { NEW = 0; OLD = 1; }
message Order {
  string id = 1;
  int32 small = 2;
  uint64 large = 3;
  bool open = 4;
  double price = 5;
  bytes raw = 6;
  State state = 7;
  repeated string tags = 8;
  map<string, int32> stock = 9;
  google.protobuf.Timestamp at = 10;
  optional string note = 11;
  Line line = 12;
  repeated Line lines = 13;
  oneof paid { string card = 14; int32 cash = 15; }
  google.protobuf.StringValue maybe = 16;
  message Line { string sku = 1; }
}
message Other { int32 n = 1; }
"""


def decoded(
    given: dict[str, Any], *, text: str = ORDER, message: str = "shop.Order", index: bytes = b"\0", references: tuple[tuple[str, str], ...] = (),
    **options: str,
) -> Decoded:  # fmt: skip
    """A message, given as JSON, encoded by protobuf's own classes and read by the converter."""
    registered = RegisteredSchema(kind="PROTOBUF", text=text, references=references)
    pool = descriptor_pool.DescriptorPool()
    files: descriptor_pb2.FileDescriptorSet = _compiled(registered)
    for file in files.file:
        pool.AddSerializedFile(file.SerializeToString())
    instance = message_factory.GetMessageClass(pool.FindMessageTypeByName(message))()
    json_format.ParseDict(given, instance, descriptor_pool=pool)
    decode = compiler({name.replace("_", "."): value for name, value in options.items()})(registered)
    return decode(framed(1, index + instance.SerializeToString()))


def field(found: Decoded, name: str) -> Schema:
    assert found.schema is not None
    each = found.schema.field(name)
    assert each is not None
    return each.schema


FULL = {
    "id": "o-1", "small": -5, "large": "9007199254740993", "open": True, "price": 0.1, "raw": "AQI=", "state": "OLD", "tags": ["a", "b"],
    "stock": {"x": 3}, "at": "2026-11-22T12:34:56.789012Z", "note": "n", "line": {"sku": "s"}, "lines": [{"sku": "t"}], "cash": 5, "maybe": "m",
}  # fmt: skip


def test_every_type_keeps_its_value() -> None:
    found = decoded(FULL)
    assert found.value == {
        "id": "o-1", "small": -5, "large": 9007199254740993, "open": True, "price": 0.1, "raw": b"\1\2", "state": "OLD", "tags": ["a", "b"],
        "stock": {"x": 3}, "at": datetime(2026, 11, 22, 12, 34, 56, 789012, tzinfo=UTC), "note": "n", "line": {"sku": "s"},
        "lines": [{"sku": "t"}], "paid_0": {"card": None, "cash": 5}, "maybe": {"value": "m"},
    }  # fmt: skip
    kinds = {
        name: field(found, name).type
        for name in ("small", "large", "state", "tags", "stock", "at", "line", "paid_0")
    }
    assert kinds == {
        "small": Type.INT32, "large": Type.INT64, "state": Type.STRING, "tags": Type.ARRAY, "stock": Type.MAP, "at": Type.INT64,
        "line": Type.STRUCT, "paid_0": Type.STRUCT,
    }  # fmt: skip
    assert field(found, "at").name == TIMESTAMP
    assert field(found, "paid_0").name == f"{UNION}.paid"


def test_what_is_absent_is_its_types_zero_but_of_a_message_null() -> None:
    assert decoded({}).value == {
        "id": "", "small": 0, "large": 0, "open": False, "price": 0.0, "raw": b"", "state": "NEW", "tags": [], "stock": {}, "at": None,
        "note": "", "line": None, "lines": [], "paid_0": None, "maybe": None,
    }  # fmt: skip


def test_the_options_of_confluents_converter_are_followed() -> None:
    found = decoded({"maybe": "m", "card": "c", "state": "OLD"}, flatten_unions="true", wrapper_for_nullables="true",
                    optional_for_nullables="true", int_for_enums="true")  # fmt: skip
    assert (found.value["maybe"], found.value["card"], found.value["cash"]) == ("m", "c", None)
    assert (found.value["note"], found.value["state"]) == (None, 1)
    assert field(found, "maybe").type is Type.STRING
    assert decoded({"card": "c"}, generate_index_for_unions="false").value["paid"] == {
        "card": "c",
        "cash": None,
    }


@pytest.mark.parametrize(
    ("index", "message", "expected"),
    [(b"\x02\x02", "shop.Other", {"n": 5}), (b"\x04\x00\x00", "shop.Order.Line", {"sku": "5"})],
)
def test_the_message_index_says_which_message_it_is(
    index: bytes, message: str, expected: dict[str, Any]
) -> None:
    assert decoded(expected, message=message, index=index).value == expected


def test_a_schema_may_import_another() -> None:
    text = 'syntax = "proto3"; import "deep/money.proto"; message Bill { money.Money sum = 1; }'
    money = 'syntax = "proto3"; package money; message Money { int64 cents = 1; }'
    found = decoded(
        {"sum": {"cents": "7"}}, text=text, message="Bill", references=(("deep/money.proto", money),)
    )
    assert found.value == {"sum": {"cents": 7}}


def test_a_message_of_any_json_is_its_text() -> None:
    text = """
    syntax = "proto3";
    import "google/protobuf/struct.proto";
    message Event {
      google.protobuf.Struct body = 1;
      google.protobuf.Value one = 2;
      google.protobuf.ListValue many = 3;
      repeated google.protobuf.Struct several = 4;
      map<string, google.protobuf.Value> named = 5;
    }
    """
    body = {"n": 1.5, "deep": [{"x": None}, True], "s": "ü"}
    found = decoded(
        {"body": body, "one": "x", "many": [1, "a"], "several": [{"a": 1}], "named": {"k": [1]}},
        text=text,
        message="Event",
    )
    assert json.loads(found.value.pop("body")) == body
    assert found.value == {
        "one": '"x"', "many": '[1.0,"a"]', "several": ['{"a":1.0}'], "named": {"k": "[1.0]"},
    }  # fmt: skip
    assert (field(found, "body").type, field(found, "body").name) == (Type.STRING, JSON_TEXT)
    assert decoded({}, text=text, message="Event").value["body"] is None


def test_a_message_that_contains_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="Tree contains itself"):
        decoded({}, text='syntax = "proto3"; message Tree { Tree child = 1; }', message="Tree")


def test_a_schema_that_does_not_compile_is_refused() -> None:
    with pytest.raises(ValueError, match="not a Protobuf schema"):
        compiler({})(RegisteredSchema(kind="PROTOBUF", text="message {"))


def test_a_reference_cannot_leave_the_directory_it_is_compiled_in() -> None:
    with pytest.raises(ValueError, match="no relative path"):
        compiler({})(RegisteredSchema(kind="PROTOBUF", text="", references=(("../outside.proto", ""),)))


def test_an_option_that_is_no_boolean_is_refused() -> None:
    with pytest.raises(ValueError, match=r"flatten\.unions"):
        compiler({"flatten.unions": "maybe"})


AS_CONNECT_WRITES_IT = """
syntax = "proto3";
import "confluent/meta.proto";
import "confluent/type/decimal.proto";
import "google/type/date.proto";
import "google/type/timeofday.proto";
message ConnectDefault1 {
  string id = 1;
  int32 k = 2 [(confluent.field_meta) = { params: [ { key: "connect.type", value: "int16" } ] }];
  confluent.type.Decimal d = 3 [(confluent.field_meta) = { params: [ { key: "precision", value: "64" }, { key: "scale", value: "2" } ] }];
  google.type.Date day = 4;
  google.type.TimeOfDay clock = 5;
}
"""


def test_a_schema_as_connects_own_converter_registers_it_is_read() -> None:
    decode = compiler({})(RegisteredSchema(kind="PROTOBUF", text=AS_CONNECT_WRITES_IT))
    data = bytes.fromhex("0000000065000a016110071a080a02303910401802220708e80f100a18042a020818")
    schema, value = decode(data)
    assert schema is not None
    assert value == {
        "id": "a",
        "k": 7,
        "d": Decimal("123.45"),
        "day": date(2024, 10, 4),
        "clock": timedelta(days=1),
    }
    assert [(each.name, each.schema.type, each.schema.name) for each in schema.fields] == [
        ("id", Type.STRING, None),
        ("k", Type.INT16, None),
        ("d", Type.BYTES, DECIMAL),
        ("day", Type.INT32, DATE),
        ("clock", Type.INT32, TIME),
    ]


def test_the_import_that_is_missing_is_named() -> None:
    middle = 'syntax = "proto3"; import "far/away.proto"; message M {}'
    text = 'syntax = "proto3"; import "middle.proto"; message A { M m = 1; }'
    with pytest.raises(ValueError, match=r"it imports far/away\.proto"):
        compiler({})(RegisteredSchema(kind="PROTOBUF", text=text, references=(("middle.proto", middle),)))


@pytest.mark.parametrize("index", [b"\x02\x10", b"\x01", b"\xff\xff\xff\x0f", b"\x02\x01"])
def test_an_index_of_no_message_is_the_values_fault(index: bytes) -> None:
    decode = compiler({})(RegisteredSchema(kind="PROTOBUF", text='syntax = "proto3"; message A {}'))
    with pytest.raises((ValueError, IndexError)):
        decode(b"\0\0\0\0\1" + index)
