"""`kafka-connect-py`, a client made for Kafka Connect, leads a connector through its life on our worker."""

from pathlib import Path

import asyncpg
import pytest
from kafka_connect import KafkaConnect  # type: ignore[import-untyped] # has no types

from devservers.ports import free_ports
from tests.conftest import MakeTopic
from tests.contract.sink.record_connect_rest import delete_topics
from tests.support.sink import INT64, Message, send, struct
from tests.support.sink_worker import Group, sink_worker
from tests.support.waiting import wait_until

NAME = "led-by-a-client"


async def test_a_connectors_life_through_kafka_connect_py(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, tmp_path: Path
) -> None:
    topic = await make_topic()
    await send(kafka_bootstrap, topic, [Message(value=struct({"n": n}, n=INT64)) for n in range(10)])
    group = Group(bootstrap=kafka_bootstrap)
    config = {
        "connector.class": "io.aiven.connect.jdbc.JdbcSinkConnector",
        "topics": topic,
        "connection.url": database,
        "table.name.format": "numbers",
        "auto.create": "true",
    }
    with sink_worker(group, port=free_ports(1)[0], directory=tmp_path) as worker:
        client = KafkaConnect(url=worker.url)
        assert client.get_cluster_info()["version"].startswith("4.")
        plugin = config["connector.class"]
        assert plugin in [each["class"] for each in client.list_connector_plugins()]
        assert client.validate_connector_config(plugin, {**config, "name": NAME})["error_count"] == 0
        client.create_connector({"name": NAME, "config": config})

        async def state(wanted: str) -> None:
            await wait_until(
                lambda: client.get_connector_status(NAME)["connector"]["state"] == wanted,
                what=wanted,
            )

        await state("RUNNING")
        target = await asyncpg.connect(database)

        async def written() -> bool:
            exists = await target.fetchval("SELECT to_regclass('numbers') IS NOT NULL")
            return bool(exists) and await target.fetchval("SELECT count(*) FROM numbers") == 10

        await wait_until(written, what="ten rows")
        await target.close()
        await wait_until(
            lambda: client.list_connector_topics(NAME)[NAME]["topics"] == [topic],
            what="the topic in use",
        )
        client.pause_connector(NAME)
        await state("PAUSED")
        client.resume_connector(NAME)
        await state("RUNNING")
        client.restart_connector(NAME, include_tasks=True)
        client.restart_connector_task(NAME, 0)
        client.stop_connector(NAME)
        await state("STOPPED")
        assert client.list_connectors() == [NAME]
        assert [each["id"]["task"] for each in client.list_connector_tasks(NAME)] == []
        client.delete_connector(NAME)
        with pytest.raises(OSError, match="404"):
            client.get_connector_config(NAME)
        assert client.list_connectors() == []
    await delete_topics(kafka_bootstrap, group.topics)
