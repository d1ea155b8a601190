"""What a connection URL says beside the address: schemas, poolers, servers that can be written to."""

import os
import shutil
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import asyncpg
import pytest

from devservers.ports import free_ports
from sink_connector.cli.dry_run import try_records
from sink_connector.config.connection import parse_connection
from sink_connector.config.worker import WorkerConfig
from sink_connector.errors import FatalError
from sink_connector.runtime.connector_definition import define_connector
from sink_connector.sink.session import Session, connect, prepare_database
from tests.conftest import MakeTopic
from tests.support.sink import (
    INT64,
    Message,
    configuration,
    connected,
    drain,
    execute,
    rows,
    send,
    struct,
    task_of,
)
from tests.support.sink_commands import database_snapshot
from tests.support.waiting import wait_until

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


def numbers(count: int, *, begin: int = 0) -> list[Message]:
    return [Message(value=struct({"n": n}, n=INT64)) for n in range(begin, begin + count)]


UPSERT = {"auto.create": "true", "insert.mode": "upsert", "pk.mode": "record_value", "pk.fields": "n"}


@pytest.mark.parametrize("option", ["currentSchema=s1", "options=-c%20search_path=s1"])
async def test_the_table_is_made_in_the_schema_that_the_url_names(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, option: str
) -> None:
    await execute(database, "CREATE SCHEMA s1")
    topic = await make_topic()
    await drain(
        kafka_bootstrap, f"jdbc:{_jdbc(database)}&{option}", topic, numbers(3),
        **UPSERT, **{"table.name.format": "t"},
    )  # fmt: skip
    assert await rows(database, "SELECT count(*) FROM s1.t") == [(3,)]


def _jdbc(database: str) -> str:
    parts = urlsplit(database)
    return f"postgresql://{parts.hostname}:{parts.port}{parts.path}?user={parts.username}&password={parts.password}"


async def test_the_first_server_that_can_be_written_to_is_taken(database: str) -> None:
    parts = urlsplit(database)
    dead = free_ports(1)[0]
    several = f"jdbc:postgresql://127.0.0.1:{dead},{parts.hostname}:{parts.port}{parts.path}?targetServerType=primary"
    address = parse_connection(several, user=parts.username or "", password=unquote(parts.password or ""))
    connection = await connect(address, name="test")
    assert await connection.fetchval("SHOW transaction_read_only") == "off"
    await connection.close()


async def test_a_server_without_the_tls_that_is_asked_for_is_told_of(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await send(kafka_bootstrap, topic, numbers(1))
    given = configuration(f"jdbc:{_jdbc(database)}&sslmode=require", topics=topic)
    async with connected(kafka_bootstrap, given) as connector:
        trouble = await wait_until(
            lambda: task_of(connector).trouble, what="the task to say what it waits for"
        )
    assert trouble is not None
    assert "SSL" in trouble.reason


async def test_what_the_url_sets_is_set(database: str) -> None:
    address = parse_connection(
        f"jdbc:{_jdbc(database)}&ApplicationName=shop&options=-c%20statement_timeout=7s&prepareThreshold=3"
    )
    connection = await connect(address, name="test", timezone="Asia/Tokyo")
    shown = [
        await connection.fetchval(f"SHOW {name}")
        for name in ("application_name", "statement_timeout", "timezone")
    ]
    assert shown == ["shop", "7s", "Asia/Tokyo"]
    await connection.close()


async def test_a_certificate_that_is_not_there_is_no_outage(database: str) -> None:
    address = parse_connection(f"{database}?sslmode=verify-ca&sslrootcert=/nowhere/ca.pem")
    with pytest.raises(FatalError, match=r"connection\.url"):
        await connect(address, name="test")


@contextmanager
def pgbouncer(database: str, directory: Path) -> Iterator[str]:
    """PgBouncer in transaction mode with two sessions of the server; the URL of the database through it."""
    assert PGBOUNCER is not None
    parts, port = urlsplit(database), free_ports(1)[0]
    settings = directory / f"pgbouncer-{port}.ini"
    settings.write_text(
        "[databases]\n"
        f"* = host={parts.hostname} port={parts.port} user={parts.username} password={unquote(parts.password or '')}\n"
        "[pgbouncer]\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        "pool_mode = transaction\ndefault_pool_size = 3\nserver_round_robin = 1\n"
    )
    settings.chmod(0o644)
    user = "nobody" if os.geteuid() == 0 else None
    with (directory / f"pgbouncer-{port}.log").open("wb") as log:
        process = subprocess.Popen([PGBOUNCER, str(settings)], stdout=log, stderr=log, user=user)
    try:
        yield f"postgresql://any@127.0.0.1:{port}{parts.path}"
    finally:
        process.terminate()
        process.wait(10)


needs_pgbouncer = pytest.mark.skipif(PGBOUNCER is None, reason="pgbouncer is not installed")


async def reachable(url: str) -> bool:
    try:
        await (await asyncpg.connect(url, statement_cache_size=0)).close()
    except (OSError, asyncpg.PostgresError):
        return False
    return True


@needs_pgbouncer
async def test_rows_arrive_through_a_pooler_in_transaction_mode(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, session_directory: Path
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE SCHEMA s1")
    with pgbouncer(database, session_directory) as pooled:
        await wait_until(lambda: reachable(pooled), what="pgbouncer to answer")
        given = configuration(
            f"jdbc:{pooled}?prepareThreshold=0&currentSchema=s1",
            topics=topic,
            **UPSERT,
            **{"table.name.format": "t"},
        )
        await send(kafka_bootstrap, topic, numbers(201))
        async with connected(kafka_bootstrap, given) as connector:
            wait = wait_until_read_directly(database, connector.config.name)
            await wait(201)
            await send(kafka_bootstrap, topic, numbers(300, begin=100))
            await wait(501)
            assert not any(status.trace for status in connector.status)
    assert await rows(database, "SELECT count(*), max(n) FROM s1.t") == [(400, 399)]


@needs_pgbouncer
async def test_a_dry_run_behind_a_pooler_leaves_nothing(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, session_directory: Path
) -> None:
    topic = await make_topic()
    await send(kafka_bootstrap, topic, [*numbers(80), Message(value=b"nonsense")])
    before = await database_snapshot(database)
    worker = WorkerConfig(bootstrap_servers=kafka_bootstrap)
    with pgbouncer(database, session_directory) as pooled:
        await wait_until(lambda: reachable(pooled), what="pgbouncer to answer")
        given = configuration(f"jdbc:{pooled}?prepareThreshold=0", topics=topic, **UPSERT)
        definition = define_connector(given, worker, worker.providers.unrestricted())
        report = await try_records(definition, "earliest", 100)
    assert (report["row"], report["bad"], report["stopped"]) == (80, 1, "")
    assert report["records"][79]["key"] == {"n": 79}
    assert await database_snapshot(database) == before


def wait_until_read_directly(database: str, name: str) -> Callable[[int], Awaitable[None]]:
    async def wait(count: int) -> None:
        async def read() -> bool:
            try:
                found = await rows(
                    database,
                    f"SELECT sum(next_offset)::bigint FROM sink.offsets WHERE connector = '{name}'",  # noqa: S608
                )
            except asyncpg.PostgresError:
                return False
            return found == [(count,)]

        await wait_until(read, timeout_s=60, what=f"{count} records to be committed")

    return wait


@needs_pgbouncer
async def test_nothing_outlives_a_transaction_behind_a_pooler(database: str, session_directory: Path) -> None:
    with pgbouncer(database, session_directory) as pooled:
        await wait_until(lambda: reachable(pooled), what="pgbouncer to answer")
        address = parse_connection(f"{pooled}?prepareThreshold=0&options=-c%20statement_timeout=7s")
        session = Session(address=address, name="test", timezone="Asia/Tokyo")
        connection = await session.connection()
        assert connection is not await session.connection()
        await prepare_database(connection)
        async with connection.transaction():
            assert await connection.fetchval("SHOW timezone") == "Asia/Tokyo"
            assert await connection.fetchval("SHOW statement_timeout") == "7s"
            async with connection.transaction():
                await connection.execute("CREATE TEMPORARY TABLE of_one (n int) ON COMMIT DELETE ROWS")
            assert await connection.fetchval("SELECT to_regclass('pg_temp.of_one') IS NOT NULL")
        for _ in range(6):  # more than the pooler has sessions
            assert await connection.fetchval("SELECT to_regclass('pg_temp.of_one') IS NULL AND $1 = 1", 1)
        plain = await asyncpg.connect(pooled, statement_cache_size=0)
        for _ in range(6):
            assert await plain.fetchval("SELECT current_setting('statement_timeout')") == "0"
        await plain.close()
        await session.close()
