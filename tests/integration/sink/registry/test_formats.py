"""Avro, Protobuf and JSON Schema from a real registry into real tables."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pb2, message_factory, timestamp_pb2

from tests.conftest import MakeTopic
from tests.support.apicurio import NAMED_BY_TOPIC, Apicurio
from tests.support.sink import Message, drain, execute, rows
from tests.support.wire_format import AVRO, JSON_SCHEMA, PROTOBUF, Subjects, avro_payload, converter, framed

AT = datetime(2026, 11, 22, 12, 34, 56, 789012, tzinfo=UTC)


def upsert(table: str, **more: str) -> dict[str, str]:
    return {
        "table__name__format": table,
        "insert__mode": "upsert",
        "pk__mode": "record_value",
        "pk__fields": "id",
        **more,
    }


def logical(type_: str, name: str, **attributes: Any) -> dict[str, Any]:
    return {"type": type_, "logicalType": name, **attributes}


ORDER: dict[str, Any] = {
    "type": "record", "name": "shop.Order",
    "fields": [
        {"name": "id", "type": "string"}, {"name": "total", "type": logical("bytes", "decimal", precision=12, scale=2)},
        {"name": "day", "type": logical("int", "date")}, {"name": "at", "type": logical("long", "timestamp-micros")},
        {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["NEW", "PAID"]}}, {"name": "note", "type": ["null", "string"], "default": None},
        {"name": "hash", "type": {"type": "fixed", "name": "Hash", "size": 2}}, {"name": "tags", "type": {"type": "array", "items": "string"}},
        {"name": "lines", "type": {"type": "array", "items": {"type": "record", "name": "Line", "fields": [{"name": "sku", "type": "string"}]}}},
        {"name": "paid", "type": ["null", "int", "string"], "default": None},
    ],
}  # fmt: skip


def order(number: int) -> dict[str, Any]:
    return {
        "id": f"o-{number}", "total": Decimal("12.34"), "day": date(2026, 11, 22), "at": AT, "state": "PAID", "note": None, "hash": b"\1\2",
        "tags": ["a", "b"], "lines": [{"sku": "s"}], "paid": "card",
    }  # fmt: skip


async def test_avro_by_confluents_own_serializer_becomes_typed_columns(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, registry: Apicurio
) -> None:
    topic = await make_topic()
    serialize = AvroSerializer(registry.client(), json.dumps(ORDER), conf=NAMED_BY_TOPIC)
    context = SerializationContext(topic, MessageField.VALUE)
    messages = [Message(value=serialize(order(number), context)) for number in range(20)]
    await drain(
        kafka_bootstrap,
        database,
        topic,
        messages,
        **converter(AVRO, registry.url),
        **upsert("orders", auto__create="true"),
    )
    [first, *_] = await rows(
        database, "SELECT id, total, day, at, state, note, hash, tags, lines, paid FROM orders ORDER BY id"
    )
    assert first[:8] == ("o-0", Decimal("12.34"), date(2026, 11, 22), AT, "PAID", None, b"\1\2", ["a", "b"])
    assert [json.loads(each) for each in first[8:]] == [[{"sku": "s"}], {"int": None, "string": "card"}]
    assert await rows(database, "SELECT count(*) FROM orders") == [(20,)]


async def test_avro_keys_and_tombstones_delete_rows(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, subjects: Subjects
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE TABLE items (id bigint PRIMARY KEY, name text)")
    key_schema = {"type": "record", "name": "Key", "fields": [{"name": "id", "type": "long"}]}
    value_schema = {"type": "record", "name": "Item", "fields": [{"name": "name", "type": "string"}]}
    key_id, value_id = subjects.register("key", key_schema), subjects.register("value", value_schema)
    keys = [framed(key_id, avro_payload(key_schema, {"id": number})) for number in (1, 2)]
    values = [framed(value_id, avro_payload(value_schema, {"name": name})) for name in ("a", "b")]
    messages = [
        Message(key=keys[0], value=values[0]),
        Message(key=keys[1], value=values[1]),
        Message(key=keys[0], value=None),
    ]
    await drain(
        kafka_bootstrap, database, topic, messages, **converter(AVRO, subjects.url), **converter(AVRO, subjects.url, "key"),
        table__name__format="items", insert__mode="upsert", pk__mode="record_key", pk__fields="id", delete__enabled="true",
    )  # fmt: skip
    assert await rows(database, "SELECT id, name FROM items") == [(2, "b")]


async def test_a_schema_that_grows_in_mid_stream_adds_its_column(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, subjects: Subjects
) -> None:
    topic = await make_topic()
    narrow: dict[str, Any] = {"type": "record", "name": "Item", "fields": [{"name": "id", "type": "long"}]}
    wide = {
        **narrow,
        "fields": [*narrow["fields"], {"name": "note", "type": ["null", "string"], "default": None}],
    }
    ids = subjects.register("value", narrow), subjects.register("value", wide)
    old = [framed(ids[0], avro_payload(narrow, {"id": number})) for number in (1, 2, 5)]
    new = [framed(ids[1], avro_payload(wide, {"id": number, "note": "n"})) for number in (3, 4)]
    messages = [Message(value=value) for value in (old[0], old[1], new[0], old[2], new[1])]
    await drain(
        kafka_bootstrap, database, topic, messages, **converter(AVRO, subjects.url),
        **upsert("items", auto__create="true", auto__evolve="true"),
    )  # fmt: skip
    assert await rows(database, "SELECT id, note FROM items ORDER BY id") == [
        (1, None),
        (2, None),
        (3, "n"),
        (4, "n"),
        (5, None),
    ]


async def test_an_avro_schema_with_references_is_put_together(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, subjects: Subjects
) -> None:
    topic = await make_topic()
    money = {"type": "record", "name": "Money", "fields": [{"name": "cents", "type": "long"}]}
    bill = {
        "type": "record",
        "name": "Bill",
        "fields": [{"name": "id", "type": "long"}, {"name": "sum", "type": "Money"}],
    }
    subjects.register("money", money)
    schema_id = subjects.register("bill", bill, references=[subjects.reference("Money", "money")])
    whole = {**bill, "fields": [{"name": "id", "type": "long"}, {"name": "sum", "type": money}]}
    message = Message(value=framed(schema_id, avro_payload(whole, {"id": 1, "sum": {"cents": 7}})))
    chain = {
        "transforms": "flat",
        "transforms__flat__type": "org.apache.kafka.connect.transforms.Flatten$Value",
        "transforms__flat__delimiter": "_",
    }
    await drain(
        kafka_bootstrap, database, topic, [message], **converter(AVRO, subjects.url), **chain, **upsert("bills", auto__create="true")
    )  # fmt: skip
    assert await rows(database, "SELECT id, sum_cents FROM bills") == [(1, 7)]


async def test_json_schema_by_confluents_own_serializer(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, registry: Apicurio
) -> None:
    topic = await make_topic()
    schema = {
        "title": "Item", "type": "object", "required": ["id"],
        "properties": {"id": {"type": "integer"}, "price": {"type": "number"}, "note": {"type": ["null", "string"]}},
    }  # fmt: skip
    serialize = JSONSerializer(json.dumps(schema), registry.client(), conf=NAMED_BY_TOPIC)
    context = SerializationContext(topic, MessageField.VALUE)
    items: list[Mapping[str, Any]] = [{"id": 1, "price": 1.5, "note": None}, {"id": 2}]
    messages = [Message(value=serialize(item, context)) for item in items]
    await drain(
        kafka_bootstrap,
        database,
        topic,
        messages,
        **converter(JSON_SCHEMA, registry.url),
        **upsert("items", auto__create="true"),
    )
    assert await rows(database, "SELECT id, price, note FROM items ORDER BY id") == [
        (1, 1.5, None),
        (2, None, None),
    ]


MONEY = 'syntax = "proto3"; package money; message Money { int64 cents = 1; }'
BILL = """
syntax = "proto3"; package shop; import "money.proto"; import "google/protobuf/timestamp.proto";
message Bill { int64 id = 1; money.Money sum = 2; google.protobuf.Timestamp at = 3; repeated string tags = 4; oneof paid { string card = 5; int32 cash = 6; } }
"""


async def test_protobuf_with_an_import_becomes_typed_columns(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, subjects: Subjects
) -> None:
    topic = await make_topic()
    subjects.register("money", MONEY, "PROTOBUF")
    schema_id = subjects.register("bill", BILL, "PROTOBUF", [subjects.reference("money.proto", "money")])
    # Encoded by hand-made descriptors, not by the converter's: field numbers and types are what the wire knows.
    bill = message_factory.GetMessageClass(_bill_descriptor())(id=1, tags=["a"], cash=5)
    bill.sum.cents = 7
    bill.at.FromDatetime(AT)
    message = Message(value=framed(schema_id, b"\0" + bill.SerializeToString()))
    await drain(
        kafka_bootstrap, database, topic, [message], **converter(PROTOBUF, subjects.url, flatten__unions="true"),
        **upsert("bills", auto__create="true"),
    )  # fmt: skip
    [(key, total, at, tags, card, cash)] = await rows(
        database, "SELECT id, sum, at, tags, card, cash FROM bills"
    )
    assert (key, json.loads(total), at, tags, card, cash) == (1, {"cents": 7}, AT, ["a"], None, 5)


def _bill_descriptor() -> Any:
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="test/bill.proto",
        package="test",
        syntax="proto3",
        dependency=["google/protobuf/timestamp.proto"],
    )
    file.message_type.add(name="Money").field.add(name="cents", number=1, type=kinds.TYPE_INT64)
    fields = file.message_type.add(name="Bill").field
    fields.add(name="id", number=1, type=kinds.TYPE_INT64)
    fields.add(name="sum", number=2, type=kinds.TYPE_MESSAGE, type_name=".test.Money")
    fields.add(name="at", number=3, type=kinds.TYPE_MESSAGE, type_name=".google.protobuf.Timestamp")
    fields.add(name="tags", number=4, type=kinds.TYPE_STRING, label=kinds.LABEL_REPEATED)
    fields.add(name="cash", number=6, type=kinds.TYPE_INT32)
    pool = timestamp_pb2.DESCRIPTOR.pool
    pool.AddSerializedFile(file.SerializeToString())
    return pool.FindMessageTypeByName("test.Bill")
