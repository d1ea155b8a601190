"""What the roles of the read database may do: everything they need, and nothing else."""

import asyncio
import contextlib
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio

from catalog_service.read_model.migrate import upgrade
from devservers.postgres_programs import binaries
from devservers.postgres_server import PostgresServer
from sink_connector.sink.session import prepare_database

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

SCRIPT = Path(__file__).parents[3] / "infra" / "postgres" / "read.sql"
ROLES = ("read_owner", "sink_writer", "catalog_reader")
MAX_CONNECTIONS = 100
READ_TABLES = ("orders", "order_history", "products", "user_summary", "product_sales")


def run_script(admin_dsn: str) -> None:
    """As `./demo` and Compose run it."""
    env = {f"{role.upper()}_PASSWORD": role for role in ROLES} | {"PATH": os.environ["PATH"]}
    command: list[str | Path] = [binaries() / "psql", "--no-psqlrc", "--quiet", "-d", admin_dsn, "-f", SCRIPT]
    ended = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def admin_dsn(session_directory: Path) -> AsyncIterator[str]:
    """A server of its own, with the roles and the migrated tables: roles belong to a whole server."""
    directory = Path(tempfile.mkdtemp(dir=session_directory))
    async with PostgresServer(directory=directory, max_connections=MAX_CONNECTIONS) as server:
        await asyncio.to_thread(run_script, server.admin_dsn)
        owner = dsn_of(server.admin_dsn, "read_owner")
        await upgrade(owner)
        async with connected(owner) as connection:
            await prepare_database(connection)
        yield server.admin_dsn


def dsn_of(admin_dsn: str, role: str, database: str = "read") -> str:
    parts = urlsplit(admin_dsn)
    return parts._replace(netloc=f"{role}:{role}@{parts.hostname}:{parts.port}", path=f"/{database}").geturl()


@contextlib.asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def as_role(admin_dsn: str, role: str) -> AsyncIterator[Connection]:
    async with connected(dsn_of(admin_dsn, role)) as connection:
        yield connection


ALLOWED = [
    *(("sink_writer", f"SELECT * FROM {table}") for table in READ_TABLES),  # noqa: S608  names from above
    *(("sink_writer", f"DELETE FROM {table} WHERE false") for table in READ_TABLES),  # noqa: S608  names from above
    *(("catalog_reader", f"SELECT * FROM {table}") for table in (*READ_TABLES, "alembic_version")),  # noqa: S608  names from above
    ("sink_writer", "UPDATE products SET name = name WHERE false"),
    ("sink_writer", "UPDATE sink.offsets SET next_offset = 0 WHERE false"),
    ("sink_writer", "DELETE FROM sink.dead_letters WHERE false"),
    ("sink_writer", "SELECT headers FROM sink.dead_letters"),
    ("sink_writer", "CREATE TEMPORARY TABLE staged (LIKE orders)"),
    ("sink_writer", "SELECT sink.forget_v1('{}')"),
    ("catalog_reader", "SELECT * FROM sink.offsets_v1"),
    ("catalog_reader", "SELECT * FROM sink.dead_letters_v1"),
    ("catalog_reader", "SELECT line_product_ids('[]')"),
]
REFUSED = [
    *(
        ("sink_writer", f"{verb} alembic_version{rest}")
        for verb, rest in (("DELETE FROM", ""), ("UPDATE", " SET version_num = ''"), ("SELECT * FROM", ""))
    ),
    ("sink_writer", "INSERT INTO alembic_version VALUES ('x')"),
    ("sink_writer", "TRUNCATE orders"),
    ("sink_writer", "CREATE TABLE own (a int)"),
    ("sink_writer", "CREATE SCHEMA own"),
    ("sink_writer", "ALTER TABLE orders ADD COLUMN a int"),
    ("sink_writer", "SELECT lo_create(0)"),
    ("sink_writer", "SELECT lo_from_bytea(0, 'x')"),
    ("catalog_reader", "SELECT lo_creat(0)"),
    ("catalog_reader", "SELECT connector FROM sink.offsets"),
    ("catalog_reader", "SELECT key FROM sink.dead_letters"),
    ("catalog_reader", "SET transaction_read_only = off; SELECT sink.hold_v1('{orders}')"),
    ("catalog_reader", "SET transaction_read_only = off; SELECT sink.forget_v1('{orders}')"),
    ("catalog_reader", "SET transaction_read_only = off; SELECT sink.take_over_v1('{a}', '{b}')"),
    ("catalog_reader", "SET transaction_read_only = off; DELETE FROM sink.offsets_v1"),
    ("sink_writer", "DELETE FROM sink.dead_letters_v1"),
    *(("catalog_reader", f"SET transaction_read_only = off; DELETE FROM {table}") for table in READ_TABLES),  # noqa: S608  names from above
    ("catalog_reader", "SET transaction_read_only = off; CREATE TEMPORARY TABLE own (a int)"),
    ("sink_writer", "SELECT access.grant_relation('orders')"),
]


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("role", "sql"), ALLOWED)
async def test_a_role_may_do_what_it_is_for(admin_dsn: str, role: str, sql: str) -> None:
    async with as_role(admin_dsn, role) as connection:
        await connection.execute(sql)


@pytest.mark.guarantees("G-QUERY-7")
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("role", "sql"), REFUSED)
async def test_a_role_may_do_nothing_else(admin_dsn: str, role: str, sql: str) -> None:
    async with as_role(admin_dsn, role) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(sql)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("role", ["sink_writer", "catalog_reader"])
@pytest.mark.parametrize("database", ["postgres", "template1"])
async def test_a_role_reaches_no_other_database(admin_dsn: str, role: str, database: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(dsn_of(admin_dsn, role, database))


@pytest.mark.asyncio(loop_scope="module")
async def test_every_role_is_bounded_and_all_together_leave_room_for_the_administrator(
    admin_dsn: str,
) -> None:
    limits = "SELECT rolname, rolconnlimit FROM pg_roles WHERE rolname = ANY ($1)"
    async with connected(admin_dsn) as admin:
        bounds = {role: int(limit) for role, limit in await admin.fetch(limits, ROLES)}
    assert all(bound > 0 for bound in bounds.values()), bounds
    assert sum(bounds.values()) <= MAX_CONNECTIONS - 10
    for role in ROLES:
        async with as_role(admin_dsn, role) as connection:
            assert await connection.fetchval("SHOW idle_in_transaction_session_timeout") != "0"
            if role != "read_owner":  # whose migrations and VACUUM take what they take
                assert await connection.fetchval("SHOW statement_timeout") != "0"


@pytest.mark.asyncio(loop_scope="module")
async def test_a_read_table_of_tomorrow_is_usable_in_any_schema_and_is_forgotten_with_it(
    admin_dsn: str,
) -> None:
    async with as_role(admin_dsn, "read_owner") as owner:
        await owner.execute(
            "CREATE SCHEMA next; CREATE TABLE next.orders (LIKE orders); CREATE TABLE later (a int)"
        )
        async with as_role(admin_dsn, "sink_writer") as sink, as_role(admin_dsn, "catalog_reader") as catalog:
            await sink.execute("INSERT INTO later VALUES (1); DELETE FROM next.orders")
            assert await catalog.fetchval("SELECT a FROM later") == 1
            await catalog.execute("SELECT * FROM next.orders")
        await owner.execute("DROP SCHEMA next CASCADE; DROP TABLE later")


@pytest.mark.asyncio(loop_scope="module")
async def test_running_the_script_again_takes_back_what_a_table_has_too_much(admin_dsn: str) -> None:
    async with as_role(admin_dsn, "read_owner") as owner:
        await owner.execute("GRANT DELETE ON alembic_version TO sink_writer")
    await asyncio.to_thread(run_script, admin_dsn)
    async with as_role(admin_dsn, "sink_writer") as sink:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await sink.execute("DELETE FROM alembic_version")
        await sink.execute("DELETE FROM orders WHERE false")
