"""`insert.mode=ignore`: the first state of a key stays, on every way a row can take."""

import json
import random

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
)

FIELDS = {"id": INT64, "v": INT64}
BY_VALUE = {
    "insert__mode": "ignore",
    "pk__mode": "record_value",
    "pk__fields": "id",
    "table__name__format": "t",
}
BY_KEY = {**BY_VALUE, "pk__mode": "record_key"}
TABLE = "CREATE TABLE t (id bigint PRIMARY KEY, v bigint)"


def row(number: int, v: int) -> Message:
    return Message(key=envelope(number, INT64), value=struct({"id": number, "v": v}, **FIELDS))


def gone(number: int) -> Message:
    return Message(key=envelope(number, INT64), value=None)


@pytest.mark.parametrize("count", [1, 20, 500])
@pytest.mark.parametrize(
    "keys", [BY_VALUE, BY_KEY, {**BY_VALUE, "pk__mode": "none"}], ids=["value", "key", "none"]
)
async def test_the_first_state_of_a_key_stays_however_many_come_at_once(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, count: int, keys: dict[str, str]
) -> None:
    topic = await make_topic()
    await execute(database, TABLE, "INSERT INTO t VALUES (0, 0)")
    messages = [row(n, turn) for turn in (1, 2, 3) for n in range(count + 1)]
    await drain(kafka_bootstrap, database, topic, messages, **keys)
    found = await rows(database, "SELECT id, v FROM t ORDER BY id")
    assert found == [(n, 1 if n else 0) for n in range(count + 1)]


async def test_the_first_state_wins_whatever_room_the_rows_take(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    """A temporary table fills the gaps that large rows have left, so that what came late may be read early."""
    topic = await make_topic()
    await execute(database, "CREATE TABLE t (id bigint PRIMARY KEY, v bigint, filling text)")
    fields = {**FIELDS, "filling": STRING}
    chance = random.Random(3)  # noqa: S311 - the same records every time
    messages = []
    for number in range(3_000):
        lengths = chance.choice([1_500, 1_900]), 1_000
        messages += [
            Message(value=struct({"id": number, "v": v, "filling": "x" * length}, **fields))
            for v, length in enumerate(lengths)
        ]
    keys = {**BY_VALUE, "pk__mode": "none", "linger__ms": "1000"}
    await drain(kafka_bootstrap, database, topic, messages, **keys)
    assert await rows(database, "SELECT count(*), max(v) FROM t") == [(3_000, 0)]


async def test_deletions_count_in_their_order(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(database, TABLE, "INSERT INTO t SELECT n, 0 FROM generate_series(1, 200) n")
    messages = []
    for n in range(1, 201):
        messages += [row(n, 1), gone(n), row(n, 2), row(n, 3)] + ([gone(n)] if n % 2 else [])
    await drain(kafka_bootstrap, database, topic, messages, **BY_KEY, delete__enabled="true")
    found = await rows(database, "SELECT id, v FROM t ORDER BY id")
    assert found == [(n, 2) for n in range(2, 201, 2)]


async def test_without_deletions_a_tombstone_changes_nothing(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(database, TABLE)
    await drain(kafka_bootstrap, database, topic, [row(1, 1), gone(1), row(1, 2)], **BY_KEY)
    assert await rows(database, "SELECT * FROM t") == [(1, 1)]


@pytest.mark.parametrize("count", [3, 300])
async def test_a_projection_sees_what_was_really_inserted(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, count: int
) -> None:
    topic = await make_topic()
    await execute(
        database,
        TABLE,
        "INSERT INTO t VALUES (0, 1000)",
        "CREATE TABLE total (one boolean PRIMARY KEY, v bigint)",
        "INSERT INTO total VALUES (true, 1000)",
    )
    projection = (
        "INSERT INTO total AS o (one, v) SELECT true, sum(v) FROM "
        "(SELECT v FROM new_t UNION ALL SELECT -v FROM old_t) AS change HAVING count(*) > 0 "
        "ON CONFLICT (one) DO UPDATE SET v = o.v + excluded.v"
    )
    messages = [row(n, turn) for turn in (1, 2) for n in range(count)] + [gone(1), row(1, 5), row(1, 6)]
    await drain(
        kafka_bootstrap,
        database,
        topic,
        messages,
        **BY_KEY,
        delete__enabled="true",
        projections="total",
        projection__total__sql=projection,
    )
    [(expected,)] = await rows(database, "SELECT sum(v)::bigint FROM t")
    assert expected == 1000 + (count - 2) + 5
    assert await rows(database, "SELECT v FROM total") == [(expected,)]


@pytest.mark.parametrize("mode", ["record_value", "none"])
async def test_records_of_many_shapes_without_a_schema_leave_the_first_state_of_each_key(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, mode: str
) -> None:
    topic = await make_topic()
    names = [f"f{number}" for number in range(6)]
    await execute(
        database, f"CREATE TABLE t (id bigint PRIMARY KEY, {', '.join(f'{n} integer' for n in names)})"
    )
    records = [
        {"id": number % 300} | {name: number for bit, name in enumerate(names) if number * 7 >> bit & 1}
        for number in range(1_000)
    ]
    await drain(
        kafka_bootstrap,
        database,
        topic,
        [Message(value=json.dumps(each).encode()) for each in records],
        **{**BY_VALUE, "pk__mode": mode},
        value__converter__schemas__enable="false",
    )
    found = await rows(database, "SELECT * FROM t ORDER BY id")
    assert found == [(record["id"], *(record.get(name) for name in names)) for record in records[:300]]


@pytest.mark.parametrize("count", [1, 100])
async def test_another_constraint_than_the_keys_makes_a_bad_record(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, count: int
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE TABLE t (id bigint PRIMARY KEY, v bigint UNIQUE)")
    messages = [row(n, n) for n in range(count)] + [row(0, 7_000), row(1_000, 0)]
    await drain(kafka_bootstrap, database, topic, messages, **BY_VALUE, errors__tolerance="all")
    assert await rows(database, "SELECT count(*), max(v) FROM t") == [(count, count - 1)]
    assert await rows(database, 'SELECT "offset" FROM sink.dead_letters') == [(count + 1,)]


async def test_without_a_key_every_constraint_counts(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE TABLE t (id bigint PRIMARY KEY, v bigint UNIQUE)")
    messages = [row(1, 1), row(1, 2), row(2, 1), row(3, 3)]
    await drain(kafka_bootstrap, database, topic, messages, **{**BY_VALUE, "pk__mode": "none"})
    assert await rows(database, "SELECT id, v FROM t ORDER BY id") == [(1, 1), (3, 3)]


@pytest.mark.parametrize(
    "statements",
    [
        ("CREATE TABLE b (id bigint PRIMARY KEY, v bigint)", "CREATE VIEW t AS SELECT id, v FROM b"),
        (
            "CREATE TABLE t (id bigint PRIMARY KEY, v bigint) PARTITION BY HASH (id)",
            "CREATE TABLE p PARTITION OF t FOR VALUES WITH (MODULUS 1, REMAINDER 0)",
        ),
        ("CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v bigint)",),
        ("CREATE TABLE t (id bigint PRIMARY KEY, v bigint, next bigint REFERENCES t)",),
    ],
    ids=["view", "partitioned", "identity", "refers to itself"],
)
@pytest.mark.parametrize("count", [3, 200])
async def test_a_table_that_is_more_than_plain_takes_the_first_states_too(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, statements: tuple[str, ...], count: int
) -> None:
    topic = await make_topic()
    await execute(database, *statements)
    messages = [row(n, turn) for turn in (1, 2) for n in range(count)]
    await drain(kafka_bootstrap, database, topic, messages, **BY_VALUE)
    assert await rows(database, "SELECT count(*), max(v) FROM t") == [(count, 1)]


@pytest.mark.parametrize("count", [2, 200])
async def test_keys_are_equal_where_the_database_finds_them_so(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, count: int
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE TABLE t (id char(8) PRIMARY KEY, v text)")
    keys = {"id": STRING, "v": optional(STRING)}
    messages = [
        Message(value=struct({"id": f"{n}{end}", "v": end}, **keys))
        for n in range(count)
        for end in (" ", "")
    ]
    await drain(kafka_bootstrap, database, topic, messages, **BY_VALUE)
    assert await rows(database, "SELECT v, count(*) FROM t GROUP BY v") == [(" ", count)]


async def test_a_table_is_made_with_its_key_and_grows_columns(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    longer = struct({"id": 2, "v": 2, "w": 2}, **FIELDS, w=optional(INT64))
    again = struct({"id": 1, "v": 9, "w": 9}, **FIELDS, w=optional(INT64))
    messages = [row(1, 1), Message(value=longer), Message(value=again)]
    await drain(
        kafka_bootstrap, database, topic, messages, **BY_VALUE, auto__create="true", auto__evolve="true"
    )
    assert await rows(database, "SELECT id, v, w FROM t ORDER BY id") == [(1, 1, None), (2, 2, 2)]


@pytest.mark.parametrize(
    "case",
    [
        ("CREATE TABLE t (id bigint, v bigint)", "record_value", 'ALTER TABLE "t" ADD PRIMARY KEY ("id")'),
        ("CREATE TABLE t (id bigint PRIMARY KEY DEFERRABLE, v bigint)", "record_value", "it is DEFERRABLE"),
        (
            "CREATE TABLE t (id bigint, v bigint UNIQUE DEFERRABLE)",
            "none",
            "the key on v of table t: it is DEFERRABLE",
        ),
    ],
)
async def test_a_table_without_a_key_to_go_by_is_refused(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, case: tuple[str, str, str]
) -> None:
    topic = await make_topic()
    table, mode, said = case
    await execute(database, table)
    await send(kafka_bootstrap, topic, [row(1, 1)])
    given = configuration(database, topics=topic, errors__tolerance="all", **{**BY_VALUE, "pk__mode": mode})
    async with connected(kafka_bootstrap, given) as connector:
        assert said in await wait_until_failed(connector)
