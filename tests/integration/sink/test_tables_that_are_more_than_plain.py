"""Rules, policies, views, identity columns, refusing triggers: an INSERT counts, for one row as for hundreds."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit

import pytest

from sink_connector.sink.session import prepare_database
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
    struct,
    wait_until_failed,
    wait_until_read,
)

INT32 = {"type": "int32", "optional": False}


def row(key: str, version: int) -> Message:
    return Message(value=struct({"id": key, "v": version}, id=STRING, v=INT32))


def many(count: int) -> list[Message]:
    return [row(f"k{number:03}", number) for number in range(count)]


@pytest.fixture
async def as_writer(database: str) -> AsyncIterator[str]:
    """The database as a role that row-level security counts for."""
    import asyncpg  # noqa: PLC0415 - only here

    role = "w" + database.rpartition("_")[2]
    connection = await asyncpg.connect(database)
    await prepare_database(connection)
    await connection.execute(
        f"CREATE ROLE {role} LOGIN PASSWORD 'w'; GRANT ALL ON SCHEMA sink, public TO {role};"
        f"GRANT ALL ON ALL TABLES IN SCHEMA sink TO {role}; GRANT ALL ON ALL SEQUENCES IN SCHEMA sink TO {role}"
    )
    parts = urlsplit(database)
    place = parts.netloc.rpartition("@")[2]
    yield urlunsplit(parts._replace(netloc=f"{role}:w@{place}"))
    await connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
    await connection.close()


@pytest.mark.parametrize("mode", ["insert", "upsert"])
async def test_policies_count_for_each_row(
    kafka_bootstrap: str, database: str, as_writer: str, make_topic: MakeTopic, mode: str
) -> None:
    topic = await make_topic()
    await execute(
        database,
        "CREATE TABLE t (id text PRIMARY KEY, v integer)",
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY positive ON t USING (true) WITH CHECK (v >= 0)",
        "GRANT ALL ON t TO PUBLIC",
    )
    messages = many(200)
    messages[100] = row("bad", -1)
    await drain(
        kafka_bootstrap,
        as_writer,
        topic,
        messages,
        table__name__format="t",
        insert__mode=mode,
        pk__mode="record_value",
        pk__fields="id",
        errors__tolerance="all",
    )
    assert await rows(database, "SELECT count(*) FROM t") == [(199,)]
    assert await rows(database, 'SELECT "offset" FROM sink.dead_letters') == [(100,)]


async def test_a_policy_that_comes_while_rows_are_copied_counts_from_then_on(
    kafka_bootstrap: str, database: str, as_writer: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE TABLE t (id text, v integer)", "GRANT ALL ON t TO PUBLIC")
    given = configuration(as_writer, topics=topic, table__name__format="t", errors__tolerance="all")
    async with connected(kafka_bootstrap, given) as connector:
        await send(kafka_bootstrap, topic, many(200))
        await wait_until_read(connector, topic, 200)
        await execute(
            database,
            "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
            "CREATE POLICY small ON t USING (true) WITH CHECK (v < 199)",
        )
        await send(kafka_bootstrap, topic, many(200))
        await wait_until_read(connector, topic, 400)
    assert await rows(database, "SELECT count(*) FROM t") == [(399,)]
    assert await rows(database, 'SELECT "offset" FROM sink.dead_letters') == [(399,)]


@pytest.mark.parametrize("size", [("upsert", 5), ("upsert", 200), ("update", 5), ("update", 200)])
async def test_a_row_that_a_policy_keeps_from_the_role_is_not_updated(
    kafka_bootstrap: str, database: str, as_writer: str, make_topic: MakeTopic, size: tuple[str, int]
) -> None:
    """An upsert of it is refused by PostgreSQL; an update finds nothing, as it does for a row that is not there."""
    topic, (mode, count) = await make_topic(), size
    await execute(
        database,
        "CREATE TABLE t (id text PRIMARY KEY, v integer)",
        "INSERT INTO t VALUES ('k003', -7)",
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY mine ON t USING (v >= 0)",
        "GRANT ALL ON t TO PUBLIC",
    )
    await drain(
        kafka_bootstrap,
        as_writer,
        topic,
        many(count),
        table__name__format="t",
        insert__mode=mode,
        pk__mode="record_value",
        pk__fields="id",
        errors__tolerance="all",
    )
    assert await rows(database, "SELECT v FROM t WHERE id = 'k003'") == [(-7,)]
    others, dead = (count, [(3,)]) if mode == "upsert" else (1, [])
    assert await rows(database, "SELECT count(*) FROM t") == [(others,)]
    assert await rows(database, 'SELECT "offset" FROM sink.dead_letters') == dead


async def test_a_policy_whose_function_fails_for_one_row_makes_one_bad_record(
    kafka_bootstrap: str, database: str, as_writer: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(
        database,
        "CREATE TABLE t (id text, v integer)",
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY divides ON t USING (true) WITH CHECK (10 / (v - 100) < 100)",
        "GRANT ALL ON t TO PUBLIC",
    )
    await drain(
        kafka_bootstrap, as_writer, topic, many(200), table__name__format="t", errors__tolerance="all"
    )
    assert await rows(database, "SELECT count(*) FROM t") == [(199,)]
    assert await rows(database, 'SELECT "offset" FROM sink.dead_letters') == [(100,)]


async def test_a_delete_that_a_policy_keeps_from_the_role_deletes_nothing(
    kafka_bootstrap: str, database: str, as_writer: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(
        database,
        "CREATE TABLE t (id text PRIMARY KEY, v integer)",
        "INSERT INTO t VALUES ('a', -1), ('b', 1)",
        "ALTER TABLE t ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY mine ON t USING (v >= 0)",
        "GRANT ALL ON t TO PUBLIC",
    )
    await drain(
        kafka_bootstrap,
        as_writer,
        topic,
        [Message(key=envelope(key, STRING), value=None) for key in ("a", "b")],
        table__name__format="t",
        pk__mode="record_key",
        pk__fields="id",
        delete__enabled="true",
        insert__mode="upsert",
    )
    assert await rows(database, "SELECT id FROM t") == [("a",)]


@pytest.mark.parametrize("count", [3, 100])
async def test_a_role_that_may_not_update_deletes_and_inserts(
    kafka_bootstrap: str, database: str, as_writer: str, make_topic: MakeTopic, count: int
) -> None:
    topic = await make_topic()
    await execute(
        database,
        "CREATE TABLE t (id text PRIMARY KEY, v integer)",
        f"INSERT INTO t SELECT 'old' || n, 0 FROM generate_series(0, {count - 1}) AS n",  # noqa: S608 - our own
        "GRANT SELECT, INSERT, DELETE ON t TO PUBLIC",
    )
    deleted = [Message(key=envelope(f"old{n}", STRING), value=None) for n in range(count)]
    inserted = [
        Message(key=envelope(f"new{n}", STRING), value=struct({"v": n}, v=INT32)) for n in range(count)
    ]
    await drain(
        kafka_bootstrap,
        as_writer,
        topic,
        deleted + inserted,
        table__name__format="t",
        pk__mode="record_key",
        pk__fields="id",
        delete__enabled="true",
    )
    assert await rows(database, "SELECT count(*), min(id) FROM t") == [(count, "new0")]


async def test_a_table_that_the_role_may_not_write_fails_the_task_and_makes_no_dead_letter(
    kafka_bootstrap: str, database: str, as_writer: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE TABLE t (id text, v integer)")
    await send(kafka_bootstrap, topic, many(3))
    given = configuration(as_writer, topics=topic, table__name__format="t", errors__tolerance="all")
    async with connected(kafka_bootstrap, given) as connector:
        assert "permission denied" in await wait_until_failed(connector)
    assert await rows(database, "SELECT count(*) FROM sink.dead_letters") == [(0,)]


@pytest.mark.parametrize(
    ("statements", "counted"),
    [
        (
            (
                "CREATE TABLE t (id text, v integer)",
                "CREATE TABLE b (id text, v integer)",
                "CREATE RULE r AS ON INSERT TO t DO INSTEAD INSERT INTO b VALUES (new.id, new.v)",
            ),
            "b",
        ),
        (("CREATE TABLE b (id text, v integer)", "CREATE VIEW t AS SELECT id, v FROM b"), "b"),
        (
            (
                "CREATE TABLE t (id text, v integer) PARTITION BY HASH (id)",
                "CREATE TABLE p PARTITION OF t FOR VALUES WITH (MODULUS 1, REMAINDER 0)",
            ),
            "p",
        ),
        (
            ("CREATE TABLE t (id text, v integer GENERATED ALWAYS AS IDENTITY)",),
            "t",
        ),
    ],
    ids=["rule", "view", "partitioned", "identity"],
)
async def test_an_insert_does_the_same_for_a_few_rows_as_for_many(
    kafka_bootstrap: str,
    database: str,
    make_topic: MakeTopic,
    statements: tuple[str, ...],
    counted: str,
) -> None:
    await execute(database, *statements)
    for count in (3, 200):
        topic = await make_topic()
        await drain(kafka_bootstrap, database, topic, many(count), table__name__format="t")
        found = await rows(database, f"SELECT count(*), max(v) FROM {counted}")  # noqa: S608 - a constant
        assert found == [(count, count - 1)]
        await execute(database, f"DELETE FROM {counted}")  # noqa: S608 - as above


INTO_THE_OTHER = "CREATE RULE r AS ON INSERT TO t DO INSTEAD INSERT INTO b VALUES (new.id, new.v)"
ANOTHER = ["ALTER TABLE t RENAME TO was", "CREATE TABLE t (id text, v integer)"]
CHANGES = {
    "a rule": [INTO_THE_OTHER],
    "a view in its place": ["ALTER TABLE t RENAME TO was", "CREATE VIEW t AS SELECT id, v FROM b"],
    "another in its place, with a rule": [*ANOTHER, INTO_THE_OTHER],
}


@pytest.mark.parametrize("change", CHANGES)
async def test_what_becomes_of_a_table_while_rows_are_copied_into_it_is_noticed(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, change: str
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE TABLE t (id text, v integer)", "CREATE TABLE b (id text, v integer)")
    given = configuration(database, topics=topic, table__name__format="t")
    async with connected(kafka_bootstrap, given) as connector:
        await send(kafka_bootstrap, topic, many(200))
        await wait_until_read(connector, topic, 200)
        await execute(database, *CHANGES[change])
        await send(kafka_bootstrap, topic, many(200))
        await wait_until_read(connector, topic, 400)
    assert await rows(database, "SELECT count(*), max(v) FROM b") == [(200, 199)]


@pytest.mark.parametrize(
    "statements",
    [
        ("CREATE TABLE b (id bigint PRIMARY KEY, v integer)", "CREATE VIEW t AS SELECT id, v FROM b"),
        ("CREATE TABLE t (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v integer)",),
    ],
    ids=["view", "identity"],
)
async def test_an_upsert_goes_where_postgresql_takes_it(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, statements: tuple[str, ...]
) -> None:
    topic = await make_topic()
    await execute(database, *statements)
    messages = [Message(value=struct({"id": 70, "v": v}, id=INT64, v=INT32)) for v in (1, 2)]
    keys = {"insert__mode": "upsert", "pk__mode": "record_value", "pk__fields": "id"}
    await drain(kafka_bootstrap, database, topic, messages, table__name__format="t", **keys)
    assert await rows(database, "SELECT id, v FROM t") == [(70, 2)]


async def test_a_deferrable_key_is_called_so(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE TABLE t (id text PRIMARY KEY DEFERRABLE, v integer)")
    await send(kafka_bootstrap, topic, many(1))
    keys = {"insert__mode": "upsert", "pk__mode": "record_value", "pk__fields": "id"}
    given = configuration(database, topics=topic, table__name__format="t", **keys)
    async with connected(kafka_bootstrap, given) as connector:
        assert "it is DEFERRABLE" in await wait_until_failed(connector)


RAISES = """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN IF new.v < 0 THEN {raising} END IF; RETURN new; END $$"""


@pytest.mark.parametrize(
    "raising",
    [
        "RAISE EXCEPTION 'no' USING ERRCODE = 'AB123';",
        "RAISE EXCEPTION 'no' USING ERRCODE = '42501';",
        "RAISE EXCEPTION 'no' USING ERRCODE = '53100';",
        "ASSERT false;",
        "PERFORM 1 / 0;",
        "CASE new.v WHEN 1 THEN NULL; END CASE;",
    ],
)
async def test_a_row_that_a_trigger_refuses_is_one_bad_record_whatever_it_raises(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, raising: str
) -> None:
    topic = await make_topic()
    await execute(
        database,
        "CREATE TABLE t (id text PRIMARY KEY, v integer)",
        RAISES.format(raising=raising),
        "CREATE TRIGGER refuses BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION refuse()",
    )
    messages = [row("a", 1), row("bad", -1), row("d", 3)]
    await drain(kafka_bootstrap, database, topic, messages, table__name__format="t", errors__tolerance="all")
    assert await rows(database, "SELECT id FROM t ORDER BY id") == [("a",), ("d",)]
    assert await rows(database, 'SELECT "offset" FROM sink.dead_letters') == [(1,)]
