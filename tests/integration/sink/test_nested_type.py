"""`nested.type`: columns for nested values are made as jsonb, json or text, and hold the same document on every way to them."""

import json
from decimal import Decimal
from typing import Any

import pytest

from tests.conftest import MakeTopic
from tests.support.sink import INT64, STRING, Message, drain, execute, optional, rows, struct

DECIMAL = {
    "type": "bytes",
    "optional": True,
    "name": "org.apache.kafka.connect.data.Decimal",
    "version": 1,
    "parameters": {"scale": "4"},
}
INNER: dict[str, Any] = {
    "type": "struct",
    "optional": True,
    "fields": [
        {"field": "n", **INT64},
        {"field": "ratio", "type": "double", "optional": True},
        {"field": "amount", **DECIMAL},
        {"field": "a", **optional(STRING)},
    ],
}
FIELDS: dict[str, Any] = {
    "id": INT64,
    "one": INNER,
    "list": {"type": "array", "items": INNER, "optional": True},
    "map": {"type": "map", "keys": STRING, "values": optional(INT64), "optional": True},
    "tags": {"type": "array", "items": STRING, "optional": True},
}
EXACT = "12345678901234567890.1234"
# As it may be written: numbers with digits that a double has not, in another order, with blanks.
WRITTEN = (
    '{"id": 1, "one": {"a":"ü \\"x\\"", "amount":12345678901234567890.1234,\n "n": 9223372036854775807, "ratio": 1e3},'
    ' "list":[{"n":1},{"n": 2, "ratio": -0.0}], "map": {"z": 1, "b": null}, "tags": ["x"]}'
)
ONE = f'{{"n": 9223372036854775807, "ratio": 1000.0, "amount": {EXACT}, "a": "ü \\"x\\""}}'
LIST = (
    '[{"n": 1, "ratio": null, "amount": null, "a": null}, {"n": 2, "ratio": -0.0, "amount": null, "a": null}]'
)
MAP = '{"z": 1, "b": null}'
UNRELATED = {
    "transforms": "t",
    "transforms__t__type": "org.apache.kafka.connect.transforms.InsertHeader",
    "transforms__t__header": "seen",
    "transforms__t__value__literal": "yes",
}
MADE = "SELECT data_type FROM information_schema.columns WHERE table_name = 't' AND column_name IN ({}) ORDER BY ordinal_position"


def record(number: int = 1) -> Message:
    schema = {"type": "struct", "optional": False, "fields": [{"field": k, **v} for k, v in FIELDS.items()]}
    payload = WRITTEN.replace('"id": 1', f'"id": {number}')
    return Message(value=f'{{"schema": {json.dumps(schema)}, "payload": {payload}}}'.encode())


@pytest.mark.parametrize("count", [1, 100])
@pytest.mark.parametrize(
    "keys",
    [{"nested__type": kind, **transform} for kind in ("json", "text") for transform in ({}, UNRELATED)],
    ids=["json", "json with a transform", "text", "text with a transform"],
)
async def test_a_document_is_written_to_the_last_digit_in_one_form(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, keys: dict[str, str], count: int
) -> None:
    topic, kind = await make_topic(), keys["nested__type"]
    messages = [record(n) for n in range(count)]
    await drain(
        kafka_bootstrap, database, topic, messages, auto__create="true", table__name__format="t", **keys
    )
    assert await rows(database, MADE.format("'one', 'list', 'map', 'tags'")) == [(kind,)] * 3 + [("ARRAY",)]
    found = await rows(database, "SELECT DISTINCT one::text, list::text, map::text, tags FROM t")
    assert found == [(ONE, LIST, MAP, ["x"])]
    assert json.loads(found[0][0], parse_float=Decimal)["amount"] == Decimal(EXACT)


async def test_by_default_it_is_a_jsonb(kafka_bootstrap: str, database: str, make_topic: MakeTopic) -> None:
    topic = await make_topic()
    await drain(kafka_bootstrap, database, topic, [record()], auto__create="true", table__name__format="t")
    assert await rows(database, MADE.format("'one', 'list', 'map'")) == [("jsonb",)] * 3
    assert await rows(database, "SELECT one ->> 'amount' FROM t") == [(EXACT,)]


@pytest.mark.parametrize("kind", ["jsonb", "json", "text"])
async def test_columns_that_are_added_have_the_type_and_its_default(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, kind: str
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE TABLE t (id bigint PRIMARY KEY)", "INSERT INTO t VALUES (0)")
    inner = {"type": "struct", "optional": True, "fields": [{"field": "n", **INT64}], "default": {"n": 5}}
    message = Message(value=struct({"id": 1, "o": {"n": 7}}, id=INT64, o=inner))
    keys = {"auto__evolve": "true", "table__name__format": "t", "nested__type": kind}
    await drain(kafka_bootstrap, database, topic, [message], **keys)
    assert await rows(database, MADE.format("'o'")) == [(kind,)]
    assert await rows(database, "SELECT id, o::json ->> 'n' FROM t ORDER BY id") == [(0, "5"), (1, "7")]


async def test_columns_that_are_there_keep_their_types(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE TABLE t (id bigint, one json, list text, map jsonb, tags text)")
    keys = {"auto__evolve": "true", "table__name__format": "t", "nested__type": "text"}
    await drain(kafka_bootstrap, database, topic, [record()], **keys)
    assert await rows(database, "SELECT one::text, list, map::text, tags FROM t") == [
        (ONE, LIST, '{"b": null, "z": 1}', '["x"]')
    ]


async def test_a_struct_that_is_the_key_is_a_jsonb_where_a_json_could_not_be_compared(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    inner = {"type": "struct", "optional": False, "fields": [{"field": "n", **INT64}]}
    messages = [Message(value=struct({"k": {"n": n}, "o": {"n": n}}, k=inner, o=inner)) for n in (1, 2, 1)]
    keys = {"insert__mode": "upsert", "pk__mode": "record_value", "pk__fields": "k", "nested__type": "json"}
    await drain(
        kafka_bootstrap, database, topic, messages, auto__create="true", table__name__format="t", **keys
    )
    assert await rows(database, MADE.format("'k', 'o'")) == [("jsonb",), ("json",)]
    assert await rows(database, "SELECT k::text FROM t ORDER BY 1") == [('{"n": 1}',), ('{"n": 2}',)]


@pytest.mark.parametrize("transform", [{}, UNRELATED], ids=["as it is", "with a transform"])
async def test_without_a_schema_the_columns_decide(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, transform: dict[str, str]
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE TABLE t (id bigint, j json, s text)")
    document = '{"z":123456789012345678901234567890.10,  "a" : [1e3, -0.0, 9223372036854775808]}'
    expected = '{"z": 123456789012345678901234567890.10, "a": [1E+3, -0.0, 9223372036854775808]}'
    values = [
        f'{{"id": 1, "j": {document}, "s": {document}}}',
        '{"id": 2, "j": "x", "s": "x"}',
        '{"id": 3, "j": null, "s": null}',
        '{"id": 4, "s": 4}',
        '{"id": 5, "s": [ ]}',
    ]
    await drain(
        kafka_bootstrap,
        database,
        topic,
        [Message(value=value.encode()) for value in values],
        table__name__format="t",
        nested__type="text",
        errors__tolerance="all",
        value__converter__schemas__enable="false",
        **transform,
    )
    assert await rows(database, "SELECT id, j::text, s FROM t ORDER BY id") == [
        (1, expected, expected),
        (2, '"x"', "x"),
        (3, None, None),
        (5, None, "[]"),
    ]
    assert await rows(database, 'SELECT "offset" FROM sink.dead_letters') == [(3,)]


async def test_an_object_for_a_text_column_is_a_bad_record_unless_it_is_asked_for(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE TABLE t (id bigint, s text)")
    await drain(
        kafka_bootstrap,
        database,
        topic,
        [Message(value=b'{"id": 1, "s": {"x": 1}}')],
        table__name__format="t",
        nested__type="json",
        errors__tolerance="all",
        value__converter__schemas__enable="false",
    )
    assert await rows(database, 'SELECT "offset" FROM sink.dead_letters') == [(0,)]
