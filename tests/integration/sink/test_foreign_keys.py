"""Tables that refer to each other: parents first, deletions the other way, and a missing parent is waited for."""

import pytest

from tests.conftest import MakeTopic
from tests.support.sink import (
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
    task_of,
    wait_until_failed,
    wait_until_read,
)
from tests.support.waiting import wait_until

KEYED = {
    "insert__mode": "upsert",
    "pk__mode": "record_key",
    "pk__fields": "id",
    "delete__enabled": "true",
}


def parent(key: str) -> Message:
    return Message(key=envelope(key, STRING), value=struct({"w": "x"}, w=STRING))


def child(key: str, of: str | None) -> Message:
    return Message(key=envelope(key, STRING), value=struct({"pid": of}, pid=optional(STRING)))


def gone(key: str) -> Message:
    return Message(key=envelope(key, STRING), value=None)


async def tables(database: str, *names: str, deferred: str = "") -> None:
    """The first refers to the second, the second to the third, and so on."""
    statements = []
    for name, above in reversed(list(zip(names, [*names[1:], ""], strict=True))):
        reference = f', pid text REFERENCES "{above}" {deferred}' if above else ""
        statements.append(f'CREATE TABLE "{name}" (id text PRIMARY KEY, w text{reference})')
    await execute(database, *statements)


async def test_parents_of_the_same_batch_are_written_first_and_deleted_last(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    top = await make_topic()
    child_topic, parent_topic = f"a-{top}", f"z-{top}"
    await make_topic(name=child_topic)
    await make_topic(name=parent_topic)
    await tables(database, child_topic, parent_topic)
    await send(kafka_bootstrap, parent_topic, [parent(f"p{n}") for n in range(80)])
    await send(kafka_bootstrap, child_topic, [child(f"c{n}", f"p{n}") for n in range(80)])
    given = configuration(database, topics=f"{child_topic},{parent_topic}", linger__ms="1500", **KEYED)
    count = f'SELECT (SELECT count(*) FROM "{child_topic}"), (SELECT count(*) FROM "{parent_topic}")'  # noqa: S608
    async with connected(kafka_bootstrap, given) as connector:
        await wait_until_read(connector, child_topic, 80)
        await wait_until_read(connector, parent_topic, 80)
        assert await rows(database, count) == [(80, 80)]
        await send(kafka_bootstrap, parent_topic, [gone(f"p{n}") for n in range(10)])
        await send(kafka_bootstrap, child_topic, [gone(f"c{n}") for n in range(10)])
        await wait_until_read(connector, child_topic, 90)
        await wait_until_read(connector, parent_topic, 90)
        assert await rows(database, count) == [(70, 70)]


@pytest.mark.parametrize("count", [5, 100])
async def test_rows_of_a_table_may_refer_to_each_other(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, count: int
) -> None:
    topic = await make_topic()
    await execute(database, f'CREATE TABLE "{topic}" (id text PRIMARY KEY, pid text REFERENCES "{topic}")')
    messages = [child(f"k{n:03}", f"k{n + 1:03}") for n in range(count)] + [child(f"k{count:03}", None)]
    await drain(kafka_bootstrap, database, topic, messages, **KEYED)
    assert await rows(database, f'SELECT count(*) FROM "{topic}"') == [(count + 1,)]  # noqa: S608 - the test's own


async def test_tables_that_refer_to_each_other_are_written_as_their_rows_allow(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    one, other = await make_topic(), await make_topic()
    await execute(
        database,
        f'CREATE TABLE "{one}" (id text PRIMARY KEY, pid text)',
        f'CREATE TABLE "{other}" (id text PRIMARY KEY, pid text REFERENCES "{one}")',
        f'ALTER TABLE "{one}" ADD FOREIGN KEY (pid) REFERENCES "{other}"',
    )
    await send(kafka_bootstrap, one, [child("a1", None), child("a2", "b1"), child("a3", "b2")])
    await send(kafka_bootstrap, other, [child("b1", "a1"), child("b2", "a2")])
    given = configuration(database, topics=f"{one},{other}", linger__ms="1500", **KEYED)
    async with connected(kafka_bootstrap, given) as connector:
        await wait_until_read(connector, one, 3)
        await wait_until_read(connector, other, 2)
    assert await rows(database, f'SELECT count(*) FROM "{one}"') == [(3,)]  # noqa: S608 - as above
    assert await rows(database, "SELECT count(*) FROM sink.dead_letters") == [(0,)]


@pytest.mark.parametrize("tolerance", ["none", "all"])
async def test_a_parent_that_somebody_else_writes_a_moment_later_is_waited_for(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, tolerance: str
) -> None:
    topic = await make_topic()
    await tables(database, topic, "parents")
    await send(kafka_bootstrap, topic, [child("c", "p")])
    given = configuration(
        database,
        topics=topic,
        errors__tolerance=tolerance,
        retry__backoff__ms="200",
        max__retries="100",
        **KEYED,
    )
    async with connected(kafka_bootstrap, given) as connector:
        await wait_until(lambda: task_of(connector).attempts > 2, what="the task to wait")
        trouble = task_of(connector).trouble
        assert trouble is not None
        assert "foreign key" in trouble.reason
        await execute(database, "INSERT INTO parents VALUES ('p')")
        await wait_until_read(connector, topic, 1)
        await wait_until(lambda: task_of(connector).trouble is None, what="the trouble to be over")
    assert await rows(database, f'SELECT id FROM "{topic}"') == [("c",)]  # noqa: S608 - as above


@pytest.mark.parametrize("tolerance", ["none", "all"])
async def test_a_parent_that_the_same_task_reads_later_is_written_with_the_child_that_waits_for_it(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, tolerance: str
) -> None:
    child_topic, parent_topic = await make_topic(), await make_topic()
    await tables(database, child_topic, parent_topic)
    await send(kafka_bootstrap, child_topic, [child("c", "p")])
    given = configuration(
        database,
        topics=f"{child_topic},{parent_topic}",
        errors__tolerance=tolerance,
        retry__backoff__ms="200",
        max__retries="100",
        **KEYED,
    )
    async with connected(kafka_bootstrap, given) as connector:
        await wait_until(lambda: task_of(connector).attempts > 1, what="the task to wait")
        await send(kafka_bootstrap, parent_topic, [parent("p")])
        await wait_until_read(connector, child_topic, 1)
        await wait_until_read(connector, parent_topic, 1)
    assert await rows(database, f'SELECT id FROM "{child_topic}"') == [("c",)]  # noqa: S608 - the test's own
    assert await rows(database, "SELECT count(*) FROM sink.dead_letters") == [(0,)]


async def test_a_parent_that_never_comes_makes_one_bad_record_after_the_retries(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await tables(database, topic, "parents")
    await execute(database, "INSERT INTO parents VALUES ('p')")
    messages = [child("a", "p"), child("orphan", "nobody"), child("z", "p")]
    await send(kafka_bootstrap, topic, messages)
    keys = {"retry__backoff__ms": "50", "max__retries": "3", **KEYED}
    given = configuration(database, topics=topic, **keys)
    async with connected(kafka_bootstrap, given) as connector:
        assert "offset 1" in await wait_until_failed(connector)
    given = given | {"name": f"{given['name']}-all", "errors.tolerance": "all"}
    async with connected(kafka_bootstrap, given) as connector:
        await wait_until_read(connector, topic, 3)
    assert await rows(database, f'SELECT id FROM "{topic}" ORDER BY id') == [("a",), ("z",)]  # noqa: S608 - as above
    assert await rows(database, 'SELECT "offset" FROM sink.dead_letters') == [(1,)]


@pytest.mark.parametrize("mode", ["insert", "upsert"])
async def test_a_constraint_that_only_the_commit_checks_makes_one_bad_record(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, mode: str
) -> None:
    topic = await make_topic()
    await tables(database, topic, "parents", deferred="DEFERRABLE INITIALLY DEFERRED")
    await execute(database, "INSERT INTO parents VALUES ('p')")
    messages = [child(f"c{n:02}", "p") for n in range(40)]
    messages.insert(20, child("orphan", "nobody"))
    keys = KEYED | {"insert__mode": mode, "retry__backoff__ms": "20", "max__retries": "2"}
    await drain(kafka_bootstrap, database, topic, messages, errors__tolerance="all", **keys)
    assert await rows(database, f'SELECT count(*) FROM "{topic}"') == [(40,)]  # noqa: S608 - as above
    assert await rows(database, 'SELECT "offset" FROM sink.dead_letters') == [(20,)]
