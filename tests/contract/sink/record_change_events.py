"""Record change events as Debezium's connectors write them, of a real PostgreSQL and a real MariaDB, into `change_events/*.json`.

    .venv/bin/python -m tests.contract.sink.record_change_events [postgresql] [mariadb]

Each file holds, for one database: the statements that were run, the rows that its tables hold in the end, and for each way of
writing the same changes (the envelope as it is, and Debezium's own `ExtractNewRecordState` with several of its options) the
records in the order of their topics. The tests that read the recordings need neither Java nor Debezium.
MariaDB is Debian's (`apt-get install mariadb-server`); PostgreSQL, Kafka and Kafka Connect are the tests' own.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition

from devservers.kafka import KafkaCluster
from devservers.ports import free_ports
from devservers.postgres import PostgresServer
from tests.contract.sink import change_event_sources as sources
from tests.support import jvm
from tests.support.connect_worker import NOT_IN_THE_PLUGIN, connect_worker

RECORDINGS = Path(__file__).with_name("change_events")
QUIET_S = 5.0  # no further record for so long: the connector has caught up
UNWRAP = "io.debezium.transforms.ExtractNewRecordState"
WAYS: dict[str, dict[str, str]] = {
    "envelope": {},
    "envelope, no tombstones": {"tombstones.on.delete": "false"},
    "unwrapped": {"transforms": "u", "transforms.u.type": UNWRAP},
    "unwrapped, deletes rewritten": {
        "transforms": "u",
        "transforms.u.type": UNWRAP,
        "transforms.u.delete.tombstone.handling.mode": "rewrite",
    },
    "unwrapped, deletes rewritten with tombstones": {
        "transforms": "u",
        "transforms.u.type": UNWRAP,
        "transforms.u.delete.tombstone.handling.mode": "rewrite-with-tombstone",
    },
    "unwrapped, deletes dropped": {
        "transforms": "u",
        "transforms.u.type": UNWRAP,
        "transforms.u.delete.tombstone.handling.mode": "drop",
    },
    "unwrapped, deletes as tombstones": {
        "transforms": "u",
        "transforms.u.type": UNWRAP,
        "transforms.u.delete.tombstone.handling.mode": "delete-to-tombstone",
    },
    "unwrapped, with fields and headers added": {
        "transforms": "u",
        "transforms.u.type": UNWRAP,
        "transforms.u.add.fields": "op,table:origin,source.schema",
        "transforms.u.add.headers": "op,db",
        "transforms.u.add.fields.prefix": "m_",
    },
    "unwrapped, routed by a field": {
        "transforms": "u",
        "transforms.u.type": UNWRAP,
        "transforms.u.route.by.field": "place",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A database with changes, and how a connector reaches it."""

    name: str
    coordinates: str
    statements: Sequence[str]
    config: Callable[[str], Mapping[str, str]]
    run: Callable[[str], Any]
    rows: Callable[[], Any]


def _plugin(directory: Path, coordinates: str) -> None:
    plugin = directory / "plugins" / coordinates.split(":")[1]
    plugin.mkdir(parents=True, exist_ok=True)
    left_out = tuple(word for word in NOT_IN_THE_PLUGIN if not word.startswith(("mysql", "mariadb")))
    for jar in jvm.jars(coordinates, f"org.apache.kafka:kafka-clients:{jvm.KAFKA_VERSION}"):
        link = plugin / jar.name
        if not jar.name.startswith(left_out) and not link.exists():
            link.symlink_to(jar)


@asynccontextmanager
async def _postgresql(directory: Path) -> AsyncIterator[Source]:
    server = PostgresServer(directory=directory / "postgres")
    async with server:
        connection = await asyncpg.connect(server.admin_dsn)
        await connection.execute("ALTER SYSTEM SET wal_level = logical")
        await connection.execute("ALTER SYSTEM SET max_replication_slots = 20")
        await connection.execute("ALTER SYSTEM SET max_wal_senders = 20")
        await connection.close()
    async with server:  # started again: the level of the log takes effect
        address = urlsplit(server.admin_dsn)
        connection = await asyncpg.connect(server.admin_dsn)

        async def run(statement: str) -> None:
            await connection.execute(statement)

        async def rows() -> dict[str, list[str]]:
            found = {}
            for table in sources.TABLES:
                query = f"SELECT to_jsonb(t)::text FROM shop.{table} t ORDER BY 1"  # noqa: S608 - our own names
                found[table] = [row[0] for row in await connection.fetch(query)]
            return found

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
                "table.include.list": ",".join(f"shop.{table}" for table in sources.TABLES),
                "skipped.operations": "none",
                "heartbeat.interval.ms": "1000",
            }

        yield Source(
            name="postgresql",
            coordinates="io.debezium:debezium-connector-postgres:3.5.0.Final",
            statements=sources.POSTGRESQL,
            config=config,
            run=run,
            rows=rows,
        )
        await connection.close()


@contextmanager
def _mariadbd(directory: Path, port: int) -> Iterator[Path]:
    data, socket = directory / "maria", directory / "maria.sock"
    user = [f"--user={'mysql' if os.geteuid() == 0 else os.environ.get('USER', '')}"]
    directory.chmod(0o777)
    common = ["--no-defaults", f"--datadir={data}", *user]
    subprocess.run(
        ["mariadb-install-db", *common, "--auth-root-authentication-method=normal"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    process = subprocess.Popen(
        [
            shutil.which("mariadbd") or "/usr/sbin/mariadbd", *common, f"--port={port}", "--bind-address=127.0.0.1",
            f"--socket={socket}", "--log-bin=bin", "--binlog-format=ROW", "--binlog-row-image=FULL", "--server-id=7",
        ],
        stderr=(directory / "maria.log").open("wb"),
    )  # fmt: skip
    try:
        for _ in range(100):
            done = subprocess.run(
                ["mariadb-admin", f"--socket={socket}", "-uroot", "ping"], capture_output=True, check=False
            )
            if done.returncode == 0:
                break
            subprocess.run(["sleep", "0.2"], check=True)
        yield socket
    finally:
        process.terminate()
        process.wait(20)


@asynccontextmanager
async def _mariadb(directory: Path) -> AsyncIterator[Source]:
    port = free_ports(1)[0]
    with _mariadbd(directory, port) as socket:

        def client(statement: str, *more: str) -> str:
            command = [
                "mariadb",
                f"--socket={socket}",
                "-uroot",
                "--batch",
                "--raw",
                "--skip-column-names",
                *more,
            ]
            return subprocess.run(
                command, input=statement.encode(), check=True, capture_output=True
            ).stdout.decode()

        client("CREATE DATABASE shop; CREATE USER cdc@'%' IDENTIFIED BY 'cdc'; GRANT ALL ON *.* TO cdc@'%';")

        async def run(statement: str) -> None:
            client(statement, "shop")

        async def rows() -> dict[str, list[str]]:
            found = {}
            for table in sources.TABLES:
                names = client(
                    f"SELECT group_concat(concat('\\'', column_name, '\\', `', column_name, '`') ORDER BY ordinal_position) "  # noqa: S608
                    f"FROM information_schema.columns WHERE table_schema='shop' AND table_name='{table}'"
                ).strip()
                found[table] = client(
                    f"SELECT json_object({names}) FROM {table} ORDER BY 1",  # noqa: S608 - our own names
                    "shop",
                ).splitlines()
            return found

        def config(name: str) -> dict[str, str]:
            return {
                "connector.class": "io.debezium.connector.mariadb.MariaDbConnector",
                "database.hostname": "127.0.0.1",
                "database.port": str(port),
                "database.user": "cdc",
                "database.password": "cdc",
                "database.server.id": str(1000 + abs(hash(name)) % 100_000),
                "database.ssl.mode": "disable",
                "database.include.list": "shop",
                "table.include.list": ",".join(f"shop.{table}" for table in sources.TABLES),
                "skipped.operations": "none",
                "heartbeat.interval.ms": "1000",
                "schema.history.internal.kafka.bootstrap.servers": "BOOTSTRAP",
                "schema.history.internal.kafka.topic": f"{name}-history",
            }

        yield Source(
            name="mariadb",
            coordinates="io.debezium:debezium-connector-mariadb:3.5.0.Final",
            statements=sources.MARIADB,
            config=config,
            run=run,
            rows=rows,
        )


async def _records(bootstrap: str, prefix: str, *, routed: bool) -> list[dict[str, Any]]:
    """Every record of the topics that begin with the prefix (and of those that a field named), once nothing more comes."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    try:
        found: list[dict[str, Any]] = []
        deadline = asyncio.get_running_loop().time() + QUIET_S
        seen: set[TopicPartition] = set()
        while asyncio.get_running_loop().time() < deadline:
            topics = {
                topic
                for topic in await consumer.topics()
                if (topic.startswith(f"{prefix}.") or (routed and topic in sources.PLACES))
                and "history" not in topic
            }
            partitions = {TopicPartition(topic, 0) for topic in topics}
            if partitions - seen:
                seen |= partitions
                consumer.assign(list(seen))
                await consumer.seek_to_beginning(*seen)
                found.clear()
            if not seen:
                await asyncio.sleep(0.25)
                continue
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                for record in batch:
                    found.append(_recorded(record, prefix))
                    if "heartbeat" not in record.topic:
                        deadline = asyncio.get_running_loop().time() + QUIET_S
        return [record for record in found if "heartbeat" not in record["topic"]]
    finally:
        await consumer.stop()


def _recorded(record: Any, prefix: str) -> dict[str, Any]:
    return {
        "topic": record.topic.replace(prefix, "server"),
        "key": None if record.key is None else json.loads(record.key.decode().replace(prefix, "server")),
        "value": None
        if record.value is None
        else json.loads(record.value.decode().replace(prefix, "server")),
        "headers": [[name, None if value is None else value.decode()] for name, value in record.headers],
    }


async def _record(source: Source, bootstrap: str, url: str) -> dict[str, Any]:
    ways = {
        way: (f"w{number}{uuid.uuid4().hex[:6]}", config) for number, (way, config) in enumerate(WAYS.items())
    }
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
        before = [each for each in source.statements if each.startswith("CREATE")]
        for statement in before:
            await source.run(statement)
        for prefix, config in ways.values():
            whole = {
                key: value.replace("BOOTSTRAP", bootstrap) for key, value in source.config(prefix).items()
            }
            whole |= {
                "topic.prefix": prefix,
                "snapshot.mode": "no_data",
                "tasks.max": "1",
                "topic.creation.default.partitions": "1",
                "topic.creation.default.replication.factor": "1",
                **config,
            }
            (await client.put(f"/connectors/{prefix}/config", json=whole)).raise_for_status()
        for prefix, _ in ways.values():
            await _running(client, prefix)
        for statement in source.statements[len(before) :]:
            await source.run(statement)
        recorded = {
            way: await _records(bootstrap, prefix, routed="routed" in way)
            for way, (prefix, _) in ways.items()
        }
        for prefix, _ in ways.values():
            (await client.delete(f"/connectors/{prefix}")).raise_for_status()
    return {
        "source": source.coordinates,
        "statements": list(source.statements),
        "rows": await source.rows(),
        "ways": {way: {"config": WAYS[way], "records": records} for way, records in recorded.items()},
    }


async def _running(client: httpx.AsyncClient, name: str) -> None:
    """Until the connector streams: its heartbeat topic is only a sign of that, so the heartbeat itself is waited for."""
    for _ in range(240):
        answer = await client.get(f"/connectors/{name}/status")
        if answer.status_code == httpx.codes.OK:
            tasks = answer.json()["tasks"]
            if tasks and tasks[0]["state"] == "FAILED":
                raise RuntimeError(tasks[0]["trace"])
            topics = (await client.get(f"/connectors/{name}/topics")).json()
            if tasks and any("heartbeat" in topic for topic in topics.get(name, {}).get("topics", [])):
                return
        await asyncio.sleep(0.25)
    raise RuntimeError(f"{name} does not stream")


def _text(recording: dict[str, Any]) -> str:
    """The recording as JSON with a record per line, which shows in a comparison what has changed."""
    ways = []
    for way, each in recording["ways"].items():
        lines = ",\n".join(json.dumps(record, ensure_ascii=False) for record in each["records"])
        ways.append(
            f'{json.dumps(way)}: {{"config": {json.dumps(each["config"])}, "records": [\n{lines}\n]}}'
        )
    rest = {name: value for name, value in recording.items() if name != "ways"}
    whole = json.dumps(rest, ensure_ascii=False, indent=1)
    return whole.removesuffix("\n}") + ',\n "ways": {\n' + ",\n".join(ways) + "\n}}\n"


async def main(names: Sequence[str]) -> None:
    """One file per database."""
    RECORDINGS.mkdir(exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="change-events-"))
    directory.chmod(0o755)  # noqa: ASYNC240 - once, before anything runs
    try:
        async with KafkaCluster(directory=directory / "kafka", brokers=1) as kafka:
            for name in names:
                place = directory / name
                place.mkdir()
                place.chmod(0o777)
                async with _SOURCES[name](place) as source:
                    _plugin(directory, source.coordinates)
                    with connect_worker(
                        directory, bootstrap=kafka.bootstrap, port=free_ports(1)[0]
                    ) as worker:
                        recording = await _record(source, kafka.bootstrap, worker.url)
                (RECORDINGS / f"{name}.json").write_text(_text(recording), encoding="utf-8")
                counts = {way: len(each["records"]) for way, each in recording["ways"].items()}
                print(name, counts)  # noqa: T201 - a person runs this and watches
    finally:
        shutil.rmtree(directory, ignore_errors=True)


_SOURCES = {"postgresql": _postgresql, "mariadb": _mariadb}

if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:] or list(_SOURCES)))
