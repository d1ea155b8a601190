"""A composite type that gets an attribute, or loses one, while the sink runs: what is written from then on goes by it."""

import pytest

from tests.conftest import MakeTopic
from tests.support.sink import (
    INT64,
    Message,
    configuration,
    connected,
    execute,
    rows,
    send,
    struct,
    wait_until_read,
)

UPSERT = {"insert__mode": "upsert", "pk__mode": "record_value", "pk__fields": "id"}
COUNTS = [1, 200]
PAIR = {
    "type": "struct",
    "optional": True,
    "fields": [{"field": name, "type": "int32", "optional": True} for name in ("a", "b")],
}
MAP = {
    "type": "map",
    "optional": True,
    "keys": {"type": "string", "optional": False},
    "values": {"type": "int32", "optional": True},
}


@pytest.mark.parametrize("count", COUNTS)
async def test_an_attribute_that_comes_takes_what_comes_then(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, count: int
) -> None:
    topic = await make_topic()
    await execute(
        database, "CREATE TYPE pair AS (a integer)", "CREATE TABLE made (id bigint PRIMARY KEY, v pair)"
    )

    def messages(start: int, name: str) -> list[Message]:
        return [
            Message(value=struct({"id": start + number, "v": {name: 1}}, id=INT64, v=MAP))
            for number in range(count)
        ]

    given = configuration(
        database, topics=topic, table__name__format="made", errors__tolerance="all", **UPSERT
    )
    async with connected(kafka_bootstrap, given) as connector:
        await send(kafka_bootstrap, topic, messages(0, "a"))
        await wait_until_read(connector, topic, count)
        await execute(database, "ALTER TYPE pair ADD ATTRIBUTE b integer")
        await send(kafka_bootstrap, topic, messages(count, "b"))
        await wait_until_read(connector, topic, 2 * count)
        await send(kafka_bootstrap, topic, messages(2 * count, "a"))
        await wait_until_read(connector, topic, 3 * count)
    found = await rows(database, "SELECT v::text, count(*) FROM made GROUP BY 1 ORDER BY 1")
    assert found == [("(,1)", count), ("(1,)", 2 * count)]
    assert await rows(database, "SELECT count(*) FROM sink.dead_letters") == [(0,)]


async def written_before_and_after(
    bootstrap: str, database: str, topic: str, change: str, *, count: int
) -> None:
    """So many records with both attributes of `pair`, the change of it, and as many again."""
    await execute(
        database,
        "CREATE TYPE pair AS (a integer, b integer)",
        "CREATE TABLE made (id bigint PRIMARY KEY, v pair)",
    )
    given = configuration(
        database, topics=topic, table__name__format="made", errors__tolerance="all", **UPSERT
    )
    async with connected(bootstrap, given) as connector:
        for start, first in ((0, None), (count, change)):
            if first:
                await execute(database, first)
            await send(
                bootstrap,
                topic,
                [
                    Message(value=struct({"id": start + number, "v": {"a": 1, "b": 2}}, id=INT64, v=PAIR))
                    for number in range(count)
                ],
            )
            await wait_until_read(connector, topic, start + count)


@pytest.mark.parametrize("count", COUNTS)
async def test_a_field_whose_attribute_is_gone_is_a_bad_record(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, count: int
) -> None:
    topic = await make_topic()
    await written_before_and_after(
        kafka_bootstrap, database, topic, "ALTER TYPE pair DROP ATTRIBUTE b", count=count
    )
    assert await rows(database, "SELECT v::text, count(*) FROM made GROUP BY 1") == [("(1)", count)]
    assert await rows(database, "SELECT count(*) FROM sink.dead_letters") == [(count,)]


@pytest.mark.parametrize("count", COUNTS)
async def test_an_attribute_of_another_name_takes_no_field_of_the_old_one(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, count: int
) -> None:
    topic = await make_topic()
    await written_before_and_after(
        kafka_bootstrap, database, topic, "ALTER TYPE pair RENAME ATTRIBUTE b TO c", count=count
    )
    assert await rows(database, "SELECT count(*) FROM made") == [(count,)]
    assert await rows(database, "SELECT count(*) FROM sink.dead_letters") == [(count,)]
