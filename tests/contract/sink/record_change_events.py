"""Record change events as Debezium's connectors write them, of a real database, into `change_events/<source>.json`.

    .venv/bin/python -m tests.contract.sink.record_change_events postgresql mariadb mysql

The file holds the statements that were run, the rows that the tables hold in the end, and for each way of writing the same
changes (`change_event_ways`: the envelope as it is, Debezium's own `ExtractNewRecordState`, the modes of its types) the
records in the order of their topics. The tests that read it (`tests.support.change_events`) need neither Java nor Debezium.
"""

import asyncio
import json
import shutil
import sys
import tempfile
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition

from devservers.kafka_cluster import KafkaCluster
from devservers.ports import free_ports
from tests.contract.sink.change_event_sources import Source, mariadb_source, mysql_source, postgresql
from tests.contract.sink.change_event_statements import LAST, PLACES
from tests.contract.sink.change_event_ways import Way
from tests.support import jvm
from tests.support.change_events import compacted
from tests.support.connect_worker import NOT_IN_THE_PLUGIN, connect_worker
from tests.support.waiting import wait_until

DIRECTORY = Path(__file__).with_name("change_events")
SOURCES = {"postgresql": postgresql, "mariadb": mariadb_source, "mysql": mysql_source}
PATIENCE_S = 900.0  # for twenty connectors that share two cores
DRIVERS = ("mariadb-", "mysql-")  # which the sink's plugin does without
CONVERTER = {
    f"{side}.converter{option}": value
    for side in ("key", "value")
    for option, value in (
        ("", "org.apache.kafka.connect.json.JsonConverter"),
        (".replace.null.with.default", "false"),  # a null as it was
    )
}


def _plugin(directory: Path, coordinates: str) -> None:
    plugin = directory / "plugins" / coordinates.split(":")[1]
    plugin.mkdir(parents=True, exist_ok=True)
    ballast = tuple(each for each in NOT_IN_THE_PLUGIN if each not in DRIVERS)
    for jar in jvm.jars(coordinates, f"org.apache.kafka:kafka-clients:{jvm.KAFKA_VERSION}"):
        link = plugin / jar.name
        if not jar.name.startswith(ballast) and not link.exists():
            link.symlink_to(jar)


async def _records(bootstrap: str, prefix: str, way: Way) -> list[dict[str, Any]]:
    """Every record of the way's topics up to that of the table `LAST`; of heartbeats, which do not end, the first.

    A connector sends in the order of the log, with one request under way, and one broker has all of the topics: when the
    last change is in Kafka, all before it are.
    """
    last = TopicPartition(LAST if way.routed else f"{prefix}.shop.{LAST}", 0)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:

        async def is_complete() -> bool:
            return last.topic in await consumer.topics() and (await consumer.end_offsets([last]))[last] > 0

        await wait_until(
            is_complete, timeout_s=PATIENCE_S, every_s=0.5, what=f"the last change in {last.topic}"
        )
        topics = {topic for topic in await consumer.topics() if _belongs(topic, prefix, way)} - {last.topic}
        read = [await _whole(consumer, TopicPartition(topic, 0)) for topic in topics]
    finally:
        await consumer.stop()
    found = [_recorded(record, prefix) for of_topic in read for record in _without_ends(of_topic)]
    return sorted(found, key=lambda record: record["topic"])  # and as they came within each


async def _whole(consumer: AIOKafkaConsumer, partition: TopicPartition) -> list[Any]:
    """What is in a partition by now."""
    consumer.assign([partition])
    end = (await consumer.end_offsets([partition]))[partition]
    consumer.seek(partition, 0)
    found: list[Any] = []
    while await consumer.position(partition) < end:
        found += (await consumer.getmany(partition, timeout_ms=500)).get(partition, [])
    return [record for record in found if record.offset < end]


def _without_ends(records: list[Any]) -> list[Any]:
    """Without the heartbeats after the first, and without the transaction of the last change."""
    if not records:
        return []
    topic = records[0].topic
    if "heartbeat" in topic:
        return records[:1]
    if topic.endswith(".transaction"):
        begun = [place for place, each in enumerate(records) if b'"BEGIN"' in each.value]
        return records[: begun[-1]]
    return records


def _belongs(topic: str, prefix: str, way: Way) -> bool:
    """Whether a topic is one of the way's: of its tables, or with `beside` of the connector itself too."""
    if way.beside and topic in {prefix, f"__debezium-heartbeat.{prefix}"}:
        return True
    if topic.startswith(f"{prefix}."):
        return way.beside or topic.rpartition(".")[2] in way.tables
    return way.routed and topic in PLACES


def _recorded(record: Any, prefix: str) -> dict[str, Any]:
    def read(data: bytes | None) -> Any:
        return None if data is None else json.loads(data.decode().replace(prefix, "server"))

    return {
        "topic": record.topic.replace(prefix, "server"),
        "key": read(record.key),
        "value": read(record.value),
        "headers": [[name, None if value is None else value.decode()] for name, value in record.headers],
    }


async def _record(source: Source, bootstrap: str, url: str) -> dict[str, Any]:
    prefixes = {way: f"w{number}{uuid.uuid4().hex[:6]}" for number, way in enumerate(source.ways)}
    async with httpx.AsyncClient(base_url=url, timeout=120, trust_env=False) as client:
        for statement in source.before:
            await source.run(statement)
        for name, way in source.ways.items():
            config = _connector(source, prefixes[name], way)
            (await client.put(f"/connectors/{prefixes[name]}/config", json=config)).raise_for_status()
        for name, prefix in prefixes.items():
            await _running(client, name, prefix)
        for statement in (*source.changes, f"INSERT INTO shop.{LAST} VALUES (1, '{LAST}')"):  # noqa: S608 - our own
            await source.run(statement)
        found = await asyncio.gather(
            *(_records(bootstrap, prefixes[name], way) for name, way in source.ways.items())
        )
        recorded = dict(zip(source.ways, found, strict=True))
        for name in source.ways:
            await _running(client, name, prefixes[name])  # still: none failed over what it read
        for prefix in prefixes.values():
            (await client.delete(f"/connectors/{prefix}")).raise_for_status()
    return {
        "source": source.coordinates,
        "statements": [*source.before, *source.changes],
        "rows": await source.rows(),
        "ways": {
            name: {"config": dict(source.ways[name].config), "records": records}
            for name, records in recorded.items()
        },
    }


def _connector(source: Source, prefix: str, way: Way) -> dict[str, str]:
    return {
        **source.config(prefix),
        **CONVERTER,
        "topic.prefix": prefix,
        "snapshot.mode": "no_data",
        "table.include.list": ",".join(f"shop.{table}" for table in (*way.tables, LAST)),
        "skipped.operations": "none",
        "heartbeat.interval.ms": "1000",
        "tasks.max": "1",
        "topic.creation.default.partitions": "1",
        "topic.creation.default.replication.factor": "1",
        **way.config,
    }


async def _running(client: httpx.AsyncClient, way: str, name: str) -> None:
    """Until the connector has sent a heartbeat: from then on it sees what is changed. Raises RuntimeError if it failed."""

    async def streams() -> bool:
        answer = await client.get(f"/connectors/{name}/status")
        if answer.status_code != httpx.codes.OK:
            return False
        tasks = answer.json()["tasks"]
        if tasks and tasks[0]["state"] == "FAILED":
            raise RuntimeError(f"{way}: {tasks[0]['trace']}")
        topics = (await client.get(f"/connectors/{name}/topics")).json()
        return bool(tasks) and any("heartbeat" in topic for topic in topics.get(name, {}).get("topics", []))

    await wait_until(streams, timeout_s=PATIENCE_S, every_s=0.25, what=f"{way} to stream")


def _text(recording: dict[str, Any]) -> str:
    """The recording as JSON with a record or schema per line, which shows in a comparison what has changed."""

    def lines(values: Sequence[Any]) -> str:
        return ",\n".join(json.dumps(value, ensure_ascii=False, separators=(",", ":")) for value in values)

    ways = [
        f'{json.dumps(name)}: {{"config": {json.dumps(way["config"])}, "records": [\n{lines(way["records"])}\n]}}'
        for name, way in recording["ways"].items()
    ]
    rest = {name: value for name, value in recording.items() if name not in {"ways", "schemas"}}
    whole = json.dumps(rest, ensure_ascii=False, indent=1).removesuffix("\n}")
    schemas = lines(recording["schemas"])
    return f'{whole},\n "schemas": [\n{schemas}\n],\n "ways": {{\n' + ",\n".join(ways) + "\n}}\n"


def _java() -> str:
    """A Java with every encoding: without EUC-JP, MySQL's driver takes UTF-8 for it and reads a snapshot's texts wrong."""
    found = shutil.which("java")
    if found is None:
        raise SystemExit("needs a Java with all of its modules, as Debian's default-jre-headless")
    return found


async def main(names: Sequence[str]) -> None:
    """Start what there is to be recorded, and write the file of each source."""
    for name in names:
        directory = Path(tempfile.mkdtemp(prefix="change-events-"))
        directory.chmod(0o755)  # noqa: ASYNC240 - once, before anything runs
        try:
            async with (
                KafkaCluster(directory=directory / "kafka", brokers=1) as kafka,
                SOURCES[name](directory, kafka.bootstrap) as source,
            ):
                _plugin(directory, source.coordinates)
                with connect_worker(
                    directory, bootstrap=kafka.bootstrap, port=free_ports(1)[0], java=_java()
                ) as worker:
                    recording = await _record(source, kafka.bootstrap, worker.url)
            file = DIRECTORY / f"{name}.json"
            file.write_text(_text(compacted(recording)), encoding="utf-8")
            counts = {way: len(each["records"]) for way, each in recording["ways"].items()}
            print(name, counts)  # noqa: T201 - a person runs this and watches
        finally:
            shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:] or list(SOURCES)))
