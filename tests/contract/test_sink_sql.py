"""contracts/sql/sink.sql is what the sink makes in its target, and all that its readers need of it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeAlias

import asyncpg
import pytest

from auditor.sql import statements as named_statements
from catalog_service.read_model import STATEMENTS
from sink_connector.sink.session import SETUP, SQL, prepare_database
from tests.conftest import MakeDatabase

CONTRACT = Path(__file__).parents[2] / "contracts" / "sql" / "sink.sql"
OF_BEFORE = SETUP[: SETUP.index("create_views")]
READERS = {
    "catalog": STATEMENTS,
    "auditor": named_statements("read"),
    "rebuild": named_statements("read_model", package="rebuild"),
}
READING = [
    (reader, name) for reader, given in READERS.items() for name, sql in given.items() if "sink." in sql
]
COLUMNS = """
    SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'sink'::regnamespace AND c.relkind = $1
    ORDER BY c.relname, a.attnum"""
FUNCTIONS = """
    SELECT proname::text, pg_get_function_arguments(oid), pg_get_function_result(oid)
    FROM pg_proc WHERE pronamespace = 'sink'::regnamespace ORDER BY 1"""

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture
async def sink(make_database: MakeDatabase) -> AsyncIterator[Connection]:
    """A target that the sink has not seen yet."""
    connection = await asyncpg.connect(await make_database())
    yield connection
    await connection.close()


@pytest.fixture
async def contract(make_database: MakeDatabase) -> AsyncIterator[Connection]:
    """A database that holds what the contract says, and nothing else."""
    connection = await asyncpg.connect(await make_database())
    await connection.execute(CONTRACT.read_text(encoding="utf-8"))
    yield connection
    await connection.close()


async def test_the_sink_makes_exactly_what_the_contract_says(sink: Connection, contract: Connection) -> None:
    await prepare_database(sink)
    assert await sink.fetch(COLUMNS, b"v") == await contract.fetch(COLUMNS, b"r") != []
    assert await sink.fetch(FUNCTIONS) == await contract.fetch(FUNCTIONS) != []


@pytest.mark.parametrize(("reader", "name"), READING)
async def test_a_reader_needs_nothing_of_the_sink_but_the_contract(
    contract: Connection, reader: str, name: str
) -> None:
    await contract.prepare(READERS[reader][name])


def test_each_reader_has_statements_that_read_it() -> None:
    assert {reader for reader, _ in READING} == READERS.keys()


async def test_a_target_of_an_earlier_version_gets_what_it_lacks_and_keeps_what_it_has(
    sink: Connection,
) -> None:
    for name in OF_BEFORE:
        await sink.execute(SQL[name])
    await sink.execute("INSERT INTO sink.offsets VALUES ('orders', 'orders', 0, 7, 3, 'id')")
    await prepare_database(sink)
    await prepare_database(sink)
    assert [tuple(row) for row in await sink.fetch("SELECT * FROM sink.offsets_v1")] == [
        ("orders", "orders", 0, 7, 3)
    ]


async def test_tasks_that_prepare_one_target_at_once_do_not_fail(make_database: MakeDatabase) -> None:
    dsn = await make_database()
    tasks = [await asyncpg.connect(dsn) for _ in range(8)]
    try:
        await asyncio.gather(*map(prepare_database, tasks))
    finally:
        await asyncio.gather(*(task.close() for task in tasks))


async def test_what_only_the_sink_understands_is_not_shown(sink: Connection) -> None:
    """A reset offset, and the row that says that a connector was started once."""
    await prepare_database(sink)
    await sink.execute(
        "INSERT INTO sink.offsets VALUES ('x', '', -1, 0, 0, ''), ('x', 't', 0, -1, 4, ''), ('x', 't', 1, 0, 1, 'i')"
    )
    assert [tuple(row) for row in await sink.fetch("SELECT topic, partition FROM sink.offsets_v1")] == [
        ("t", 1)
    ]
    assert [tuple(row) for row in await sink.fetch("SELECT topic, partition FROM sink.hold_v1('{x}')")] == [
        ("t", 1)
    ]
