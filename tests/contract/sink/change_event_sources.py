"""The databases whose changes are recorded, and how a connector of Debezium reaches them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import unquote, urlsplit

import asyncpg

from devservers.postgres_programs import debian_binaries
from devservers.postgres_server import PostgresServer
from tests.contract.sink import change_event_statements as statements
from tests.contract.sink import mysql_statements
from tests.contract.sink.change_event_ways import MARIADB_WAYS, MYSQL_WAYS, POSTGRESQL_WAYS, Way
from tests.support.mysql_servers import PASSWORD, USER, MySqlServer, mariadb, mysql

Rows = dict[str, list[str]]
AT_ONCE = 50  # pairs of one jsonb_build_object: a function takes a hundred arguments at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A database with changes: `before` is run, then the connectors start, then `changes` are made."""

    coordinates: str
    before: Sequence[str]
    changes: Sequence[str]
    ways: Mapping[str, Way]
    config: Callable[[str], Mapping[str, str]]
    run: Callable[[str], Awaitable[None]]
    rows: Callable[[], Awaitable[Rows]]


@asynccontextmanager
async def postgresql(directory: Path, bootstrap: str) -> AsyncIterator[Source]:
    """Debian's PostgreSQL, which has the extensions, with `wal_level=logical`."""
    programs = debian_binaries()
    if programs is None:
        raise SystemExit("needs Debian's postgresql and postgresql-contrib")
    server = PostgresServer(directory=directory / "postgres", programs=programs)
    async with server:
        connection = await asyncpg.connect(server.admin_dsn)
        for setting in ("wal_level = logical", "max_replication_slots = 40", "max_wal_senders = 40"):
            await connection.execute(f"ALTER SYSTEM SET {setting}")
        await connection.close()
    async with server:  # started again: the level of the log takes effect
        address = urlsplit(server.admin_dsn)
        connection = await asyncpg.connect(server.admin_dsn)

        async def run(statement: str) -> None:
            await connection.execute(statement)

        def config(name: str) -> dict[str, str]:
            return {
                "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
                "plugin.name": "pgoutput",
                "database.hostname": "127.0.0.1",
                "database.port": str(address.port),
                "database.user": "postgres",
                "database.password": unquote(address.password or ""),
                "database.dbname": "postgres",
                "schema.include.list": "shop",
                "slot.name": name.replace("-", "_"),
                "publication.name": name.replace("-", "_"),
                "publication.autocreate.mode": "filtered",
            }

        yield Source(
            coordinates="io.debezium:debezium-connector-postgres:3.5.0.Final",
            before=statements.POSTGRESQL_BEFORE,
            changes=statements.POSTGRESQL,
            ways=POSTGRESQL_WAYS,
            config=config,
            run=run,
            rows=partial(_postgresql_rows, connection),
        )
        await connection.close()


async def _postgresql_rows(connection: asyncpg.Connection) -> Rows:
    """Every table's rows as JSON objects; those of the tables of types with each value as the text that it is cast to."""
    query = f"SELECT table_name FROM information_schema.tables WHERE table_schema = 'shop' AND table_name !~ '^{statements.LAST}$|_before$'"  # noqa: S608
    found = {}
    for (table,) in await connection.fetch(query):
        texts = f"SELECT (SELECT jsonb_object_agg(key, value) FROM jsonb_each_text(to_jsonb(whole)))::text FROM shop.{table} whole"  # noqa: S608
        found[table] = [row[0] for row in await connection.fetch(f"{texts} ORDER BY 1")]
    for table, columns in (("types", statements.POSTGRESQL_TYPES), ("specials", statements.SPECIALS)):
        pairs = [f"'{each.name}', {each.name}::text" for each in columns]
        parts = [pairs[start : start + AT_ONCE] for start in range(0, len(pairs), AT_ONCE)]
        built = " || ".join(f"jsonb_build_object({', '.join(part)})" for part in parts)
        query = f"SELECT ({built})::text FROM shop.{table} ORDER BY id"  # noqa: S608
        found[table] = [row[0] for row in await connection.fetch(query)]
    return found


@asynccontextmanager
async def mariadb_source(directory: Path, bootstrap: str) -> AsyncIterator[Source]:
    """Debian's MariaDB, with the binary log by rows."""
    async with mariadb(directory) as server:
        yield _of_binary_log(
            server,
            bootstrap,
            connector="mariadb",
            class_name="io.debezium.connector.mariadb.MariaDbConnector",
            before=mysql_statements.MARIADB_BEFORE,
            changes=mysql_statements.MARIADB,
            ways=MARIADB_WAYS,
        )


@asynccontextmanager
async def mysql_source(directory: Path, bootstrap: str) -> AsyncIterator[Source]:
    """MySQL 8, with the binary log by rows and global transaction identifiers."""
    async with mysql(directory) as server:
        yield _of_binary_log(
            server,
            bootstrap,
            connector="mysql",
            class_name="io.debezium.connector.mysql.MySqlConnector",
            before=mysql_statements.MYSQL_BEFORE,
            changes=mysql_statements.MYSQL,
            ways=MYSQL_WAYS,
        )


def _of_binary_log(  # noqa: PLR0913 - what the two differ in, each by its name
    server: MySqlServer,
    bootstrap: str,
    *,
    connector: str,
    class_name: str,
    before: Sequence[str],
    changes: Sequence[str],
    ways: Mapping[str, Way],
) -> Source:
    numbers = iter(range(1001, 2000))  # of the connectors as replicas

    async def run(statement: str) -> None:
        await server.run(statement)

    async def rows() -> Rows:
        found = {}
        for table in ("customers", "items", "emptied"):
            of_table = f"table_schema = 'shop' AND table_name = '{table}'"
            query = f"SELECT column_name FROM information_schema.columns WHERE {of_table}"  # noqa: S608
            names = (await server.run(query)).split()
            pairs = ", ".join(f"'{name}', CAST({name} AS CHAR)" for name in names)
            answer = await server.run(f"SELECT JSON_OBJECT({pairs}) FROM shop.{table} ORDER BY 1")  # noqa: S608
            found[table] = answer.splitlines()
        return found

    def config(name: str) -> dict[str, str]:
        return {
            "connector.class": class_name,
            "database.hostname": "127.0.0.1",
            "database.port": str(server.port),
            "database.user": USER,
            "database.password": PASSWORD,
            "database.ssl.mode": "disable" if connector == "mariadb" else "disabled",
            "database.server.id": str(next(numbers)),
            "database.include.list": "shop",
            "schema.history.internal.kafka.bootstrap.servers": bootstrap,
            "schema.history.internal.kafka.topic": f"history-{name}",
        }

    return Source(
        coordinates=f"io.debezium:debezium-connector-{connector}:3.5.0.Final",
        before=before,
        changes=changes,
        ways=ways,
        config=config,
        run=run,
        rows=rows,
    )
