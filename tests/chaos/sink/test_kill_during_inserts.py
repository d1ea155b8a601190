"""Fault: kill -9 of the worker, twenty times during 500,000 plain inserts. Invariant: ACCT, nothing lost, nothing doubled.

Plain inserts into a table without a key forgive nothing: a record delivered twice is two rows.
"""

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from tests.conftest import MakeTopic
from tests.support.sink import INT64, configuration, execute, rows, struct
from tests.support.waiting import wait_until

RECORDS = 500_000
KILLS = 20
PARTITIONS = 6


def values() -> Iterator[bytes]:
    """The same envelope each time but for its number."""
    before, after = struct({"id": 0}, id=INT64).split(b'"id":0')
    for number in range(RECORDS):
        yield b'%s"id":%d%s' % (before, number, after)


async def produce(bootstrap: str, topic: str) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, linger_ms=20, max_batch_size=262_144, compression_type="lz4", acks="all"
    )
    await producer.start()
    try:
        for number, value in enumerate(values()):
            await producer.send(topic, value, partition=number % PARTITIONS)
        await producer.flush()
    finally:
        await producer.stop()


async def start(file: Path, bootstrap: str) -> asyncio.subprocess.Process:
    with contextlib.closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    environment = os.environ | {"SINK_BOOTSTRAP_SERVERS": bootstrap, "SINK_REST_PORT": str(port)}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "sink_connector",
        "run",
        str(file),
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
    )


@pytest.mark.guarantees("G-SINK-1")
@pytest.mark.slow
@pytest.mark.timeout(420)
async def test_twenty_kills_during_plain_inserts_lose_nothing_and_double_nothing(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, tmp_path: Path
) -> None:
    topic = await make_topic(partitions=PARTITIONS)
    await execute(database, "CREATE TABLE numbers (id bigint)")
    given = configuration(
        database,
        topics=topic,
        table__name__format="numbers",
        batch__size="2000",
        tasks__max="2",
        consumer__override__group__instance__id="worker",  # a member that comes back is not waited for to be missed
    )
    file = tmp_path / "connector.json"
    file.write_text(json.dumps(given), encoding="utf-8")
    await produce(kafka_bootstrap, topic)
    chance = random.Random()  # noqa: S311 - any moment will do
    watching = await asyncpg.connect(database)

    async def read() -> int:
        with contextlib.suppress(asyncpg.UndefinedTableError):
            return int(
                await watching.fetchval("SELECT coalesce(sum(next_offset), 0)::bigint FROM sink.offsets")
            )
        return 0

    process = await start(file, kafka_bootstrap)
    try:
        for kill in range(KILLS):
            threshold = chance.uniform(kill, kill + 1) * RECORDS / KILLS

            async def passed(threshold: float = threshold) -> bool:
                return await read() >= threshold

            await wait_until(passed, timeout_s=120, every_s=0.002, what=f"{threshold:.0f} records")
            process.send_signal(signal.SIGKILL)
            await process.wait()
            process = await start(file, kafka_bootstrap)

        async def drained() -> bool:
            return await read() == RECORDS

        await wait_until(drained, timeout_s=120, what=f"{RECORDS} records")
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await watching.close()
    assert await rows(database, "SELECT count(*), count(DISTINCT id) FROM numbers") == [(RECORDS, RECORDS)]
