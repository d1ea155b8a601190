"""Tombstones alone, names of tables and columns, defaults, keys in headers, the very first start, large keys."""

import pytest
from prometheus_client import REGISTRY

from sink_connector.sink.offsets import Partition
from tests.conftest import MakeTopic
from tests.support.sink import (
    INT64,
    STRING,
    Message,
    configuration,
    connected,
    drain,
    envelope,
    execute,
    rows,
    send,
    stored_offsets,
    struct,
    task_of,
    wait_until_failed,
    wait_until_read,
)
from tests.support.waiting import wait_until

DEBEZIUM = "io.debezium.connector.jdbc.JdbcSinkConnector"


def number(value: int) -> Message:
    return Message(value=struct({"id": value}, id=INT64))


async def test_tombstones_that_come_alone_delete_and_the_task_goes_on(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE TABLE t (id text PRIMARY KEY, v bigint)")
    keys = {"insert__mode": "upsert", "pk__mode": "record_key", "pk__fields": "id", "delete__enabled": "true"}
    given = configuration(database, topics=topic, table__name__format="t", **keys)
    key = envelope("a", STRING)
    async with connected(kafka_bootstrap, given) as connector:
        for count, value in enumerate([struct({"v": 1}, v=INT64), None, None, struct({"v": 2}, v=INT64)], 1):
            await send(kafka_bootstrap, topic, [Message(key=key, value=value)])
            await wait_until_read(connector, topic, count)
    assert await rows(database, "SELECT id, v FROM t") == [("a", 2)]


async def test_topics_become_tables_as_debezium_aiven_and_quotes_have_it(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    base = await make_topic()
    topic = await make_topic(name=f"{base}.inv.cust")
    plain = base.replace("-", "_")
    ways = {
        f"{base}_inv_cust": {"connector__class": DEBEZIUM},
        f"kafka_{plain}_inv_cust": {
            "connector__class": "io.aiven.connect.jdbc.JdbcSinkConnector",
            "table__name__normalize": "true",
            "table__name__format": "kafka_${topic}",
        },
        topic: {"table__name__format": '"${topic}"'},
        f"x_{topic}": {"table__name__format": "x_${topic}"},
    }
    await send(kafka_bootstrap, topic, [number(1)])
    for keys in ways.values():
        given = configuration(database, topics=topic, auto__create="true", **keys)
        async with connected(kafka_bootstrap, given) as connector:
            await wait_until_read(connector, topic, 1)
    found_names = await rows(database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    assert {name for (name,) in found_names} == set(ways)


async def test_no_topic_writes_the_connectors_own_tables(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    fields = {"connector": STRING, "topic": STRING, "partition": INT64, "next_offset": INT64}
    forged = {"connector": "x", "topic": "y", "partition": 0, "next_offset": 99}
    await send(kafka_bootstrap, topic, [Message(value=struct(forged, **fields))])
    for name, url in (("sink.offsets", database), ("offsets", f"{database}?currentSchema=sink")):
        given = configuration(url, topics=topic, table__name__format=name, errors__tolerance="all")
        async with connected(kafka_bootstrap, given) as connector:
            await wait_until_read(connector, topic, 1)
    assert await rows(database, "SELECT count(*) FROM sink.dead_letters") == [(2,)]
    assert await rows(database, "SELECT count(*) FROM sink.offsets WHERE connector = 'x'") == [(0,)]


async def test_columns_have_the_names_that_fields_have(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    names = ["addr.city", "@timestamp", "a[0]", "unit price", "größe", "50%"]
    value = struct(dict.fromkeys(names, "x"), **dict.fromkeys(names, STRING))
    await drain(kafka_bootstrap, database, topic, [Message(value=value)], auto__create="true")
    found = await rows(
        database,
        "SELECT attname FROM pg_attribute JOIN pg_tables ON attrelid = quote_ident(tablename)::regclass "
        "WHERE schemaname = 'public' AND attnum > 0 ORDER BY attnum",
    )
    assert [name for (name,) in found] == names


async def test_a_table_named_like_a_projections_relation_is_written(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(
        database,
        "CREATE TABLE orders (id bigint PRIMARY KEY)",
        "CREATE TABLE new_orders (id bigint PRIMARY KEY)",
        "CREATE TABLE seen (id bigint)",
    )
    other = await make_topic()
    await send(kafka_bootstrap, topic, [number(1), number(2)])
    await send(kafka_bootstrap, other, [number(3), number(4)])
    given = configuration(
        database,
        topics=f"{topic},{other}",
        topics__to__tables__mapping=f"{topic}:orders,{other}:new_orders",
        insert__mode="upsert",
        pk__mode="record_value",
        pk__fields="id",
        projections="p",
        projection__p__sql="INSERT INTO seen SELECT id FROM new_orders",
    )
    async with connected(kafka_bootstrap, given) as connector:
        await wait_until_read(connector, topic, 2)
        await wait_until_read(connector, other, 2)
    for table, expected in (("orders", [1, 2]), ("new_orders", [3, 4]), ("seen", [1, 2])):
        found = await rows(database, f"SELECT id FROM public.{table} ORDER BY id")  # noqa: S608 - a constant
        assert [key for (key,) in found] == expected, table


async def test_defaults_of_nested_fields_become_defaults_of_columns(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    inner = {"type": "struct", "fields": [{"type": "int32", "optional": False, "field": "n"}]}
    micro = "io.debezium.time.MicroTimestamp"
    fields = {
        "id": INT64,
        "o": inner | {"optional": True, "default": {"n": 5}},
        "m": {"type": "map", "keys": STRING, "values": INT64, "optional": True, "default": {"k": 1}},
        "l": {"type": "array", "items": STRING, "optional": True, "default": ["a", 'q"', "NULL", ""]},
        "s": {"type": "array", "items": inner, "optional": True, "default": [{"n": 1}]},
        "b": {"type": "boolean", "optional": True, "default": True},
        "at": {"type": "int64", "name": micro, "optional": True, "default": 1_500_000},
    }
    value = struct({"id": 1, "o": {"n": 1}, "m": {}, "l": [], "s": [], "b": False, "at": 0}, **fields)
    await drain(kafka_bootstrap, database, topic, [Message(value=value)], auto__create="true")
    await execute(database, f'INSERT INTO "{topic}" (id) VALUES (2)')  # noqa: S608 - the test's own name
    [found] = await rows(
        database,
        f'SELECT o::text, m::text, l, s::text, b, at::text FROM "{topic}" WHERE id = 2',  # noqa: S608
    )
    assert found == (
        '{"n": 5}',
        '{"k": 1}',
        ["a", 'q"', "NULL", ""],
        '[{"n": 1}]',
        True,
        "1970-01-01 00:00:01.5",
    )


async def test_a_header_of_null_is_no_key(kafka_bootstrap: str, database: str, make_topic: MakeTopic) -> None:
    topic = await make_topic()
    await execute(database, "CREATE TABLE t (hid text PRIMARY KEY, id bigint)")
    value = struct({"id": 1}, id=INT64)
    messages = [Message(value=value, headers=[("hid", held)]) for held in (b"1", None, b"2")]  # type: ignore[list-item]
    await drain(
        kafka_bootstrap,
        database,
        topic,
        messages,
        table__name__format="t",
        insert__mode="upsert",
        pk__mode="record_header",
        pk__fields="hid",
        errors__tolerance="all",
    )
    assert await rows(database, "SELECT hid FROM t ORDER BY hid") == [("1",), ("2",)]


async def test_latest_counts_for_the_very_first_start_and_not_for_what_appears_later(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    first, later = await make_topic(), f"{await make_topic()}-later"
    await execute(database, "CREATE TABLE t (id bigint)")
    await send(kafka_bootstrap, first, [number(1)])
    given = configuration(
        database,
        topics=f"{first},{later}",
        table__name__format="t",
        consumer__override__auto__offset__reset="latest",
        consumer__override__metadata__max__age__ms="1000",
    )
    async with connected(kafka_bootstrap, given) as connector:
        await wait_until(lambda: task_of(connector).source.epochs, what="the first start")
        await send(kafka_bootstrap, first, [number(2)])
        await wait_until_read(connector, first, 2)
    await make_topic(name=later)
    await send(kafka_bootstrap, later, [number(3)])
    async with connected(kafka_bootstrap, given) as connector:
        await wait_until_read(connector, later, 1)
    assert await rows(database, "SELECT id FROM t ORDER BY id") == [(2,), (3,)]


@pytest.mark.parametrize("part", ["headers", "key"])
async def test_keys_and_headers_count_towards_the_size_of_a_batch(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, part: str
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE TABLE t (id bigint)")
    weight = b"x" * 500_000
    messages = [
        Message(
            value=struct({"id": n}, id=INT64),
            key=weight if part == "key" else None,
            headers=[("h", weight)] if part == "headers" else [],
        )
        for n in range(30)
    ]
    given = await drain(
        kafka_bootstrap, database, topic, messages, table__name__format="t", linger__ms="3000"
    )
    labels = {"connector": given["name"], "task": "0"}
    assert (REGISTRY.get_sample_value("sink_batches_total", labels) or 0) >= 3
    assert (REGISTRY.get_sample_value("sink_bytes_total", labels) or 0) > 30 * 500_000


async def test_none_begins_nowhere_until_offsets_are_set_and_does_not_count_for_what_appears_later(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    first, later = await make_topic(), f"{await make_topic()}-later"
    await execute(database, "CREATE TABLE t (id bigint)")
    await send(kafka_bootstrap, first, [number(1), number(2)])
    given = configuration(
        database,
        topics=f"{first},{later}",
        table__name__format="t",
        consumer__override__auto__offset__reset="none",
    )
    for _ in range(2):
        async with connected(kafka_bootstrap, given) as connector:
            assert f"no offset is stored for {first}/0" in await wait_until_failed(connector)
    async with stored_offsets(kafka_bootstrap) as changed:
        await changed.alter(connector.config, {Partition(first, 0): 1})
    await make_topic(name=later)
    await send(kafka_bootstrap, later, [number(3)])
    async with connected(kafka_bootstrap, given) as connector:
        await wait_until_read(connector, first, 2)
        await wait_until_read(connector, later, 1)
    assert await rows(database, "SELECT id FROM t ORDER BY id") == [(2,), (3,)]
