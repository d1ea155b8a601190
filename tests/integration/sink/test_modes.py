"""Insert, upsert, update, multi; where the key comes from; deletes."""

import pytest

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
    optional,
    rows,
    send,
    struct,
    wait_until_failed,
    wait_until_read,
)

ITEM = {"id": INT64, "name": optional(STRING), "version": INT64}


def item(number: int, name: str | None, version: int = 1) -> bytes:
    return struct({"id": number, "name": name, "version": version}, **ITEM)


def key(number: int) -> bytes:
    return envelope(number, INT64)


@pytest.fixture
async def table(database: str) -> str:
    """A database with an empty table `items`."""
    await execute(database, "CREATE TABLE items (id bigint PRIMARY KEY, name text, version bigint)")
    return database


async def test_a_plain_insert_writes_every_record(
    kafka_bootstrap: str, table: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic(partitions=2)
    messages = [Message(value=item(n, f"n{n}"), partition=n % 2) for n in range(300)]
    await drain(kafka_bootstrap, table, topic, messages, table__name__format="items")
    assert await rows(table, "SELECT count(*), count(DISTINCT name) FROM items") == [(300, 300)]


@pytest.mark.guarantees("G-SINK-5")
@pytest.mark.parametrize("count", [1, 20, 500])
async def test_an_upsert_leaves_the_last_state_of_each_key(
    kafka_bootstrap: str, table: str, make_topic: MakeTopic, count: int
) -> None:
    topic = await make_topic()
    await execute(table, "INSERT INTO items VALUES (0, 'old', 1)")
    messages = [Message(value=item(n, f"{turn}", turn)) for turn in (1, 2, 3) for n in range(count)]
    await drain(
        kafka_bootstrap,
        table,
        topic,
        messages,
        table__name__format="items",
        insert__mode="upsert",
        pk__mode="record_value",
        pk__fields="id",
    )
    assert await rows(table, "SELECT name, count(*) FROM items GROUP BY name") == [("3", count)]


async def test_rows_of_new_keys_are_copied_straight_in_and_known_ones_updated_whatever_comes_together(
    kafka_bootstrap: str, table: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    given = configuration(
        table,
        topics=topic,
        table__name__format="items",
        insert__mode="upsert",
        pk__mode="record_value",
        pk__fields="id",
        version__field="version",
        linger__ms="1500",
    )
    staged = "SELECT count(*) FROM pg_class WHERE relname LIKE 'sink_stage%'"
    batches = [
        [(n, "first", 1) for n in range(1000)],
        [(n, "second", 2) for n in range(500, 1500)],
        [(n, "late", 1) for n in range(1200, 2500)],
        [(n, "third", 3) for n in range(2400, 3400)],
    ]
    read = 0
    async with connected(kafka_bootstrap, given) as connector:
        for place, batch in enumerate(batches):
            await send(kafka_bootstrap, topic, [Message(value=item(*each)) for each in batch])
            read += len(batch)
            await wait_until_read(connector, topic, read)
            if place == 0:
                assert await rows(table, staged) == [(0,)]
        assert await rows(table, staged) == [(1,)]
    assert await rows(
        table, "SELECT name, min(id), max(id), count(*) FROM items GROUP BY name ORDER BY 2"
    ) == [
        ("first", 0, 499, 500),
        ("second", 500, 1499, 1000),
        ("late", 1500, 2399, 900),
        ("third", 2400, 3399, 1000),
    ]


@pytest.mark.guarantees("G-SINK-6")
async def test_an_older_or_equal_version_never_overwrites_a_newer_one(
    kafka_bootstrap: str, table: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(table, "INSERT INTO items VALUES (1, 'there', 5), (2, 'there', 1), (3, 'there', NULL)")
    messages = [
        Message(value=item(1, "late", 4)),
        Message(value=item(2, "new", 3)),
        Message(value=item(2, "late", 2)),
        Message(value=item(2, "again", 3)),
        Message(value=item(3, "first", 1)),
    ]
    await drain(
        kafka_bootstrap,
        table,
        topic,
        messages,
        table__name__format="items",
        insert__mode="upsert",
        pk__mode="record_value",
        pk__fields="id",
        version__field="version",
    )
    assert await rows(table, "SELECT * FROM items ORDER BY id") == [
        (1, "there", 5),
        (2, "new", 3),
        (3, "first", 1),
    ]


@pytest.mark.parametrize("count", [2, 300])
async def test_an_update_changes_rows_that_exist_and_makes_none(
    kafka_bootstrap: str, table: str, make_topic: MakeTopic, count: int
) -> None:
    topic = await make_topic()
    await execute(
        table,
        f"INSERT INTO items SELECT n, 'old', 1 FROM generate_series(0, {count - 1}) n",  # noqa: S608 - a number of ours
    )
    messages = [Message(value=item(n, "new", 2)) for n in range(count * 2)]
    await drain(
        kafka_bootstrap,
        table,
        topic,
        messages,
        table__name__format="items",
        insert__mode="update",
        pk__mode="record_value",
        pk__fields="id",
    )
    assert await rows(table, "SELECT name, count(*) FROM items GROUP BY name") == [("new", count)]


async def test_a_tombstone_deletes_the_row_of_a_primitive_key(
    kafka_bootstrap: str, table: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    messages = [Message(key=key(n), value=item(n, "x")) for n in range(200)]
    messages += [Message(key=key(n), value=None) for n in range(0, 200, 2)]
    await drain(
        kafka_bootstrap,
        table,
        topic,
        messages,
        table__name__format="items",
        insert__mode="upsert",
        pk__mode="record_key",
        pk__fields="id",
        delete__enabled="true",
    )
    assert await rows(table, "SELECT count(*), sum(id % 2) FROM items") == [(100, 100)]


async def test_insert_delete_insert_of_a_key_in_one_batch_leaves_the_last_row_without_the_first_ones_columns(
    kafka_bootstrap: str, table: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    short = struct({"id": 1, "version": 1}, id=INT64, version=INT64)
    messages = [
        Message(key=key(1), value=item(1, "first", 9)),
        Message(key=key(1), value=None),
        Message(key=key(1), value=short),
    ]
    await drain(
        kafka_bootstrap,
        table,
        topic,
        messages,
        table__name__format="items",
        insert__mode="upsert",
        pk__mode="record_key",
        pk__fields="id",
        delete__enabled="true",
        version__field="version",
    )
    assert await rows(table, "SELECT * FROM items") == [(1, None, 1)]


async def test_a_struct_key_gives_several_key_columns(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE TABLE parts (a bigint, b text, name text, PRIMARY KEY (a, b))")
    messages = [
        Message(key=struct({"a": n, "b": "k"}, a=INT64, b=STRING), value=struct({"name": "x"}, name=STRING))
        for n in (1, 2, 1)
    ]
    await drain(
        kafka_bootstrap,
        database,
        topic,
        messages,
        table__name__format="parts",
        insert__mode="upsert",
        pk__mode="record_key",
    )
    assert await rows(database, "SELECT * FROM parts ORDER BY a") == [(1, "k", "x"), (2, "k", "x")]


async def test_the_kafka_coordinates_can_be_the_key(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(
        database,
        "CREATE TABLE log (__connect_topic text, __connect_partition int, __connect_offset bigint, name text, "
        "PRIMARY KEY (__connect_topic, __connect_partition, __connect_offset))",
    )
    messages = [Message(value=struct({"name": "same"}, name=STRING)) for _ in range(3)]
    await drain(
        kafka_bootstrap,
        database,
        topic,
        messages,
        table__name__format="log",
        insert__mode="upsert",
        pk__mode="kafka",
    )
    assert await rows(database, "SELECT * FROM log ORDER BY 3") == [(topic, 0, n, "same") for n in range(3)]


async def test_a_header_can_be_the_key_in_the_columns_own_type(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE TABLE tagged (id bigint PRIMARY KEY, name text)")
    messages = [
        Message(value=struct({"name": f"{n}"}, name=STRING), headers=[("id", str(n % 2).encode())])
        for n in range(4)
    ]
    await drain(
        kafka_bootstrap,
        database,
        topic,
        messages,
        table__name__format="tagged",
        insert__mode="upsert",
        pk__mode="record_header",
        pk__fields="id",
    )
    assert await rows(database, "SELECT * FROM tagged ORDER BY id") == [(0, "2"), (1, "3")]


async def test_a_table_of_keys_only_upserts_to_do_nothing(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE TABLE seen (id bigint PRIMARY KEY)")
    messages = [Message(value=struct({"id": n % 3}, id=INT64)) for n in range(9)]
    await drain(
        kafka_bootstrap,
        database,
        topic,
        messages,
        table__name__format="seen",
        insert__mode="upsert",
        pk__mode="record_value",
        pk__fields="id",
    )
    assert await rows(database, "SELECT * FROM seen ORDER BY id") == [(0,), (1,), (2,)]


async def test_an_upsert_without_the_primary_key_names_the_statement_that_adds_it(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE TABLE items (id bigint, name text, version bigint)")
    await send(kafka_bootstrap, topic, [Message(value=item(1, "x"))])
    given = configuration(
        database,
        topics=topic,
        table__name__format="items",
        insert__mode="upsert",
        pk__mode="record_value",
        pk__fields="id",
        errors__tolerance="all",
    )
    async with connected(kafka_bootstrap, given) as connector:
        assert 'ALTER TABLE "items" ADD PRIMARY KEY ("id")' in await wait_until_failed(connector)
        await execute(database, 'ALTER TABLE "items" ADD PRIMARY KEY ("id")')
        await connector.restart(only_failed=True)
        await wait_until_read(connector, topic, 1)
    assert await rows(database, "SELECT id FROM items") == [(1,)]
