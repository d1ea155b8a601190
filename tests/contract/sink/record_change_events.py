"""Record change events as Debezium's connector writes them, of a real PostgreSQL, into `change_events/postgresql.json`.

    .venv/bin/python -m tests.contract.sink.record_change_events

The file holds the statements that were run, the rows that the tables hold in the end, and for each way of writing the same
changes (the envelope as it is, and Debezium's own `ExtractNewRecordState` with several of its options) the records in the
order of their topics. The tests that read it need neither Java nor Debezium.
"""

import asyncio
import json
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
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

RECORDING = Path(__file__).with_name("change_events") / "postgresql.json"
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
    for jar in jvm.jars(coordinates, f"org.apache.kafka:kafka-clients:{jvm.KAFKA_VERSION}"):
        link = plugin / jar.name
        if not jar.name.startswith(NOT_IN_THE_PLUGIN) and not link.exists():
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
                **source.config(prefix),
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


async def main() -> None:
    """Start what there is to be recorded, and write the file."""
    directory = Path(tempfile.mkdtemp(prefix="change-events-"))
    directory.chmod(0o755)  # noqa: ASYNC240 - once, before anything runs
    try:
        async with (
            KafkaCluster(directory=directory / "kafka", brokers=1) as kafka,
            _postgresql(directory) as source,
        ):
            _plugin(directory, source.coordinates)
            with connect_worker(directory, bootstrap=kafka.bootstrap, port=free_ports(1)[0]) as worker:
                recording = await _record(source, kafka.bootstrap, worker.url)
        RECORDING.write_text(_text(recording), encoding="utf-8")
        counts = {way: len(each["records"]) for way, each in recording["ways"].items()}
        print(counts)  # noqa: T201 - a person runs this and watches
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    asyncio.run(main())
