"""Version 2 of the order event (`currency` added, `reason` renamed) passes through while everything keeps running.

The steps are those of docs/event-evolution.md: the read side learns the new shape first, then instances are upgraded
one by one, so both versions stand in the topic side by side, even for one order.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer

from devservers.ports import free_ports
from sink_connector.config.file import read_connector_file
from tests.conftest import MakeTopic
from tests.support.order_cluster import topic_prefix
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
ORDER_ID = "order-2-01JD9Z6Q4W8C3N5T7V9X2B4D6F"
RENAME = {
    "transforms": "renamed",
    "transforms.renamed.type": "org.apache.kafka.connect.transforms.ReplaceField$Value",
    "transforms.renamed.renames": "status_reason:reason",
}


async def test_version_2_of_the_order_event_passes_through_a_running_sink(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, tmp_path: Path
) -> None:
    topic = await make_topic(name=f"{topic_prefix()}orders")
    await migrate(database)
    read = await asyncpg.connect(database)
    connector = read_connector_file(ROOT / "infra/connectors/orders.json") | {"topics": topic, **RENAME}
    async with running_sink(connector, kafka_bootstrap, database, tmp_path) as sink:
        await send(kafka_bootstrap, topic, event("v1", version=1))
        await wait_until(lambda: applied(read, version=1), what="version 1 is applied")
        await read.execute("ALTER TABLE orders ADD COLUMN currency text")
        await send(
            kafka_bootstrap,
            topic,
            event("v2", version=2, status="REJECTED", status_reason="out of stock: mug-blue"),
            event("v1", order_id="order-2-01JD9Z6Q4W8C3N5T7V9X2B4D6G", version=1),
        )
        await wait_until(lambda: applied(read, version=2), what="version 2 is applied")
        new = await row(read, ORDER_ID)
        assert (new["status"], new["reason"], new["currency"]) == (
            "REJECTED",
            "out of stock: mug-blue",
            "EUR",
        )
        # An instance that is rolled back publishes the old version again.
        await send(kafka_bootstrap, topic, event("v1", version=3, status="CANCELLED", reason="by hand"))
        await wait_until(lambda: applied(read, version=3), what="an old instance is heard, too")
        assert (await row(read, ORDER_ID))["reason"] == "by hand"
        other = await row(read, "order-2-01JD9Z6Q4W8C3N5T7V9X2B4D6G")
        assert (other["status"], other["reason"], other["currency"]) == ("PENDING", None, None)
        assert await read.fetchval("SELECT count(*) FROM sink.dead_letters_v1") == 0
        assert sink.returncode is None, "the sink ran all the time"
    await read.close()


def event(schema: str, **changes: Any) -> tuple[bytes, bytes]:
    """Key and value of the golden sample, with other values in its payload."""
    sample = json.loads((ROOT / f"contracts/samples/order.placed.{schema}.json").read_text())
    value = json.loads(sample["value"])
    assert set(changes) <= set(value["payload"])
    value["payload"] |= changes
    key = json.loads(sample["key"]) | {"payload": value["payload"]["order_id"]}
    return compact(key), compact(value)


def compact(data: Any) -> bytes:
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()


async def send(bootstrap: str, topic: str, *records: tuple[bytes, bytes]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    try:
        for key, value in records:
            await producer.send_and_wait(topic, key=key, value=value)
    finally:
        await producer.stop()


async def row(read: "asyncpg.Connection[asyncpg.Record]", order_id: str) -> asyncpg.Record:
    found = await read.fetchrow("SELECT * FROM orders WHERE order_id = $1", order_id)
    assert found is not None
    return found


async def applied(read: "asyncpg.Connection[asyncpg.Record]", *, version: int) -> bool:
    return bool(await read.fetchval("SELECT version = $2 FROM orders WHERE order_id = $1", ORDER_ID, version))


async def migrate(dsn: str) -> None:
    """The read schema, as the catalog makes it."""
    program = Path(sys.executable).with_name("catalog-service")
    environment = os.environ | {"CATALOG_MIGRATION_DATABASE_URL": dsn}
    job = await asyncio.create_subprocess_exec(program, "migrate", env=environment)
    assert await job.wait() == 0


@contextlib.asynccontextmanager
async def running_sink(
    connector: dict[str, str], bootstrap: str, dsn: str, directory: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    file = directory / "orders.json"
    file.write_text(json.dumps(connector))
    environment = os.environ | {
        "SINK_BOOTSTRAP_SERVERS": bootstrap,
        "SINK_DATABASE_URL": dsn,
        "SINK_REST_PORT": str(free_ports(1)[0]),
    }
    program = Path(sys.executable).with_name("sink-connector")
    with (directory / "sink.log").open("wb") as log:
        sink = await asyncio.create_subprocess_exec(
            program, "run", file, env=environment, stdout=log, stderr=log
        )
        try:
            yield sink
        except BaseException as error:
            error.add_note((directory / "sink.log").read_text()[-4000:])
            raise
        finally:
            if sink.returncode is None:
                sink.terminate()
            await sink.wait()
