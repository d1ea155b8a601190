"""Values into columns that exist already: cast by the table's metadata; nested values; JSON without a schema."""

import json
from typing import Any

from tests.conftest import MakeTopic
from tests.support.sink import (
    INT64,
    STRING,
    TIMESTAMP,
    Message,
    drain,
    envelope,
    execute,
    optional,
    rows,
    struct,
)

PLAIN = {"value__converter__schemas__enable": "false"}


async def test_texts_and_numbers_are_cast_into_the_types_of_existing_columns(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(
        database,
        "CREATE TYPE mood AS ENUM ('happy', 'sad')",
        "CREATE DOMAIN positive AS integer CHECK (VALUE > 0)",
        """CREATE TABLE target (
            id uuid PRIMARY KEY, feeling mood, address inet, span interval, price numeric(10,2), doc json, docb jsonb,
            seen timestamptz, local timestamp, day date, short varchar(3), fixed char(3), many uuid[], amount positive)""",
    )
    uuids = ["6ba7b810-9dad-11d1-80b4-00c04fd430c8"]
    payload = {
        "id": uuids[0],
        "feeling": "sad",
        "address": "10.0.0.1/8",
        "span": "1 day 02:00",
        "price": 12.345,
        "doc": '{"a": 1}',
        "docb": '{"a":  1}',
        "seen": "2025-01-02T03:04:05.678901+02:00",
        "local": 1763800000123,
        "day": "2025-01-02",
        "short": "abc",
        "fixed": "ab",
        "many": uuids,
        "amount": 5,
    }
    fields = dict.fromkeys(payload, STRING) | {
        "price": {"type": "double", "optional": True},
        "local": TIMESTAMP,
        "many": {"type": "array", "items": STRING},
        "amount": INT64,
    }
    bad = {"short": "abcd", "feeling": "angry", "amount": -1, "id": "no uuid"}
    messages = [Message(value=struct(payload, **fields))]
    messages += [
        Message(value=struct(payload | {"id": uuids[0].replace("6", "7"), name: value}, **fields))
        for name, value in bad.items()
    ]
    await drain(
        kafka_bootstrap,
        database,
        topic,
        messages,
        table__name__format="target",
        insert__mode="upsert",
        pk__mode="record_value",
        pk__fields="id",
        db__timezone="Europe/Berlin",
        errors__tolerance="all",
    )
    assert await rows(database, "SELECT target::text FROM target") == [
        (
            f'({uuids[0]},sad,10.0.0.1/8,"1 day 02:00:00",12.35,"{{""a"": 1}}","{{""a"": 1}}","2025-01-02 01:04:05.678901+00","2025-11-22 09:26:40.123",2025-01-02,abc,"ab ",{{{uuids[0]}}},5)',
        )
    ]
    assert await rows(database, 'SELECT "offset" FROM sink.dead_letters ORDER BY 1') == [
        (1,),
        (2,),
        (3,),
        (4,),
    ]


async def test_instants_are_exact_to_the_microsecond_and_at_the_ends_of_their_range(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    micro = {"type": "int64", "optional": False, "name": "io.debezium.time.MicroTimestamp"}
    values = [(-62135596800000, -62135596800000000), (253402300799999, 253402300799999999), (-1, -1), (0, 0)]
    messages = [Message(value=struct({"a": a, "b": b}, a=TIMESTAMP, b=micro)) for a, b in values]
    await drain(kafka_bootstrap, database, topic, messages, table__name__format="times", auto__create="true")
    assert await rows(
        database,
        "SELECT (a AT TIME ZONE 'UTC')::text, b::text FROM times ORDER BY a",
    ) == [
        ("0001-01-01 00:00:00", "0001-01-01 00:00:00"),
        ("1969-12-31 23:59:59.999", "1969-12-31 23:59:59.999999"),
        ("1970-01-01 00:00:00", "1970-01-01 00:00:00"),
        ("9999-12-31 23:59:59.999", "9999-12-31 23:59:59.999999"),
    ]


async def test_nested_values_become_jsonb_and_are_checked_against_their_schema(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    inner = {"type": "struct", "fields": [{"field": "x", **INT64}]}
    fields = {
        "id": INT64,
        "list": {"type": "array", "items": inner, "optional": True},
        "one": {**inner, "optional": False},
    }
    payloads: list[dict[str, Any]] = [
        {"id": 1, "list": [{"x": 1}, {"x": 2}], "one": {"x": 3}},
        {"id": 2, "list": None, "one": {"x": 3}},
        {"id": 3, "one": {}},
        {"id": 4, "list": {"x": 1}, "one": {"x": 3}},
        {"id": 5, "list": [], "one": None},
    ]
    await drain(
        kafka_bootstrap,
        database,
        topic,
        [Message(value=struct(payload, **fields)) for payload in payloads],
        table__name__format="nested",
        auto__create="true",
        errors__tolerance="all",
    )
    assert await rows(database, "SELECT id, list::text, one::text FROM nested ORDER BY id") == [
        (1, '[{"x": 1}, {"x": 2}]', '{"x": 3}'),
        (2, None, '{"x": 3}'),
    ]
    assert await rows(database, 'SELECT "offset" FROM sink.dead_letters ORDER BY 1') == [(2,), (3,), (4,)]


async def test_json_without_a_schema_is_typed_by_the_tables_own_columns(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(
        database,
        """CREATE TABLE loose (id bigint PRIMARY KEY, name text, price numeric, at timestamptz, tags text[], doc jsonb,
            ok boolean, u uuid, day date)""",
    )
    full = {
        "id": 1,
        "name": "ü",
        "price": 12345678901234567890.123456789,
        "at": 1763800000123,
        "tags": ["a", None],
        "doc": {"deep": [1, {"x": None}]},
        "ok": True,
        "u": "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "day": "2025-01-02",
    }
    text = json.dumps(full).replace(str(full["price"]), "12345678901234567890.123456789")
    values = [
        text.encode(),
        b'{"id": 2, "at": "2025-01-01T00:00:00+01:00"}',
        b'{"id": 1, "name": null}',
        b'{"id": "3"}',
        b'{"id": 4, "unknown": 1}',
        b'{"id": 5, "ok": "yes"}',
        b"[1]",
    ]
    await drain(
        kafka_bootstrap,
        database,
        topic,
        [Message(value=value) for value in values],
        table__name__format="loose",
        insert__mode="upsert",
        pk__mode="record_value",
        pk__fields="id",
        errors__tolerance="all",
        **PLAIN,
    )
    assert await rows(
        database,
        "SELECT id, name, price::text, at = to_timestamp(1763800000.123), tags, doc::text, ok, day::text FROM loose ORDER BY id",
    ) == [
        (
            1,
            None,
            "12345678901234567890.123456789",
            True,
            ["a", None],
            '{"deep": [1, {"x": null}]}',
            True,
            "2025-01-02",
        ),
        (2, None, None, False, None, None, None, None),
    ]
    assert await rows(database, 'SELECT "offset" FROM sink.dead_letters ORDER BY 1') == [
        (3,),
        (4,),
        (5,),
        (6,),
    ]


async def test_a_text_key_and_plain_values_meet_in_one_row(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE TABLE pairs (id text PRIMARY KEY, n int)")
    messages = [
        Message(key=b"a", value=b'{"n": 1}'),
        Message(key=b"b", value=b'{"n": 2}'),
        Message(key=b"a", value=None),
    ]
    await drain(
        kafka_bootstrap,
        database,
        topic,
        messages,
        table__name__format="pairs",
        insert__mode="upsert",
        pk__mode="record_key",
        pk__fields="id",
        delete__enabled="true",
        key__converter="org.apache.kafka.connect.storage.StringConverter",
        **PLAIN,
    )
    assert await rows(database, "SELECT * FROM pairs") == [("b", 2)]


async def test_decimals_keep_every_digit_in_either_of_connects_forms(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    decimal = {
        "type": "bytes",
        "name": "org.apache.kafka.connect.data.Decimal",
        "parameters": {"scale": "4"},
        "optional": True,
    }
    values = [envelope({"d": "/w=="}, {"type": "struct", "fields": [{"field": "d", **decimal}]})]
    values.append(struct({"d": None}, d=decimal))
    values.append(struct({"d": 0}, d=decimal).replace(b'"d":0', b'"d":123456789012345678.9012'))
    await drain(
        kafka_bootstrap,
        database,
        topic,
        [Message(value=value) for value in values],
        table__name__format="decimals",
        auto__create="true",
    )
    assert await rows(database, "SELECT d::text FROM decimals ORDER BY d NULLS LAST") == [
        ("-0.0001",),
        ("123456789012345678.9012",),
        (None,),
    ]


async def test_several_schemas_in_one_batch_write_their_own_columns_in_order(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE TABLE wide (id bigint PRIMARY KEY, a text, b text)")
    messages = []
    for n in range(200):
        messages.append(Message(value=struct({"id": n, "a": "1"}, id=INT64, a=STRING)))
        messages.append(Message(value=struct({"id": n, "b": "2"}, id=INT64, b=optional(STRING))))
        messages.append(Message(value=struct({"id": n, "a": "3"}, id=INT64, a=STRING)))
    await drain(
        kafka_bootstrap,
        database,
        topic,
        messages,
        table__name__format="wide",
        insert__mode="upsert",
        pk__mode="record_value",
        pk__fields="id",
    )
    assert await rows(database, "SELECT a, b, count(*) FROM wide GROUP BY a, b") == [("3", "2", 200)]
