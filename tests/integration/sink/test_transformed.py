"""Records that go through transforms reach the same columns as those that do not."""

import random

from tests.conftest import MakeTopic
from tests.support.sink import (
    INT64,
    STRING,
    TIMESTAMP,
    Message,
    configuration,
    connected,
    drain,
    envelope,
    execute,
    optional,
    rows,
    struct,
    wait_until_read,
)

LOGICAL = "org.apache.kafka.connect.data."
DECIMAL = {"type": "bytes", "optional": True, "name": LOGICAL + "Decimal", "parameters": {"scale": "2"}}
FIELDS = {
    "id": INT64,
    "price": DECIMAL,
    "day": {"type": "int32", "optional": True, "name": LOGICAL + "Date"},
    "clock": {"type": "int32", "optional": True, "name": LOGICAL + "Time"},
    "at": TIMESTAMP,
    "data": {"type": "bytes", "optional": True},
    "tags": {"type": "array", "items": STRING, "optional": True},
    "days": {"type": "array", "items": {"type": "int32", "name": LOGICAL + "Date"}, "optional": True},
    "inner": {
        "type": "struct",
        "optional": True,
        "fields": [
            {"field": "at", **TIMESTAMP},
            {"field": "price", **DECIMAL},
            {"field": "s", **optional(STRING)},
        ],
    },
    "map": {"type": "map", "keys": STRING, "values": INT64, "optional": True},
}
FULL = {
    "id": 1,
    "price": "ATE=",
    "day": 20000,
    "clock": 1001,
    "at": 1763800000123,
    "data": "AQID",
    "tags": ["a"],
    "days": [1, 2],
    "inner": {"at": 5, "price": "ATE=", "s": None},
    "map": {"k": 7},
}
EMPTY = {"id": 2, "at": 0}


async def test_every_type_is_written_alike_with_and_without_a_transform(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    messages = [Message(value=struct(payload, **FIELDS)) for payload in (FULL, EMPTY)]
    await drain(kafka_bootstrap, database, topic, messages, table__name__format="direct", auto__create="true")
    given = {
        "transforms": "same",
        "transforms.same.type": "org.apache.kafka.connect.transforms.ReplaceField$Value",
        "transforms.same.exclude": "nothing",
    }
    configured = (
        configuration(database, topics=topic, table__name__format="through", auto__create="true") | given
    )
    async with connected(kafka_bootstrap, configured) as connector:
        await wait_until_read(connector, topic, 2)
    direct = await rows(database, "SELECT direct::text FROM direct ORDER BY id")
    assert direct == await rows(database, "SELECT through::text FROM through ORDER BY id")
    types = "SELECT attname::text, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attnum > 0 AND attrelid = "
    assert await rows(database, f"{types} 'direct'::regclass ORDER BY 1") == await rows(
        database, f"{types} 'through'::regclass ORDER BY 1"
    )


async def test_a_transform_may_send_a_record_to_another_table(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await drain(
        kafka_bootstrap,
        database,
        topic,
        [Message(value=struct({"id": 1}, id=INT64))],
        auto__create="true",
        **{
            "transforms": "route",
            "transforms.route.type": "org.apache.kafka.connect.transforms.RegexRouter",
            "transforms.route.regex": ".*",
            "transforms.route.replacement": "elsewhere",
        },
    )
    assert await rows(database, "SELECT id FROM elsewhere") == [(1,)]


async def test_tasks_whose_keys_overlap_by_the_thousand_do_not_deadlock(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic(partitions=4)
    await execute(database, "CREATE TABLE shared (id bigint PRIMARY KEY, n bigint)")
    before = await rows(database, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    messages = [
        Message(
            key=envelope(n, INT64),
            value=struct({"n": turn}, n=INT64),
            partition=partition,
        )
        for turn in range(3)
        for partition in range(4)
        for n in random.Random(partition).sample(range(1500), 1500)  # noqa: S311 - an order of its own per partition
    ]
    await drain(
        kafka_bootstrap,
        database,
        topic,
        messages,
        table__name__format="shared",
        insert__mode="upsert",
        pk__mode="record_key",
        pk__fields="id",
        tasks__max="2",
    )
    assert await rows(database, "SELECT count(*) FROM shared") == [(1500,)]
    assert before == await rows(
        database, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    )
