"""Rows that several tasks write at once, and values that only one of them may have: one bad record each, and no task waits for ever."""

import json
from collections.abc import Callable

import pytest

from tests.conftest import MakeTopic
from tests.support.sink import (
    INT64,
    STRING,
    Message,
    configuration,
    connected,
    execute,
    rows,
    send,
    struct,
    wait_until_read,
)

COUNT = 200
TWO_TASKS = {"tasks__max": "2", "table__name__format": "t", "errors__tolerance": "all"}
KEYED = {"pk__mode": "record_value", "pk__fields": "id"}


def row(key: str, value: int, partition: int) -> Message:
    return Message(value=struct({"id": key, "v": value}, id=STRING, v=INT64), partition=partition)


async def written(bootstrap: str, database: str, topic: str, messages: list[Message], **keys: str) -> None:
    await send(bootstrap, topic, messages)
    given = configuration(database, topics=topic, **TWO_TASKS, **keys)
    async with connected(bootstrap, given) as connector:
        await wait_until_read(connector, topic, len(messages), timeout_s=90)


@pytest.mark.parametrize("mode", ["insert", "upsert"])
@pytest.mark.parametrize("size", ["10", "5000"])
async def test_of_two_rows_with_one_unique_value_one_is_a_bad_record_whichever_task_wrote_it(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, mode: str, size: str
) -> None:
    topic = await make_topic(partitions=2)
    await execute(database, "CREATE TABLE t (id text PRIMARY KEY, v bigint UNIQUE)")
    # In opposite orders, so that each task holds what the other waits for.
    messages = [row(f"a{n:03}", n, 0) for n in range(COUNT)]
    messages += [row(f"b{n:03}", COUNT - 1 - n, 1) for n in range(COUNT)]
    await written(kafka_bootstrap, database, topic, messages, insert__mode=mode, batch__size=size, **KEYED)
    assert await rows(database, "SELECT count(*), count(DISTINCT v) FROM t") == [(COUNT, COUNT)]
    assert await rows(database, "SELECT count(*) FROM sink.dead_letters") == [(COUNT,)]
    lost = "SELECT count(*) FROM sink.dead_letters d WHERE d.error NOT LIKE '%t_v_key%'"
    assert await rows(database, lost) == [(0,)]


def sparse(key: str, value: int, partition: int) -> Message:
    """A record without a schema, which has the column `w` or has not."""
    fields = {"id": key, "v": value} | ({"w": value} if int(key[1:]) % 2 else {})
    return Message(value=json.dumps(fields).encode(), partition=partition)


@pytest.mark.parametrize("made", [row, sparse], ids=["of one schema", "with fields that are missing"])
async def test_keys_that_both_tasks_write_end_as_one_of_them_left_them(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, made: Callable[[str, int, int], Message]
) -> None:
    topic = await make_topic(partitions=2)
    await execute(database, "CREATE TABLE t (id text PRIMARY KEY, v bigint, w bigint)")
    messages = [made(f"k{n:03}", part, part) for part in (0, 1) for n in range(COUNT)]
    keys = {"insert__mode": "upsert", "batch__size": "20", **KEYED}
    if made is sparse:
        keys |= {
            "value__converter": "org.apache.kafka.connect.json.JsonConverter",
            "value__converter__schemas__enable": "false",
        }
    await written(kafka_bootstrap, database, topic, messages, **keys)
    assert await rows(database, "SELECT count(*) FROM t WHERE v IN (0, 1)") == [(COUNT,)]
    assert await rows(database, "SELECT count(*) FROM sink.dead_letters") == [(0,)]


async def test_the_first_of_two_tasks_rows_stays_where_that_is_asked_for(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic(partitions=2)
    await execute(database, "CREATE TABLE t (id text, v bigint UNIQUE)")
    messages = [row(f"p{part}", n, part) for part in (0, 1) for n in range(COUNT)]
    await written(kafka_bootstrap, database, topic, messages, insert__mode="ignore", pk__mode="none")
    assert await rows(database, "SELECT count(*), count(DISTINCT v) FROM t") == [(COUNT, COUNT)]
    assert await rows(database, "SELECT count(*) FROM sink.dead_letters") == [(0,)]


async def test_an_exclusion_constraint_across_tasks_makes_one_bad_record_of_two(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic(partitions=2)
    await execute(
        database, "CREATE TABLE t (id text PRIMARY KEY, v bigint, EXCLUDE (v WITH =) WHERE (v % 2 = 0))"
    )
    messages = [row(f"a{n:03}", n, 0) for n in range(COUNT)]
    messages += [row(f"b{n:03}", n, 1) for n in range(COUNT)]
    await written(
        kafka_bootstrap, database, topic, messages, insert__mode="upsert", batch__size="50", **KEYED
    )
    assert await rows(database, "SELECT count(*) FROM t WHERE v % 2 = 0") == [(COUNT // 2,)]
    assert await rows(database, "SELECT count(*) FROM t WHERE v % 2 = 1") == [(COUNT,)]
    assert await rows(database, "SELECT count(*) FROM sink.dead_letters") == [(COUNT // 2,)]
