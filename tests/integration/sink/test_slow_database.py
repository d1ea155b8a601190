"""A database that takes too long over a batch gets smaller ones; a lock that is held is waited for."""

import asyncpg

from tests.conftest import MakeTopic
from tests.support.other_servers import require_postgres
from tests.support.sink import (
    INT64,
    STRING,
    Message,
    configuration,
    connected,
    drain,
    execute,
    rows,
    send,
    struct,
    task_of,
    wait_until_failed,
    wait_until_read,
)
from tests.support.waiting import wait_until

SLOW = (
    "CREATE TABLE t (id bigint PRIMARY KEY, v integer)",
    """CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN PERFORM pg_sleep(CASE WHEN new.id < 0 THEN 60 ELSE 0.01 END); RETURN new; END $$""",
    "CREATE TRIGGER slows BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION slow()",
)
KEYS = {
    "table__name__format": "t",
    "insert__mode": "upsert",
    "pk__mode": "record_value",
    "pk__fields": "id",
    "retry__backoff__ms": "20",
}


def numbered(*numbers: int) -> list[Message]:
    return [Message(value=struct({"id": number}, id=INT64)) for number in numbers]


async def limited(database: str, most: str, *, what: str = "statement_timeout") -> None:
    """Give every session of the database a limit that is not the connector's."""
    name = database.rpartition("/")[2]
    await execute(database, f"ALTER DATABASE \"{name}\" SET {what} = '{most}'")


def unlimited(database: str) -> str:
    """The same database without a limit on statements, for the test's own look at it."""
    return f"{database}?statement_timeout=0"


async def test_a_batch_that_the_roles_own_time_out_ends_is_written_in_smaller_ones(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(database, *SLOW)
    await limited(database, "500ms")
    await drain(kafka_bootstrap, database, topic, numbered(*range(300)), **KEYS)
    assert await rows(unlimited(database), "SELECT count(*) FROM t") == [(300,)]


async def test_a_batch_that_a_time_out_of_transactions_ends_is_written_in_smaller_ones(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    await require_postgres(database, since=17, what="transaction_timeout")
    topic = await make_topic()
    await execute(database, *SLOW)
    await limited(database, "500ms", what="transaction_timeout")
    await drain(kafka_bootstrap, database, topic, numbered(*range(300)), **KEYS)
    assert await rows(unlimited(database), "SELECT count(*) FROM t") == [(300,)]


async def test_a_batch_that_takes_more_room_than_the_role_may_have_is_written_in_smaller_ones(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    """The keys are sorted, as only the database can compare them."""
    topic = await make_topic()
    await execute(database, "CREATE TABLE t (id numeric PRIMARY KEY)")
    await limited(database, "64kB", what="work_mem")
    await limited(database, "256kB", what="temp_file_limit")
    messages = [Message(value=struct({"id": f"{n}.{n:0100}"}, id=STRING)) for n in range(5000)]
    await drain(kafka_bootstrap, database, topic, messages, linger__ms="1500", **KEYS)
    assert await rows(database, "SELECT count(*) FROM t") == [(5000,)]


async def test_a_batch_that_takes_longer_than_the_command_time_out_is_written_in_smaller_ones(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(database, *SLOW)
    await drain(
        kafka_bootstrap,
        database,
        topic,
        numbered(*range(300)),
        connection__command__timeout__ms="700",
        **KEYS,
    )
    assert await rows(database, "SELECT count(*) FROM t") == [(300,)]


async def test_a_record_that_alone_takes_too_long_is_one_bad_record(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(database, *SLOW)
    await limited(database, "1500ms")
    await send(kafka_bootstrap, topic, numbered(1, 2, 3, -1, 4, 5))
    given = configuration(database, topics=topic, **KEYS)
    async with connected(kafka_bootstrap, given) as connector:
        trace = await wait_until_failed(connector, timeout_s=60)
        assert "offset 3" in trace
        assert "statement timeout" in trace
    given = given | {"name": f"{given['name']}-all", "errors.tolerance": "all"}
    async with connected(kafka_bootstrap, given) as connector:
        await wait_until_read(connector, topic, 6, timeout_s=60)
    assert await rows(database, "SELECT id FROM t ORDER BY id") == [(n,) for n in (1, 2, 3, 4, 5)]
    assert await rows(database, 'SELECT "offset" FROM sink.dead_letters') == [(3,)]


async def test_a_locked_table_is_waited_for_and_makes_no_dead_letter(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE TABLE t (id bigint PRIMARY KEY, v integer)")
    await limited(database, "300ms")
    holder = await asyncpg.connect(database)
    await holder.execute("BEGIN; LOCK TABLE t")
    await send(kafka_bootstrap, topic, numbered(1))
    given = configuration(
        database, topics=topic, errors__tolerance="all", errors__retry__delay__max__ms="100", **KEYS
    )
    try:
        async with connected(kafka_bootstrap, given) as connector:
            await wait_until(lambda: task_of(connector).attempts > 6, what="many attempts to fail")
            trouble = task_of(connector).trouble
            assert trouble is not None
            assert "lock" in trouble.reason
            await holder.execute("COMMIT")
            await wait_until_read(connector, topic, 1)
    finally:
        await holder.close()
    assert await rows(unlimited(database), "SELECT id FROM t") == [(1,)]
    assert await rows(unlimited(database), "SELECT count(*) FROM sink.dead_letters") == [(0,)]
