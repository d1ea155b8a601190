"""Tables made and changed by the sink, and tables changed under it."""

import asyncio
import uuid
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

from tests.conftest import MakeTopic
from tests.support.sink import (
    INT64,
    STRING,
    TIMESTAMP,
    Message,
    configuration,
    connected,
    drain,
    execute,
    optional,
    rows,
    send,
    struct,
    wait_until_failed,
    wait_until_read,
)

COLUMNS = """
    SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = 'made'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""


async def test_auto_create_makes_a_column_of_the_right_type_for_every_connect_type(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    logical = "org.apache.kafka.connect.data."
    fields = {
        "id": INT64,
        "small": {"type": "int8", "optional": False},
        "medium": {"type": "int16", "optional": False},
        "usual": {"type": "int32", "optional": True},
        "real": {"type": "float", "optional": True},
        "double": {"type": "double", "optional": True},
        "yes": {"type": "boolean", "optional": True, "default": True},
        "text": {"type": "string", "optional": True, "default": "it's \\ so"},
        "data": {"type": "bytes", "optional": True},
        "price": {
            "type": "bytes",
            "optional": True,
            "name": logical + "Decimal",
            "parameters": {"scale": "2"},
        },
        "day": {"type": "int32", "optional": True, "name": logical + "Date"},
        "clock": {"type": "int32", "optional": True, "name": logical + "Time"},
        "instant": optional(TIMESTAMP),
        "micro": {"type": "int64", "optional": True, "name": "io.debezium.time.MicroTimestamp"},
        "names": {"type": "array", "optional": True, "items": STRING},
        "map": {"type": "map", "optional": True, "keys": STRING, "values": INT64},
        "inner": {"type": "struct", "optional": True, "fields": [{"field": "a", **INT64}]},
    }
    payload = {
        "id": 1,
        "small": -128,
        "medium": 32767,
        "usual": -(2**31),
        "real": 1.5,
        "double": 1e300,
        "text": "ü",
        "data": "AQID",
        "price": "ATE=",
        "day": 20000,
        "clock": 86399999,
        "instant": 1763800000123,
        "micro": 1763800000123456,
        "names": ["a", "b"],
        "map": {"k": 1},
        "inner": {"a": 5},
    }
    await drain(
        kafka_bootstrap,
        database,
        topic,
        [Message(value=struct(payload, **fields))],
        table__name__format="made",
        auto__create="true",
        insert__mode="upsert",
        pk__mode="record_value",
        pk__fields="id",
    )
    assert await rows(database, COLUMNS) == [
        ("id", "bigint", True, None),
        ("small", "smallint", True, None),
        ("medium", "smallint", True, None),
        ("usual", "integer", False, None),
        ("real", "real", False, None),
        ("double", "double precision", False, None),
        ("yes", "boolean", False, "true"),
        ("text", "text", False, "'it''s \\ so'::text"),
        ("data", "bytea", False, None),
        ("price", "numeric", False, None),
        ("day", "date", False, None),
        ("clock", "time without time zone", False, None),
        ("instant", "timestamp with time zone", False, None),
        ("micro", "timestamp without time zone", False, None),
        ("names", "text[]", False, None),
        ("map", "jsonb", False, None),
        ("inner", "jsonb", False, None),
    ]
    assert await rows(database, "SELECT made::text FROM made") == [
        (
            r'(1,-128,32767,-2147483648,1.5,1e+300,t,ü,"\\x010203",3.05,2024-10-04,23:59:59.999,"2025-11-22 08:26:40.123+00","2025-11-22 08:26:40.123456","{a,b}","{""k"": 1}","{""a"": 5}")',
        )
    ]


async def test_auto_evolve_adds_optional_and_defaulted_fields_and_parks_a_required_one(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    plain = {"id": INT64}
    messages = [
        Message(value=struct({"id": 1}, **plain)),
        Message(value=struct({"id": 2, "note": "x"}, **plain, note=optional(STRING))),
        Message(value=struct({"id": 3, "kind": "y"}, **plain, kind={**STRING, "default": "z"})),
        Message(value=struct({"id": 4, "must": "y"}, **plain, must=STRING)),
        Message(value=struct({"id": 5}, **plain)),
    ]
    await drain(
        kafka_bootstrap,
        database,
        topic,
        messages,
        table__name__format="made",
        auto__create="true",
        auto__evolve="true",
        errors__tolerance="all",
    )
    assert await rows(database, "SELECT id, note, kind FROM made ORDER BY id") == [
        (1, None, "z"),
        (2, "x", "z"),
        (3, None, "y"),
        (5, None, "z"),
    ]
    [(offset, error)] = await rows(database, 'SELECT "offset", error FROM sink.dead_letters')
    assert offset == 3
    assert "'must'" in error


async def test_a_missing_table_is_explained_with_the_statement_that_makes_it(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await send(kafka_bootstrap, topic, [Message(value=struct({"id": 1}, id=INT64))])
    given = configuration(database, topics=topic, table__name__format="made", errors__tolerance="all")
    async with connected(kafka_bootstrap, given) as connector:
        trace = await wait_until_failed(connector)
    assert 'CREATE TABLE IF NOT EXISTS "made" ("id" bigint NOT NULL)' in trace
    assert await rows(database, "SELECT count(*) FROM sink.dead_letters") == [(0,)]


async def test_a_column_added_or_dropped_by_hand_is_noticed_without_a_restart(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE TABLE made (id bigint, gone text)")
    given = configuration(database, topics=topic, table__name__format="made", fields__whitelist="id,gone,new")
    async with connected(kafka_bootstrap, given) as connector:
        await send(
            kafka_bootstrap, topic, [Message(value=struct({"id": 1, "gone": "x"}, id=INT64, gone=STRING))]
        )
        await wait_until_read(connector, topic, 1)
        await execute(
            database,
            "ALTER TABLE made DROP COLUMN gone",
            "ALTER TABLE made ADD COLUMN new text",
            "ALTER TABLE made ALTER COLUMN id TYPE numeric",
        )
        await send(
            kafka_bootstrap, topic, [Message(value=struct({"id": 2, "new": "y"}, id=INT64, new=STRING))]
        )
        await wait_until_read(connector, topic, 2)
    assert await rows(database, "SELECT id::text, new FROM made ORDER BY id") == [("1", None), ("2", "y")]


async def test_a_table_dropped_by_hand_is_made_again(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    given = configuration(database, topics=topic, table__name__format="made", auto__create="true")
    async with connected(kafka_bootstrap, given) as connector:
        await send(kafka_bootstrap, topic, [Message(value=struct({"id": 1}, id=INT64))])
        await wait_until_read(connector, topic, 1)
        await execute(database, "DROP TABLE made")
        await send(kafka_bootstrap, topic, [Message(value=struct({"id": 2}, id=INT64))])
        await wait_until_read(connector, topic, 2)
    assert await rows(database, "SELECT id FROM made") == [(2,)]


async def test_two_tasks_make_the_same_table_at_once(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic(partitions=4)
    await send(
        kafka_bootstrap,
        topic,
        [Message(value=struct({"id": n}, id=INT64), partition=n % 4) for n in range(400)],
    )
    given = configuration(
        database, topics=topic, table__name__format="made", auto__create="true", tasks__max="2"
    )
    async with connected(kafka_bootstrap, given) as connector:
        await wait_until_read(connector, topic, 400)
    assert await rows(database, "SELECT count(*) FROM made") == [(400,)]


async def test_several_topics_go_to_tables_by_format_mapping_and_normalization(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    first, second = await asyncio.gather(make_topic(), make_topic())
    await execute(database, "CREATE SCHEMA side")
    for topic in (first, second):
        await send(kafka_bootstrap, topic, [Message(value=struct({"id": 1}, id=INT64))])
    given = configuration(
        database,
        topics__regex=f"(?i)\\Q{first.upper()}\\E|{second}",
        topics__to__tables__mapping=f"{second}:side.mapped",
        table__name__format="public.t_${topic}",
        table__name__normalize="true",
        auto__create="true",
    )
    async with connected(kafka_bootstrap, given) as connector:
        await wait_until_read(connector, first, 1)
        await wait_until_read(connector, second, 1)
    normal = first.replace("-", "_")
    assert await rows(database, f'SELECT id FROM public."t_{normal}"') == [(1,)]  # noqa: S608 - the test's own name
    assert await rows(database, "SELECT id FROM side.mapped") == [(1,)]


async def test_a_bad_record_does_not_keep_the_table_from_being_changed_for_its_neighbours(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(database, f'CREATE TABLE "{topic}" (id bigint PRIMARY KEY, n bigint CHECK (n >= 0))')
    await drain(
        kafka_bootstrap,
        database,
        topic,
        [
            Message(value=struct({"id": 1, "n": -1}, id=INT64, n=INT64)),
            Message(value=struct({"id": 2, "n": 2, "w": "x"}, id=INT64, n=INT64, w=optional(STRING))),
        ],
        insert__mode="upsert",
        pk__mode="record_value",
        pk__fields="id",
        auto__evolve="true",
        errors__tolerance="all",
    )
    assert await rows(database, f'SELECT id, n, w FROM "{topic}"') == [(2, 2, "x")]  # noqa: S608 - the test's own
    assert await rows(database, 'SELECT "offset" FROM sink.dead_letters') == [(0,)]


MANY = 200  # rows that are copied


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize(
    ("before", "after", "field", "first", "then", "expected"),
    [
        ("text", "integer USING v::integer", STRING, "5", "6", ["5", "6"]),
        ("bigint", "double precision", INT64, 5, 6, ["5", "6"]),
        ("integer", "text", {"type": "int32", "optional": False}, 5, 6, ["5", "6"]),
        ("numeric(6,2)", "numeric(8,4)", STRING, "1.25", "1.2345", ["1.2500", "1.2345"]),
        ("varchar(2)", "uuid USING NULL", STRING, "x", "6ba7b810-9dad-11d1-80b4-00c04fd430c8", [None, "6ba7b810-9dad-11d1-80b4-00c04fd430c8"]),
    ],
)  # fmt: skip
async def test_a_column_that_gets_another_type_by_hand_takes_what_comes_then(  # noqa: PLR0913 - each by its name
    kafka_bootstrap: str, database: str, make_topic: MakeTopic,
    *, before: str, after: str, field: dict[str, Any], first: Any, then: Any, expected: list[Any], many: bool,
) -> None:  # fmt: skip
    topic = await make_topic()
    await execute(database, f"CREATE TABLE made (id bigint PRIMARY KEY, v {before})")
    count = MANY if many else 1

    def messages(value: Any, start: int) -> list[Message]:
        return [Message(value=struct({"id": start + n, "v": value}, id=INT64, v=field)) for n in range(count)]

    given = configuration(database, topics=topic, table__name__format="made", errors__tolerance="all")
    async with connected(kafka_bootstrap, given) as connector:
        await send(kafka_bootstrap, topic, messages(first, 0))
        await wait_until_read(connector, topic, count)
        await execute(database, f"ALTER TABLE made ALTER COLUMN v TYPE {after}")
        await send(kafka_bootstrap, topic, messages(then, count))
        await wait_until_read(connector, topic, 2 * count)
    assert await rows(database, "SELECT count(*) FROM sink.dead_letters") == [(0,)]
    found = await rows(database, "SELECT v::text FROM made ORDER BY id")
    assert [value for (value,) in found] == [expected[0]] * count + [expected[1]] * count


async def test_a_role_that_may_only_insert_copies_rows(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE TABLE made (id bigint)")
    messages = [Message(value=struct({"id": n}, id=INT64)) for n in range(MANY)]
    role = f"inserts_{uuid.uuid4().hex[:8]}"
    url = urlsplit(database)
    name = url.path[1:]
    await execute(
        database,
        f"CREATE ROLE {role} LOGIN PASSWORD 'p'; GRANT CREATE ON DATABASE \"{name}\" TO {role}; GRANT INSERT ON made TO {role}",
    )
    try:
        as_role = urlunsplit(url._replace(netloc=f"{role}:p@{url.hostname}:{url.port}"))
        await drain(kafka_bootstrap, as_role, topic, messages, table__name__format="made")
        assert await rows(database, "SELECT count(*) FROM made") == [(MANY,)]
    finally:
        await execute(database, f"DROP OWNED BY {role} CASCADE; DROP ROLE {role}")
