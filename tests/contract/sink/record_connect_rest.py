"""Record what a real Kafka Connect worker answers over REST, into `connect-rest.json`.

    .venv/bin/python -m tests.contract.sink.record_connect_rest --bootstrap HOST:PORT[,…] --postgres DSN [--port N]

Needs a running Kafka and PostgreSQL (`./demo up` brings both); leaves no topic and no database behind.
"""

import argparse
import asyncio
import json
import tempfile
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.contract.sink.connect_rest_steps import STEPS
from tests.support import jvm
from tests.support.connect_rest import fresh_names, play
from tests.support.connect_worker import ConnectWorker, connect_worker

RECORDING = Path(__file__).with_name("connect-rest.json")
ORDER: dict[str, Any] = {
    "schema": {
        "type": "struct",
        "optional": False,
        "fields": [
            {"field": "order_id", "type": "string", "optional": False},
            {"field": "total_cents", "type": "int64", "optional": True},
        ],
    }
}
KEY = {"schema": {"type": "struct", "optional": False, "fields": ORDER["schema"]["fields"][:1]}}


def _json(document: object) -> bytes:
    return json.dumps(document).encode()


async def fill_topics(bootstrap: str, names: Mapping[str, str]) -> None:
    """The topics the conversation speaks of: three good records on two partitions, and one that is not JSON."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    replicas = min(3, len(bootstrap.split(",")))
    await admin.create_topics(
        [NewTopic(names["topic"], 2, replicas), NewTopic(names["poisoned_topic"], 1, replicas)]
    )
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        for partition, order_id in ((0, "a"), (0, "b"), (1, "c")):
            value = _json({**ORDER, "payload": {"order_id": order_id, "total_cents": 100}})
            key = _json({**KEY, "payload": {"order_id": order_id}})
            await producer.send_and_wait(names["topic"], value, key=key, partition=partition)
        await producer.send_and_wait(names["poisoned_topic"], b"not JSON", partition=0)


async def delete_topics(bootstrap: str, topics: list[str]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.delete_topics(topics)
    await admin.close()


@asynccontextmanager
async def scratch_database(dsn: str) -> AsyncIterator[str]:
    name = f"connect_rest_{uuid.uuid4().hex[:12]}"
    admin = await asyncpg.connect(dsn)
    await admin.execute(f"CREATE DATABASE {name}")
    try:
        server = urlsplit(dsn)
        yield f"jdbc:postgresql://{server.hostname}:{server.port}/{name}"
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


def _record(worker: ConnectWorker, names: Mapping[str, str]) -> None:
    steps = []
    for step, answer in play(STEPS, url=worker.url, names=names):
        print(f"{answer['status']} {step.name}")  # noqa: T201 - a person runs this and watches
        steps.append({**step.as_json(), "answer": answer})
    recording = {
        "recorded_from": f"Kafka Connect {jvm.KAFKA_VERSION}, Debezium JDBC sink 3.5.0.Final",
        "steps": steps,
    }
    RECORDING.write_text(json.dumps(recording, indent=1, ensure_ascii=False) + "\n")


async def _main(*, bootstrap: str, postgres: str, port: int) -> None:
    async with scratch_database(postgres) as jdbc_url:
        names = fresh_names(jdbc_url=jdbc_url)
        await fill_topics(bootstrap, names)
        topics = [names["topic"], names["poisoned_topic"]]
        try:
            with (
                tempfile.TemporaryDirectory() as directory,
                connect_worker(Path(directory), bootstrap=bootstrap, port=port) as worker,
            ):
                topics += worker.topics
                await asyncio.to_thread(_record, worker, names)
        finally:
            await delete_topics(bootstrap, topics)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--postgres", required=True)
    parser.add_argument("--port", type=int, default=28083)
    asyncio.run(_main(**vars(parser.parse_args())))
