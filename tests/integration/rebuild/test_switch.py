"""The switch of a rebuild on a real PostgreSQL: all or nothing, and only when nobody could see an older answer."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import asyncpg
import pytest

from catalog_service.read_model import STATEMENTS
from catalog_service.read_model.migrate import upgrade
from rebuild.read_model import ReadModel, RebuildError, SwitchBlockedError, read_model
from sink_connector.errors import FencedError
from sink_connector.sink import offsets
from sink_connector.sink.offsets import Move, Partition, Position
from sink_connector.sink.session import prepare_database
from tests.support.waiting import wait_until

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

NAMES, COPIES = ["orders"], ["orders-next"]
PRODUCT = "INSERT INTO {}.products VALUES ($1, 'Tea', 450, 10, 0, 1, 'order-1', now())"
OFFSET = "INSERT INTO sink.offsets VALUES ($1, 'orders', $2, $3, $4, 'id')"
LETTER = """INSERT INTO sink.dead_letters (connector, topic, partition, "offset", headers, stage, error_class, error)
            VALUES ($1, 'orders', 0, $2, '{}', 'TASK_PUT', 'Bad', $3)"""
PRODUCTS = "SELECT product_id FROM products"


@pytest.fixture
async def read(database: str) -> AsyncIterator[Connection]:
    """A reader of a read model in which the old tables hold `old` and the copy holds `new`; the copy is further."""
    await upgrade(database)
    connection = await asyncpg.connect(database)
    await prepare_database(connection)
    await connection.execute(PRODUCT.format("public"), "old")
    for name, reached, epoch in (("orders", (5, 7), 3), ("orders-next", (5, 9), 1)):
        for partition, next_offset in enumerate(reached):
            await connection.execute(OFFSET, name, partition, next_offset, epoch)
    for letter in (("orders", 1, "once"), ("orders", 2, "cured"), ("orders-next", 1, "again")):
        await connection.execute(LETTER, *letter)
    yield connection
    await connection.close()


@pytest.fixture
async def owner(database: str, read: Connection) -> AsyncIterator[ReadModel]:
    """The read model with a copy beside it."""
    async with read_model(database) as model:
        await model.make_room()
        await read.execute(PRODUCT.format("next"), "new")
        yield model


async def _nothing_happened(read: Connection) -> bool:
    copies = "SELECT count(*) FROM sink.offsets WHERE connector = 'orders-next'"
    there = "SELECT to_regclass('next.products') IS NOT NULL AND to_regnamespace('previous') IS NULL"
    return (
        await read.fetchval(PRODUCTS) == "old"
        and await read.fetchval(copies) == 2
        and bool(await read.fetchval(there))
    )


@pytest.mark.guarantees("G-QUERY-9")
async def test_the_copy_takes_the_place_of_tables_offsets_and_dead_letters(
    owner: ReadModel, read: Connection
) -> None:
    heard: list[Any] = []
    await read.add_listener("read_model", lambda *words: heard.append(words[-1]))
    prepared = await read.prepare(PRODUCTS)
    assert await prepared.fetchval() == "old"
    await owner.switch(NAMES, COPIES)
    assert await prepared.fetchval() == "new", (
        "a statement prepared before goes on, and reads what is there now"
    )
    assert [tuple(row) for row in await read.fetch("SELECT * FROM sink.offsets ORDER BY partition")] == [
        ("orders", "orders", 0, 5, 4, "id"),
        ("orders", "orders", 1, 9, 4, "id"),
    ]
    stored_dead_letters = await read.fetch('SELECT connector, "offset", error FROM sink.dead_letters')
    assert [tuple(row) for row in stored_dead_letters] == [("orders", 1, "again")]
    await wait_until(lambda: bool(heard), what="the notification")
    assert json.loads(heard[0])["topics"] == {}
    await owner.clear(COPIES)
    assert await read.fetchval(
        "SELECT to_regnamespace('next') IS NULL AND to_regnamespace('previous') IS NULL"
    )
    assert await read.fetchval('SELECT line_product_ids(\'[{"product_id": "tea"}]\')') == ["tea"]
    await owner.make_room()  # and once more, with what is left
    await owner.clear(COPIES)


async def test_a_copy_that_is_behind_is_not_let_in(owner: ReadModel, read: Connection) -> None:
    await read.execute(
        "UPDATE sink.offsets SET next_offset = 6 WHERE connector = 'orders-next' AND partition = 1"
    )
    with pytest.raises(SwitchBlockedError, match="orders/1 of orders"):
        await owner.switch(NAMES, COPIES)
    assert await _nothing_happened(read)


@pytest.mark.guarantees("G-QUERY-9")
async def test_a_snapshot_of_several_statements_sees_one_of_the_two_copies(
    owner: ReadModel, read: Connection, database: str
) -> None:
    """The catalog's snapshot begins with a lock: while it lasts nothing is switched, and others still read."""
    snapshot = await asyncpg.connect(database)
    async with snapshot.transaction(isolation="repeatable_read", readonly=True):
        await snapshot.execute(STATEMENTS["hold_read_model"])
        assert (
            await snapshot.fetchval("SELECT max(next_offset) FROM sink.offsets WHERE connector = 'orders'")
            == 7
        )
        with pytest.raises(SwitchBlockedError):
            await owner.switch(NAMES, COPIES)
        async with asyncio.timeout(30):
            assert await _nothing_happened(read)
        assert await snapshot.fetchval(PRODUCTS) == "old"
    await snapshot.close()
    await owner.switch(NAMES, COPIES)
    assert await read.fetchval(PRODUCTS) == "new"


async def test_a_batch_that_was_on_its_way_is_refused_after_the_switch(
    owner: ReadModel, read: Connection, database: str
) -> None:
    batch = Move(connector="orders", positions={Partition("orders", 1): Position(8, epoch=3)})
    sink = await asyncpg.connect(database)
    running = sink.transaction()
    await running.start()
    assert await offsets.advance(sink, batch)
    with pytest.raises(SwitchBlockedError):  # it is waited for, not overtaken
        await owner.switch(NAMES, COPIES)
    await running.rollback()
    await owner.switch(NAMES, COPIES)
    with pytest.raises(FencedError):
        await offsets.advance(sink, batch)
    await sink.close()


async def test_a_view_that_somebody_built_upon_the_tables_stops_the_rebuild(
    database: str, read: Connection
) -> None:
    await read.execute("CREATE VIEW cheap AS SELECT * FROM products WHERE unit_price_cents < 100")
    async with read_model(database) as owner:
        with pytest.raises(RebuildError, match="cheap"):
            await owner.make_room()


async def test_there_is_one_rebuild_at_a_time(owner: ReadModel, database: str) -> None:
    await owner.lock()
    async with read_model(database) as another:
        with pytest.raises(RebuildError, match="another rebuild"):
            await another.lock()


ADDED = """
    ALTER TABLE products ADD CONSTRAINT no_gift CHECK (unit_price_cents > 0);
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''not this one''; END';
    CREATE TRIGGER guard BEFORE UPDATE ON products FOR EACH ROW WHEN (NEW.name = 'forbidden') EXECUTE FUNCTION refuse();
"""


async def test_checks_and_triggers_that_somebody_added_hold_for_the_copy_and_after_the_switch(
    database: str, read: Connection
) -> None:
    await read.execute(ADDED)
    async with read_model(database) as model:
        await model.make_room()
        await read.execute(PRODUCT.format("next"), "new")
        with pytest.raises(asyncpg.CheckViolationError):
            await read.execute("UPDATE next.products SET unit_price_cents = 0")
        await model.switch(NAMES, COPIES)
        await model.clear(COPIES)
        assert await read.fetchval(PRODUCTS) == "new"
        with pytest.raises(asyncpg.CheckViolationError):
            await read.execute("UPDATE products SET unit_price_cents = 0")
        with pytest.raises(asyncpg.RaiseError, match="not this one"):
            await read.execute("UPDATE products SET name = 'forbidden'")
        await model.make_room()  # and once more, with what is left
        await model.clear(COPIES)


MIGRATED = """
    CREATE FUNCTION {schema}.keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER keep BEFORE UPDATE ON {schema}.products FOR EACH ROW EXECUTE FUNCTION {schema}.keep();
"""


async def test_a_trigger_of_the_migrations_comes_with_its_function_and_is_there_once(
    database: str, read: Connection
) -> None:
    """As a migration makes it: in the schema that it is run for."""
    await read.execute(MIGRATED.format(schema="public"))
    async with read_model(database) as model:
        await read.execute("CREATE SCHEMA next")
        await upgrade(database, schema="next")
        await read.execute(MIGRATED.format(schema="next"))
        await model.copy_additions()
        await read.execute(PRODUCT.format("next"), "new")
        await model.switch(NAMES, COPIES)
        await model.clear(COPIES)
    triggers = "SELECT tgname, tgfoid::regproc::text FROM pg_trigger WHERE tgrelid = 'products'::regclass AND NOT tgisinternal"
    found = {(row[0], row[1].removeprefix("public.")) for row in await read.fetch(triggers)}
    assert ("keep", "keep") in found
    assert await read.execute("UPDATE products SET name = 'other'") == "UPDATE 0"
