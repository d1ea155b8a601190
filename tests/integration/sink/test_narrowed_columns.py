"""A column that is narrowed while the sink runs: what it would round from then on is a bad record, not a rounded one."""

from typing import Any

import asyncpg
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
from tests.support.waiting import wait_until

DECIMAL = {
    "type": "bytes",
    "name": "org.apache.kafka.connect.data.Decimal",
    "version": 1,
    "parameters": {"scale": "4"},
}
MICROS = {"type": "int64", "name": "io.debezium.time.MicroTimestamp"}
UPSERT = {"insert__mode": "upsert", "pk__mode": "record_value", "pk__fields": "id"}
WAYS: dict[str, tuple[int, dict[str, str]]] = {
    "few": (3, UPSERT),
    "staged": (200, UPSERT),
    "copied": (200, {"insert__mode": "insert"}),
}
# The column before and after, the field, a value that both keep whole, and one that the narrower would not.
NARROWED: list[tuple[str, str, dict[str, Any], Any, Any]] = [
    ("numeric(10,4)", "numeric(10,2)", DECIMAL, "ZA==", "ZQ=="),
    ("numeric(10,4)", "numeric(10,2)", STRING, "0.0100", "0.0101"),
    ("timestamp", "timestamp(0)", MICROS, 1_000_000, 1_500_000),
    ("interval", "interval day", STRING, "1 day", "1 day 02:00"),
    ("double precision", "real", INT64, 2**24, 2**24 + 1),
    ("text", "name", STRING, "x" * 63, "x" * 64),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("before", "after", "field", "fits", "bad"),
    NARROWED,
    ids=[f"{before} to {after} by {field['type']}" for before, after, field, _, _ in NARROWED],
)
async def test_what_a_column_would_round_since_it_was_narrowed_is_a_bad_record(  # noqa: PLR0913 - each by its name
    kafka_bootstrap: str, database: str, make_topic: MakeTopic,
    *, before: str, after: str, field: dict[str, Any], fits: Any, bad: Any, way: str,
) -> None:  # fmt: skip
    topic = await make_topic()
    count, mode = WAYS[way]
    await execute(database, f"CREATE TABLE made (id bigint PRIMARY KEY, v {before})")

    def messages(start: int, value: Any) -> list[Message]:
        values = [*[fits] * (count - 1), value]
        return [
            Message(value=struct({"id": start + number, "v": each}, id=INT64, v=field))
            for number, each in enumerate(values)
        ]

    given = configuration(database, topics=topic, table__name__format="made", errors__tolerance="all", **mode)
    async with connected(kafka_bootstrap, given) as connector:
        await send(kafka_bootstrap, topic, messages(0, fits))
        await wait_until_read(connector, topic, count)
        other = await asyncpg.connect(database)
        try:
            async with other.transaction():
                await other.execute(f"ALTER TABLE made ALTER COLUMN v TYPE {after}")
                await send(kafka_bootstrap, topic, messages(count, bad))
                await wait_until(lambda: _is_waited_for(other), what="the sink to wait for the table")
        finally:
            await other.close()
        await wait_until_read(connector, topic, 2 * count)
    dead = await rows(database, 'SELECT "offset" FROM sink.dead_letters')
    assert dead == [(2 * count - 1,)]
    assert await rows(database, "SELECT count(*), count(DISTINCT v), max(id) FROM made") == [
        (2 * count - 1, 1, 2 * count - 2)
    ]


async def _is_waited_for(connection: asyncpg.Connection) -> bool:
    query = "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'made'::regclass AND NOT granted)"
    return bool(await connection.fetchval(query))


async def test_what_was_known_of_the_rows_of_another_form_is_forgotten_too(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    """A field that the table had no column for has it looked at again: how older records are written was made before that."""
    topic = await make_topic()
    await execute(database, "CREATE TABLE priced (id bigint PRIMARY KEY, amount numeric)")
    given = configuration(
        database, topics=topic, table__name__format="priced", errors__tolerance="all", **UPSERT
    )
    older = {"id": INT64, "amount": STRING}
    async with connected(kafka_bootstrap, given) as connector:
        await send(kafka_bootstrap, topic, [Message(value=struct({"id": 1, "amount": "1.005"}, **older))])
        await wait_until_read(connector, topic, 1)
        await execute(database, "ALTER TABLE priced ADD COLUMN more text")
        await execute(database, "ALTER TABLE priced ALTER amount TYPE numeric(6, 2) USING trunc(amount, 2)")
        newer = struct({"id": 2, "amount": "2.00", "more": "x"}, **older, more=STRING)
        await send(kafka_bootstrap, topic, [Message(value=newer)])
        await wait_until_read(connector, topic, 2)
        await send(kafka_bootstrap, topic, [Message(value=struct({"id": 3, "amount": "3.005"}, **older))])
        await wait_until_read(connector, topic, 3)
    found = await rows(database, "SELECT id, amount::text FROM priced ORDER BY id")
    assert found == [(1, "1.00"), (2, "2.00")]
