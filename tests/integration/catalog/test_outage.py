"""The read database away, behind, or restarted: bounded in time, told apart, and over by itself."""

import asyncio
import uuid
from functools import partial
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import httpx
import pytest
from pydantic import SecretStr

from catalog_service.read_model.database import Database
from catalog_service.read_model.migrate import upgrade
from catalog_service.read_model.migrations import head
from devservers.tcp_proxy import tcp_proxy
from tests.conftest import MakeDatabase
from tests.support.read_side import ReadModel, an_order, serving
from tests.support.waiting import wait_until

NOBODY = "postgresql://nobody@127.0.0.1:9/nothing"


@pytest.mark.guarantees("G-QUERY-8")
async def test_queries_go_on_after_every_connection_was_cut(
    queries: httpx.AsyncClient, read_model: ReadModel, database: asyncpg.Connection
) -> None:
    await read_model.write("orders", an_order(0))
    for _ in range(3):
        assert (await queries.get("/orders/order-1-000000")).status_code == 200
        await database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.mark.guarantees("G-QUERY-8")
async def test_without_its_database_it_serves_says_what_is_missing_and_asks_to_come_again(
    read_model: ReadModel,
) -> None:
    settings = read_model.settings.model_copy(update={"database_url": SecretStr(NOBODY)})
    async with serving(settings) as client:
        assert (await client.get("/health/live")).status_code == 200
        for path in ("/orders", "/orders/x", "/products", "/sales", "/stream", "/health/ready"):
            answer = await client.get(path)  # in time: its client waits for 20 s
            assert (answer.status_code, answer.headers["content-type"]) == (
                503,
                "application/problem+json",
            ), path
            assert answer.headers["retry-after"] == "1", path
        await wait_until(partial(_database_is, client, "down"), what="its database is shown as down")


@pytest.mark.guarantees("G-QUERY-8")
@pytest.mark.parametrize(
    "ways", [{}, {"answers": False}, {"requests": False}], ids=["both", "requests", "answers"]
)
async def test_a_link_to_its_database_that_is_held_is_given_up_in_time_and_used_again_once_it_passes(
    read_model: ReadModel, ways: dict[str, bool]
) -> None:
    """Half-open connections: nobody says that the other side is gone."""
    await read_model.write("orders", an_order(0))
    async with tcp_proxy(read_model.settings.database_url.get_secret_value()) as link:
        settings = read_model.settings.model_copy(update={"database_url": SecretStr(link.dsn)})
        async with serving(settings) as client:
            await wait_until(partial(_shows_an_order, client), what="it answers from its database")
            link.hold(**ways)
            for _ in range(2):
                answer = await client.get("/orders/order-1-000000")  # as above
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            link.release()
            await wait_until(partial(_shows_an_order, client), what="it answers again")


async def _shows_an_order(client: httpx.AsyncClient) -> bool:
    return (await client.get("/orders/order-1-000000")).status_code == 200


async def test_a_statement_that_takes_too_long_is_given_up(read_dsn: str) -> None:
    async with Database(read_dsn, pool_size=1, statement_timeout_s=2) as database:
        with pytest.raises(Exception, match="took too long"):
            await database.fetch("SELECT pg_sleep(60)")
        assert (await database.fetch("SELECT 1 AS one"))[0]["one"] == 1


@pytest.mark.guarantees("G-QUERY-7")
async def test_whatever_is_asked_nothing_is_written(read_dsn: str) -> None:
    async with Database(read_dsn, pool_size=1, statement_timeout_s=3) as database:
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await database.fetch("DELETE FROM orders")


async def test_a_database_that_was_not_migrated_makes_it_unready_and_names_the_command(
    read_model: ReadModel, make_database: MakeDatabase
) -> None:
    dsn = await make_database()
    settings = read_model.settings.model_copy(update={"database_url": SecretStr(dsn)})
    async with serving(settings) as client:
        answer = await client.get("/health/ready")
        assert (answer.status_code, "catalog-service migrate" in answer.json()["detail"]) == (503, True)
        await upgrade(dsn)
        await wait_until(partial(_ready, client), what="it is ready")


async def test_another_revision_makes_it_unready_and_is_named(
    queries: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    await wait_until(partial(_ready, queries), what="it is ready")
    await database.execute("UPDATE alembic_version SET version_num = '9999'")

    async def both_are_named() -> bool:
        detail = (await queries.get("/health/ready")).json().get("detail", "")
        return "9999" in detail and head() in detail

    await wait_until(both_are_named, what="both revisions are named")


async def test_migrating_again_changes_nothing_and_a_second_copy_stands_beside(read_dsn: str) -> None:
    await upgrade(read_dsn)
    await upgrade(read_dsn, schema="beside")
    connection = await asyncpg.connect(read_dsn)
    tables = await connection.fetch(
        "SELECT table_schema, array_agg(table_name::text ORDER BY table_name) AS names FROM information_schema.tables "
        "WHERE table_schema IN ('public', 'beside') GROUP BY 1"
    )
    await connection.close()
    by_schema = {row["table_schema"]: row["names"] for row in tables}
    assert by_schema["public"] == by_schema["beside"]


async def test_a_role_with_few_connections_and_little_time_is_served_one_after_the_other(
    read_model: ReadModel, database: asyncpg.Connection
) -> None:
    """What an operator sets for the role that reads: the pool is wider than the role's limit."""
    role = f"reader_{uuid.uuid4().hex[:8]}"
    await database.execute(
        f"CREATE ROLE {role} LOGIN PASSWORD 'x' CONNECTION LIMIT 3;"
        f"ALTER ROLE {role} SET statement_timeout = '2s'; ALTER ROLE {role} SET idle_session_timeout = '60s';"
        f"GRANT USAGE ON SCHEMA sink TO {role};"
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public, sink TO {role}"
    )
    address = urlsplit(read_model.settings.database_url.get_secret_value())
    dsn = urlunsplit(address._replace(netloc=f"{role}:x@{address.netloc.rpartition('@')[2]}"))
    settings = read_model.settings.model_copy(update={"database_url": SecretStr(dsn)})
    try:
        await read_model.write("orders", *(an_order(number) for number in range(50)))
        async with serving(settings) as client:
            await wait_until(partial(_ready, client), what="it is ready")
            answers = await asyncio.gather(*(client.get("/orders?limit=50") for _ in range(24)))
            assert {answer.status_code for answer in answers} == {200}
            await wait_until(partial(_database_is, client, "up"), what="its database is shown as up")
    finally:
        await database.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")


async def _database_is(client: httpx.AsyncClient, state: str) -> bool:
    parts = (await client.get("/sync")).json()["parts"]
    return [part["state"] for part in parts if part["kind"] == "database"] == [state]


async def _ready(client: httpx.AsyncClient) -> bool:
    return (await client.get("/health/ready")).status_code == 200
