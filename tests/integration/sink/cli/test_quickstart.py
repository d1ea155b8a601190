"""`sink-connector quickstart`: what it prints for a real topic and a real table is a connector that works."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MakeTopic
from tests.support.sink import (
    INT64,
    STRING,
    Message,
    connected,
    envelope,
    execute,
    rows,
    send,
    struct,
    wait_until_read,
)
from tests.support.sink_commands import Ended, database_snapshot, sink_connector

FIELDS = {"id": STRING, "n": INT64}
QUICK = {"consumer.override.session.timeout.ms": "6000", "consumer.override.heartbeat.interval.ms": "1000"}


def plain(value: Any, key: bytes | None = None) -> Message:
    return Message(key=key, value=json.dumps(value).encode())


def enveloped(value: dict[str, Any], **fields: dict[str, Any]) -> Message:
    return Message(key=envelope(value["id"], STRING), value=struct(value, **fields or FIELDS))


def change(op: str, before: Any, after: Any) -> Message:
    event = {"op": op, "before": before, "after": after, "source": {"db": "shop"}, "ts_ms": 1}
    return plain(event, key=json.dumps({"id": (after or before)["id"]}).encode())


async def quickstart(bootstrap: str, database: str, *words: str) -> Ended:
    return await sink_connector(
        "quickstart", *words, environment={"SINK_BOOTSTRAP_SERVERS": bootstrap, "TARGET": database}
    )


CASES: dict[str, tuple[str, list[Message], dict[str, str], list[tuple[Any, ...]]]] = {
    "envelopes, and no table yet": (
        "",
        [
            enveloped({"id": "a", "n": 1}),
            enveloped({"id": "a", "n": 2}),
            Message(key=envelope("b", STRING), value=None),
        ],
        {"pk.mode": "record_key", "pk.fields": "id", "auto.create": "true", "delete.enabled": "true"},
        [("a", 2)],
    ),
    "plain JSON without keys, into a table with more and fewer columns": (
        'CREATE TABLE "T" (id text, n bigint, at timestamptz DEFAULT now(), PRIMARY KEY (id))',
        [plain({"id": "a", "n": 1, "colour": "red"}), plain({"id": "b", "n": 2})],
        {
            "value.converter.schemas.enable": "false",
            "pk.mode": "record_value",
            "pk.fields": "id",
            "field.exclude.list": "colour",
        },
        [("a", 1), ("b", 2)],
    ),
    "texts as keys of a table that counts": (
        'CREATE TABLE "T" (n bigint, id bigint PRIMARY KEY)',
        [plain({"n": 1}, key=b"7"), plain({"n": 2}, key=b"8"), Message(key=b"8", value=None)],
        {
            "key.converter": "org.apache.kafka.connect.storage.StringConverter",
            "pk.mode": "record_key",
            "pk.fields": "id",
            "delete.enabled": "true",
        },
        [(7, 1)],
    ),
    "numbers in network byte order as keys": (
        'CREATE TABLE "T" (n bigint, id bigint PRIMARY KEY)',
        [plain({"n": 1}, key=(7).to_bytes(8, "big"))],
        {"key.converter": "org.apache.kafka.connect.converters.LongConverter", "pk.mode": "record_key"},
        [(7, 1)],
    ),
    "change events": (
        'CREATE TABLE "T" (id text PRIMARY KEY, n bigint)',
        [
            change("c", None, {"id": "a", "n": 1}),
            change("u", {"id": "a", "n": 1}, {"id": "a", "n": 2}),
            change("c", None, {"id": "b", "n": 3}),
            change("d", {"id": "b", "n": 3}, None),
        ],
        {
            "transforms.unwrap.type": "io.debezium.transforms.ExtractNewRecordState",
            "pk.mode": "record_key",
            "pk.fields": "id",
            "delete.enabled": "true",
        },
        [("a", 2)],
    ),
    "a table without a key": (
        'CREATE TABLE "T" (id text, n bigint)',
        [enveloped({"id": "a", "n": 1})],
        {"insert.mode": "insert", "pk.mode": "none"},
        [("a", 1)],
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_what_is_printed_works(
    case: str, kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    sql, messages, expected, stored = CASES[case]
    topic = await make_topic()
    if sql:
        await execute(database, sql.replace('"T"', f'"{topic}"'))
    await send(kafka_bootstrap, topic, messages)
    before = await database_snapshot(database)
    ended = await quickstart(kafka_bootstrap, database, topic)
    assert ended.code == 0, ended.errors
    assert await database_snapshot(database) == before
    assert "0 bad" in ended.errors
    printed = json.loads(ended.output)
    assert database not in ended.output
    assert printed["config"]["connection.url"] == "${env:TARGET}"
    assert expected.items() <= printed["config"].items()
    given = {"name": printed["name"], **printed["config"], "connection.url": database, **QUICK}
    async with connected(kafka_bootstrap, given) as connector:
        await wait_until_read(connector, topic, len(messages))
    select = f'SELECT id, n FROM "{topic}" ORDER BY id'  # noqa: S608 - the test's own
    assert await rows(database, select) == stored


async def test_a_sampled_record_that_the_table_refuses_is_said_and_is_1(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE TABLE numbers (id text PRIMARY KEY, n bigint CHECK (n < 10))")
    await send(
        kafka_bootstrap, topic, [enveloped({"id": "a", "n": 1}), enveloped({"id": "b", "n": 10}), plain("no")]
    )
    ended = await quickstart(kafka_bootstrap, database, topic, "--table", "public.numbers")
    assert ended.code == 1
    assert json.loads(ended.output)["config"]["table.name.format"] == "public.numbers"
    assert "1 of the 3 records that were looked at cannot be converted" in ended.errors
    assert "partition 0 offset 1: " in ended.errors
    assert "numbers_n_check" in ended.errors


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([], "is empty"),
        ([plain(5)], "neither JSON nor of a format that a registry knows"),
        ([Message(value=b"\0\0\0\0\1abc")], "then say --registry URL"),
        ([plain({"id": "a"})], "records without a schema do not say what it should look like"),
    ],
    ids=["empty", "numbers", "wire format", "no table"],
)
async def test_where_nothing_can_be_made_of_a_topic_the_reason_is_one_sentence_and_1(
    messages: list[Message], reason: str, kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await send(kafka_bootstrap, topic, messages)
    ended = await quickstart(kafka_bootstrap, database, topic)
    assert (ended.code, ended.output) == (1, "")
    assert reason in ended.errors
    assert len(ended.errors.splitlines()) == 1


async def test_a_database_that_is_not_named_is_2(kafka_bootstrap: str, tmp_path: Path) -> None:
    ended = await sink_connector(
        "quickstart",
        "people",
        "--target",
        "NOT_THERE",
        environment={"SINK_BOOTSTRAP_SERVERS": kafka_bootstrap},
    )
    assert (ended.code, ended.output) == (2, "")
    assert "--target" in ended.errors


async def test_a_sampled_change_event_that_holds_no_row_is_said_with_its_place(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(database, f'CREATE TABLE "{topic}" (id text PRIMARY KEY, n bigint)')
    malformed = plain({"op": "c", "before": None, "after": "x", "source": {}}, key=b'{"id": "b"}')
    await send(kafka_bootstrap, topic, [change("c", None, {"id": "a", "n": 1}), malformed])
    ended = await quickstart(kafka_bootstrap, database, topic)
    assert ended.code == 1
    assert ended.report["config"]["transforms"] == "unwrap"
    assert "partition 0 offset 1: ExtractNewRecordState: after is no struct" in ended.errors
