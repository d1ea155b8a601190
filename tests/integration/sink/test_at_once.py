"""A small batch as one statement: when it is one, when it is not, and that it makes no difference to what is left."""

from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

from sink_connector.sink import offsets
from sink_connector.sink.at_once import SIZES, AtOnce
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
    wait_until_read,
)

KEYED = {"insert.mode": "upsert", "pk.mode": "record_value", "pk.fields": "id"}
FEW = 16
AT_ONCE, LONG_WAY = "one statement", "a transaction"


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How each batch was tried to be written, in their order; one statement only where it did."""
    found: list[str] = []
    written, advance = AtOnce.written, offsets.advance

    async def at_once(self: AtOnce, *arguments: Any) -> int | None:
        count = await written(self, *arguments)
        if count is not None:
            found.append(AT_ONCE)
        return count

    async def long_way(*arguments: Any) -> bool:
        found.append(LONG_WAY)
        return await advance(*arguments)

    monkeypatch.setattr(AtOnce, "written", at_once)
    monkeypatch.setattr(offsets, "advance", long_way)
    return found


@pytest.fixture
async def table(database: str) -> str:
    """A database with an empty table `items`."""
    await execute(
        database,
        "CREATE TABLE items (id bigint PRIMARY KEY, name text CHECK (name <> 'bad') UNIQUE, version bigint)",
    )
    return database


def item(number: int, name: str | None = None, version: int = 1) -> Message:
    schema = {"id": INT64, "name": optional(STRING), "version": INT64}
    return Message(value=struct({"id": number, "name": name, "version": version}, **schema))


def of_sizes(*sizes: int) -> list[list[Message]]:
    """Batches of so many items, whose thousands tell the batch."""
    return [[item(1_000 * at + number) for number in range(size)] for at, size in enumerate(sizes)]


async def written(
    bootstrap: str, database: str, topic: str, batches: Sequence[Sequence[Message]], **keys: str
) -> None:
    """Each of these as a batch of its own, one after the other."""
    given = configuration(
        database, topics=topic, table__name__format="items", errors__tolerance="all", **keys
    )
    count = 0
    async with connected(bootstrap, given) as connector:
        for batch in batches:
            await send(bootstrap, topic, batch)
            count += len(batch)
            await wait_until_read(connector, topic, count)


async def test_rows_and_offsets_of_a_small_batch_are_one_statement(
    kafka_bootstrap: str, table: str, make_topic: MakeTopic, ways: list[str]
) -> None:
    topic = await make_topic()
    batches = [[item(1, "a")], [item(1, "b", 2), item(2, "c")], [item(number) for number in range(FEW)]]
    await written(kafka_bootstrap, table, topic, batches, **KEYED)
    assert set(ways) == {AT_ONCE}
    assert await rows(table, "SELECT count(*), max(version) FROM items") == [(FEW, 1)]
    assert await rows(table, "SELECT count(DISTINCT xmin::text) FROM items") == [(1,)]


async def test_of_the_places_of_a_statement_only_those_with_a_row_count(
    kafka_bootstrap: str, table: str, make_topic: MakeTopic, ways: list[str]
) -> None:
    topic = await make_topic()
    sizes = [count for size in SIZES for count in (size - 1, size, size + 1) if 0 < count <= SIZES[-1]]
    batches = of_sizes(*sizes)
    await written(kafka_bootstrap, table, topic, batches, **KEYED)
    assert set(ways) == {AT_ONCE}
    found = await rows(table, "SELECT count(*)::int FROM items GROUP BY id / 1000 ORDER BY id / 1000")
    assert [count for (count,) in found] == sizes


@pytest.mark.parametrize("kind", ["text", "pair"])
async def test_a_composite_type_asks_for_the_long_way_where_it_is_written(
    kafka_bootstrap: str, table: str, make_topic: MakeTopic, ways: list[str], kind: str
) -> None:
    """Its own state is to be looked at then; beside what is written it does not matter."""
    topic = await make_topic()
    await execute(table, "CREATE TYPE pair AS (a int, b int); ALTER TABLE items ADD other pair")
    await execute(table, f"ALTER TABLE items DROP name, ADD name {kind}")
    await written(kafka_bootstrap, table, topic, [[item(1, "(1,2)")]], **KEYED)
    assert await rows(table, "SELECT name::text, other FROM items") == [("(1,2)", None)]
    assert set(ways) == {LONG_WAY if kind == "pair" else AT_ONCE}


@pytest.mark.parametrize("mode", ["insert", "upsert", "update", "ignore"])
async def test_every_mode_leaves_what_it_leaves_of_many(
    kafka_bootstrap: str, table: str, make_topic: MakeTopic, ways: list[str], mode: str
) -> None:
    topic = await make_topic()
    await execute(table, "INSERT INTO items VALUES (0, 'old', 1)")
    keys = KEYED | {"insert.mode": mode}
    first = 1 if mode == "insert" else 0
    await written(kafka_bootstrap, table, topic, [[item(first, "new", 2)]], **keys)
    found = await rows(table, "SELECT id, name FROM items ORDER BY id")
    assert found == {
        "insert": [(0, "old"), (1, "new")],
        "upsert": [(0, "new")],
        "update": [(0, "new")],
        "ignore": [(0, "old")],
    }[mode]  # fmt: skip
    assert ways == [AT_ONCE]


async def test_a_row_is_deleted_at_once(
    kafka_bootstrap: str, table: str, make_topic: MakeTopic, ways: list[str]
) -> None:
    topic = await make_topic()
    await execute(table, "INSERT INTO items VALUES (7, 'here', 1)")
    keys = {"insert.mode": "upsert", "pk.mode": "record_key", "pk.fields": "id", "delete.enabled": "true"}
    await written(kafka_bootstrap, table, topic, [[Message(key=envelope(7, INT64), value=None)]], **keys)
    assert await rows(table, "SELECT * FROM items") == []
    assert ways == [AT_ONCE]


async def test_an_old_version_is_passed_over(
    kafka_bootstrap: str, table: str, make_topic: MakeTopic, ways: list[str]
) -> None:
    topic = await make_topic()
    batches = [[item(1, "new", 5)], [item(1, "old", 4), item(2, "two", 1)]]
    await written(kafka_bootstrap, table, topic, batches, **KEYED, **{"version.field": "version"})
    assert await rows(table, "SELECT id, name FROM items ORDER BY id") == [(1, "new"), (2, "two")]
    assert set(ways) == {AT_ONCE}


@pytest.mark.guarantees("G-SINK-8")
@pytest.mark.parametrize("bad", ["bad", "taken"])
async def test_what_the_table_refuses_is_found_the_long_way(
    kafka_bootstrap: str, table: str, make_topic: MakeTopic, ways: list[str], bad: str
) -> None:
    topic = await make_topic()
    await execute(table, "INSERT INTO items VALUES (100, 'taken', 1)")
    await written(kafka_bootstrap, table, topic, [[item(1, "a"), item(2, bad), item(3, "c")]], **KEYED)
    assert await rows(table, "SELECT id FROM items ORDER BY id") == [(1,), (3,), (100,)]
    assert await rows(table, 'SELECT "offset" FROM sink.dead_letters') == [(1,)]
    assert AT_ONCE not in ways


async def test_a_batch_whose_answer_was_lost_is_not_written_twice(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The statement is committed, and its connection ends before that is known."""
    topic = await make_topic()
    await execute(database, "CREATE TABLE items (id bigint, name text, version bigint)")
    written_at_once = AtOnce.written
    lost: list[int] = []

    async def losing(self: AtOnce, connection: Any, *arguments: Any) -> int | None:
        count = await written_at_once(self, connection, *arguments)
        if count is not None and not lost:
            lost.append(count)
            connection.terminate()
            raise asyncpg.ConnectionDoesNotExistError("lost")
        return count

    monkeypatch.setattr(AtOnce, "written", losing)
    await written(kafka_bootstrap, database, topic, [[item(1), item(2)], [item(3)]])
    assert lost
    assert await rows(database, "SELECT id FROM items ORDER BY id") == [(1,), (2,), (3,)]


async def test_keys_that_only_the_database_can_compare_are_written_the_long_way(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, ways: list[str]
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE TABLE items (id numeric PRIMARY KEY, name text)")
    schema = {"id": STRING, "name": STRING}
    messages = [
        Message(value=struct({"id": each, "name": each}, **schema)) for each in ("1", "1.0", "2", "1.00")
    ]
    await drain(kafka_bootstrap, database, topic, messages, table__name__format="items", **KEYED)
    assert await rows(database, "SELECT name FROM items ORDER BY id") == [("1.00",), ("2",)]
    assert ways == [LONG_WAY]


PROJECTIONS = {
    "counted": "UPDATE counted SET number = number + (SELECT count(*) FROM new_items) - (SELECT count(*) FROM old_items)",
    # What the one before it has left, and the table itself as it is by now; a comment comes last.
    "seen": "INSERT INTO seen AS done (number, total, done)\nSELECT counted.number, (SELECT count(*) FROM items), 1\n"
    "FROM counted, new_items LIMIT 1 -- one row",
}


def projecting(**statements: str) -> dict[str, str]:
    named = {f"projection.{name}.sql": sql for name, sql in statements.items()}
    return KEYED | named | {"projections": ",".join(statements)}


@pytest.fixture
async def projected(table: str) -> str:
    """The database with what `PROJECTIONS` write to."""
    await execute(
        table,
        "CREATE TABLE counted (number bigint)",
        "INSERT INTO counted VALUES (0)",
        "CREATE TABLE seen (number bigint, total bigint, done integer)",
    )
    return table


@pytest.mark.parametrize("mode", ["insert", "upsert", "update"])
async def test_projections_see_what_changed(
    kafka_bootstrap: str, projected: str, make_topic: MakeTopic, ways: list[str], mode: str
) -> None:
    topic = await make_topic()
    if mode == "update":
        await execute(projected, "INSERT INTO items VALUES (1), (2), (3)")
    batches = [[item(1)], [item(2), item(3)], *([[item(1, "again", 2)]] if mode == "upsert" else [])]
    keys = projecting(**PROJECTIONS) | {"insert.mode": mode}
    await written(kafka_bootstrap, projected, topic, batches, **keys)
    seen = await rows(projected, "SELECT number, total FROM seen ORDER BY number, total")
    assert seen == {
        "insert": [(1, 1), (3, 3)],
        "upsert": [(1, 1), (3, 3), (3, 3)],
        "update": [(0, 3), (0, 3)],
    }[mode]  # fmt: skip
    assert set(ways) == {AT_ONCE}


async def test_a_row_of_an_old_version_is_no_change(
    kafka_bootstrap: str, projected: str, make_topic: MakeTopic, ways: list[str]
) -> None:
    topic = await make_topic()
    log = "INSERT INTO seen SELECT n.version, coalesce(o.version, 0), 1 FROM new_items n LEFT JOIN old_items o USING (id)"
    batches = [[item(1, "a", 5)], [item(1, "old", 4), item(2, "b", 1)], [item(1, "new", 6)]]
    keys = projecting(seen=log) | {"version.field": "version"}
    await written(kafka_bootstrap, projected, topic, batches, **keys)
    assert await rows(projected, "SELECT number, total FROM seen ORDER BY number") == [(1, 0), (5, 0), (6, 5)]
    assert set(ways) == {AT_ONCE}


async def test_projections_of_a_deletion_see_what_is_gone(
    kafka_bootstrap: str, projected: str, make_topic: MakeTopic, ways: list[str]
) -> None:
    topic = await make_topic()
    await execute(projected, "INSERT INTO items VALUES (7, 'here', 1)")
    keys = projecting(**PROJECTIONS) | {"pk.mode": "record_key", "delete.enabled": "true"}
    await written(kafka_bootstrap, projected, topic, [[Message(key=envelope(7, INT64), value=None)]], **keys)
    assert await rows(projected, "SELECT * FROM items") == []
    assert await rows(projected, "SELECT number FROM counted") == [(-1,)]
    assert ways == [AT_ONCE]


@pytest.mark.parametrize(
    "projection",
    [
        "SELECT note(count(*)) FROM new_items",
        "INSERT INTO seen SELECT count(*), 0, 1 FROM new_items RETURNING number",
        "INSERT INTO seen SELECT count(*), length(';') - 1, 1 FROM new_items",
    ],
)
async def test_a_projection_that_is_no_step_of_a_function_is_run_the_long_way(
    kafka_bootstrap: str, projected: str, make_topic: MakeTopic, ways: list[str], projection: str
) -> None:
    topic = await make_topic()
    await execute(
        projected,
        "CREATE FUNCTION note(bigint) RETURNS void LANGUAGE sql AS 'INSERT INTO seen VALUES ($1, 0, 1)'",
    )
    await written(kafka_bootstrap, projected, topic, [[item(1), item(2)]], **projecting(seen=projection))
    assert await rows(projected, "SELECT number, total FROM seen") == [(2, 0)]
    assert ways == [LONG_WAY]


EQUAL_STEPS = {
    "comments first": "-- what is new\n/* and * more */ INSERT INTO seen SELECT n.id, 0, 1 FROM new_items AS n",
    "relations of its own": "WITH own AS (SELECT id FROM new_items), more AS (SELECT id FROM own) INSERT INTO seen SELECT id, 0, 1 FROM more",
    "recursive": "WITH RECURSIVE own(id) AS (SELECT id FROM new_items UNION SELECT id FROM own WHERE id < 0) "
    "INSERT INTO seen SELECT id, 0, 1 FROM own",
    "small letters": "with own as (select * from new_items) insert into seen select id, 0, 1 from own;",
    "relations further in": "INSERT INTO seen WITH own AS (SELECT * FROM new_items) SELECT id, 0, 1 FROM own",
    "merged": "MERGE INTO seen USING new_items AS n ON seen.number = n.id WHEN NOT MATCHED THEN INSERT VALUES (n.id, 0, 1)",
    "whole rows": "INSERT INTO seen SELECT (to_jsonb(n)->>'id')::bigint, 0, 1 FROM new_items AS n WHERE n IS NOT NULL OR n.id > 0",
}


@pytest.mark.parametrize("projection", EQUAL_STEPS.values(), ids=EQUAL_STEPS)
async def test_a_projection_is_a_step_however_it_is_written(
    kafka_bootstrap: str, projected: str, make_topic: MakeTopic, ways: list[str], projection: str
) -> None:
    """The table has had a column, and has some that are called like what the statements use."""
    topic = await make_topic()
    await execute(
        projected,
        "ALTER TABLE items ADD gone text, ADD t text, ADD changed text, ADD c text, ADD o text, ADD after text, ADD sink_changes text",
        "ALTER TABLE items DROP gone, ADD twice bigint GENERATED ALWAYS AS (id * 2) STORED",
    )
    batches = [[item(1), item(2)], [item(1, "again", 2)]]
    keys = projecting(seen=projection) | {"version.field": "version"}
    await written(kafka_bootstrap, projected, topic, batches, **keys)
    found = await rows(projected, "SELECT number FROM seen ORDER BY number")
    assert found == ([(1,), (2,)] if "MERGE" in projection else [(1,), (1,), (2,)])
    assert set(ways) == {AT_ONCE}


NOTED = "CREATE FUNCTION noted() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM new_items); END $$"
HIDDEN_STEPS = {
    "in a function": "INSERT INTO seen SELECT noted(), 0, 1 WHERE 'new_items' <> ''",
    "by its schema": "INSERT INTO seen SELECT count(*), 0, 1 FROM pg_temp.new_items",
    "under other names": "INSERT INTO seen SELECT (to_jsonb(n)->>'id')::bigint * 0 + 1, 0, 1 FROM new_items AS n (one, two)",
    "written to": "WITH gone AS (DELETE FROM new_items WHERE id = 0) INSERT INTO seen SELECT count(*), 0, 1 FROM new_items",
}


@pytest.mark.parametrize("projection", HIDDEN_STEPS.values(), ids=HIDDEN_STEPS)
async def test_changes_that_only_temporary_tables_can_show_are_found_there(
    kafka_bootstrap: str, projected: str, make_topic: MakeTopic, ways: list[str], projection: str
) -> None:
    """Also by a small batch behind a large one, which has left them empty."""
    topic = await make_topic()
    await execute(projected, NOTED)
    sizes = (2, SIZES[-1] + 1, 3, 1)
    await written(kafka_bootstrap, projected, topic, of_sizes(*sizes), **projecting(seen=projection))
    assert await rows(projected, "SELECT sum(number)::bigint FROM seen") == [(sum(sizes),)]
    assert set(ways) == {LONG_WAY}


@pytest.mark.parametrize("schema", ["public", "elsewhere"])
async def test_a_table_that_is_called_like_what_has_changed_is_taken_for_it_by_nobody(
    kafka_bootstrap: str, projected: str, make_topic: MakeTopic, ways: list[str], schema: str
) -> None:
    """Nor by a function that looks for it in another schema."""
    topic = await make_topic()
    await execute(
        projected,
        "CREATE SCHEMA elsewhere",
        NOTED.replace("LANGUAGE", f"SET search_path = {schema} LANGUAGE"),
        f"CREATE TABLE {schema}.new_items (id bigint)",
    )
    projection = "INSERT INTO seen SELECT noted(), (SELECT count(*) FROM new_items), 1"
    await written(kafka_bootstrap, projected, topic, [[item(1), item(2)]], **projecting(seen=projection))
    assert await rows(projected, "SELECT number, total FROM seen") == [(2, 2)]
    assert set(ways) == {LONG_WAY}


async def test_a_projection_that_only_a_function_would_take_is_refused_in_a_small_batch_as_in_a_large_one(
    kafka_bootstrap: str, projected: str, make_topic: MakeTopic, ways: list[str]
) -> None:
    """A record becomes a row of a type, a row of another type does not."""
    topic = await make_topic()
    projection = "INSERT INTO seen SELECT first(n), 0, 1 FROM new_items AS n"
    await execute(projected, "CREATE FUNCTION first(items) RETURNS bigint LANGUAGE sql AS 'SELECT $1.id'")
    await written(kafka_bootstrap, projected, topic, [[item(1)]], **projecting(seen=projection))
    assert await rows(projected, "SELECT number FROM seen") == []
    assert AT_ONCE not in ways


async def test_small_batches_behind_large_ones_are_steps_again(
    kafka_bootstrap: str, projected: str, make_topic: MakeTopic, ways: list[str]
) -> None:
    topic = await make_topic()
    sizes = (1, SIZES[-1] + 1, 2, SIZES[-1] + 2, 3)
    batches = of_sizes(*sizes)
    keys = projecting(seen="INSERT INTO seen SELECT count(*), 0, 1 FROM new_items")
    await written(kafka_bootstrap, projected, topic, batches, **keys)
    assert await rows(projected, "SELECT sum(number)::bigint FROM seen") == [(sum(sizes),)]
    assert ways[0] == ways[-1] == AT_ONCE
    assert LONG_WAY in ways


async def test_a_record_that_a_projection_refuses_is_set_aside_and_its_neighbours_are_projected(
    kafka_bootstrap: str, projected: str, make_topic: MakeTopic, ways: list[str]
) -> None:
    topic = await make_topic()
    divided = "INSERT INTO seen SELECT 6 / version, 0, 1 FROM new_items"
    batches = [[item(1, "a", 1)], [item(2, "b", 0), item(3, "c", 2)], [item(4, "d", 3)]]
    await written(kafka_bootstrap, projected, topic, batches, **projecting(seen=divided))
    assert await rows(projected, "SELECT number FROM seen ORDER BY number") == [(2,), (3,), (6,)]
    assert await rows(projected, "SELECT id FROM items ORDER BY id") == [(1,), (3,), (4,)]
    assert ways[0] == AT_ONCE
    assert LONG_WAY in ways


async def test_a_table_that_is_altered_is_projected_on(
    kafka_bootstrap: str, projected: str, make_topic: MakeTopic, ways: list[str]
) -> None:
    topic = await make_topic()
    given = configuration(
        projected,
        topics=topic,
        table__name__format="items",
        errors__tolerance="all",
        **projecting(**PROJECTIONS),
    )
    async with connected(kafka_bootstrap, given) as connector:
        for count, change in enumerate(
            ("", "ADD COLUMN more text", "DROP COLUMN more", "ALTER name TYPE varchar"), 1
        ):
            if change:
                await execute(projected, f"ALTER TABLE items {change}")
            await send(kafka_bootstrap, topic, [item(count)])
            await wait_until_read(connector, topic, count)
    assert await rows(projected, "SELECT number, total FROM seen ORDER BY number") == [
        (n, n) for n in range(1, 5)
    ]
    assert ways[0] == AT_ONCE
