"""A Kafka Connect worker with Debezium's JDBC sink is stopped, ours is started on its file: the same connectors go on.

The steps are those of `docs/sink-workers.md`, "In place of Kafka Connect".
"""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterable
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from devservers.ports import free_ports
from tests.conftest import MakeTopic
from tests.contract.sink.record_connect_rest import delete_topics
from tests.support.connect_worker import ConnectWorker, connect_worker
from tests.support.sink import INT64, STRING, Message, execute, rows, send, struct
from tests.support.sink_worker import worker_of_file
from tests.support.waiting import wait_until

MANY = 200


@pytest.fixture
async def theirs(kafka_bootstrap: str, tmp_path: Path) -> AsyncIterator[ConnectWorker]:
    """A running Connect worker; the test may use its file when it is stopped."""
    with connect_worker(tmp_path, bootstrap=kafka_bootstrap, port=free_ports(1)[0]) as worker:
        yield worker
    await delete_topics(kafka_bootstrap, list(worker.topics))


def config_of(database: str, topic: str, *, table: str) -> dict[str, str]:
    server = urlsplit(database)
    return {
        "connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector",
        "tasks.max": "2",
        "topics": topic,
        "connection.url": f"jdbc:postgresql://{server.hostname}:{server.port}{server.path}",
        "connection.username": server.username or "postgres",
        "connection.password": server.password or "not asked for",
        "insert.mode": "upsert",
        "primary.key.mode": "record_value",
        "primary.key.fields": "id",
        "collection.name.format": table,
        "schema.evolution": "basic",
    }


def numbers(ids: Iterable[int], *, version: int) -> list[Message]:
    return [
        Message(
            value=struct({"id": number, "version": version, "name": str(number)}, id=INT64, version=INT64, name=STRING),
            partition=number % 2,
        )
        for number in ids
    ]  # fmt: skip


async def test_our_worker_goes_on_where_connect_was(
    theirs: ConnectWorker, kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic(partitions=2)
    configs = {name: config_of(database, topic, table=name) for name in ("numbers", "paused")}
    async with httpx.AsyncClient(base_url=theirs.url, timeout=30) as http:
        for name, config in configs.items():
            (await http.put(f"/connectors/{name}/config", json=config)).raise_for_status()
            await wait_until(partial(in_state, http, name, "RUNNING"), what=f"their {name} runs")
        (await http.put("/connectors/paused/pause")).raise_for_status()
        await wait_until(lambda: in_state(http, "paused", "PAUSED"), what="theirs is paused")
        # One task makes the table: of two that do so at once, theirs loses the one that comes second, for good at times.
        await send(kafka_bootstrap, topic, numbers(range(1), version=1))
        await wait_until(lambda: written(database, 1), timeout_s=60, what="their first row")
        await send(kafka_bootstrap, topic, numbers(range(1, MANY), version=1))
        await wait_until(lambda: written(database, MANY), timeout_s=60, what="their rows")

        theirs.stop()
        # Whoever began anew would write this row once more.
        await execute(database, "DELETE FROM numbers WHERE id = 0")
        initialize(database)
        with worker_of_file(theirs.properties, url=theirs.url):
            for name, config in configs.items():
                shown = (await http.get(f"/connectors/{name}")).json()["config"]
                assert shown == {**config, "name": name, "connection.password": "[hidden]"}
            await wait_until(lambda: in_state(http, "numbers", "RUNNING"), what="ours runs")
            await wait_until(lambda: in_state(http, "paused", "PAUSED"), what="ours is paused as well")
            await send(kafka_bootstrap, topic, numbers(range(MANY // 2, MANY * 2), version=2))
            await wait_until(lambda: written(database, MANY * 2 - 1), what="our rows")
            again = await http.put("/connectors/numbers/config", json=configs["numbers"])
            assert again.status_code == httpx.codes.OK, again.text
    expected = [(number, 1 if number < MANY // 2 else 2) for number in range(1, MANY * 2)]
    assert await rows(database, "SELECT id, version FROM numbers ORDER BY id") == expected


async def in_state(http: httpx.AsyncClient, name: str, expected: str) -> bool:
    """The connector and both of its tasks."""
    status = (await http.get(f"/connectors/{name}/status")).json()
    parts = [status["connector"], *status["tasks"]] if "tasks" in status else []
    return [part["state"] for part in parts] == [expected] * 3


async def written(database: str, count: int) -> bool:
    if await rows(database, "SELECT to_regclass('numbers') IS NULL") == [(True,)]:
        return False
    return await rows(database, "SELECT count(*) FROM numbers") == [(count,)]


def initialize(database: str) -> None:
    subprocess.run([sys.executable, "-m", "sink_connector", "init", "--url", database], check=True)
