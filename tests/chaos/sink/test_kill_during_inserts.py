"""Fault: kill -9 of the worker, again and again during plain inserts. Invariant: ACCT, nothing lost, nothing doubled.

Plain inserts into a table without a key forgive nothing: a record delivered twice is two rows.
"""

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from devservers.ports import free_ports
from tests.conftest import MakeTopic
from tests.support.sink import INT64, configuration, execute, rows, struct
from tests.support.waiting import wait_until

PARTITIONS = 6
POISON = 10
"""Every so many records one is none."""


def values(records: int) -> Iterator[bytes]:
    """The same envelope each time but for its number."""
    before, after = struct({"id": 0}, id=INT64).split(b'"id":0')
    for number in range(records):
        yield b'%s"id":%d%s' % (before, number, after)


def poisoned(records: int) -> Iterator[bytes]:
    """Some among them cannot be read."""
    for number, value in enumerate(values(records)):
        yield value if number % POISON else b'{"id":'


async def produce(bootstrap: str, topic: str, values: Iterator[bytes]) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, linger_ms=20, max_batch_size=262_144, compression_type="lz4", acks="all"
    )
    await producer.start()
    try:
        for number, value in enumerate(values):
            await producer.send(topic, value, partition=number % PARTITIONS)
        await producer.flush()
    finally:
        await producer.stop()


async def start(file: Path, bootstrap: str, *, through: tuple[str, ...] = ()) -> asyncio.subprocess.Process:
    """The connector of a file, run by the module that `through` begins with, if by another."""
    port = free_ports(1)[0]
    environment = os.environ | {"SINK_BOOTSTRAP_SERVERS": bootstrap, "SINK_REST_PORT": str(port)}
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *through,
        "sink_connector",
        "run",
        str(file),
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
    )


async def drained_over_kills(
    given: dict[str, str], bootstrap: str, directory: Path, *, records: int, kills: int
) -> None:
    """Have the connector read everything, its worker being killed at `kills` moments on the way."""
    file = directory / "connector.json"
    file.write_text(json.dumps(given), encoding="utf-8")
    chance = random.Random()  # noqa: S311 - any moment will do
    watching = await asyncpg.connect(given["connection.url"])

    async def read() -> int:
        with contextlib.suppress(asyncpg.UndefinedTableError):
            return int(
                await watching.fetchval("SELECT coalesce(sum(next_offset), 0)::bigint FROM sink.offsets")
            )
        return 0

    process = await start(file, bootstrap)
    try:
        for kill in range(kills):
            threshold = chance.uniform(kill, kill + 1) * records / kills

            async def passed(threshold: float = threshold) -> bool:
                return await read() >= threshold

            await wait_until(passed, timeout_s=120, every_s=0.002, what=f"{threshold:.0f} records")
            process.send_signal(signal.SIGKILL)
            await process.wait()
            process = await start(file, bootstrap)

        async def drained() -> bool:
            return await read() == records

        await wait_until(drained, timeout_s=120, what=f"{records} records")
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await watching.close()


def connector(database: str, topic: str, **keys: str) -> dict[str, str]:
    return configuration(
        database,
        topics=topic,
        table__name__format="numbers",
        tasks__max="2",
        consumer__override__group__instance__id="worker",  # a member that comes back is not waited for to be missed
        **keys,
    )


@pytest.mark.guarantees("G-SINK-1")
@pytest.mark.slow
@pytest.mark.timeout(420)
async def test_twenty_kills_during_plain_inserts_lose_nothing_and_double_nothing(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, tmp_path: Path
) -> None:
    records = 500_000
    topic = await make_topic(partitions=PARTITIONS)
    await execute(database, "CREATE TABLE numbers (id bigint)")
    await produce(kafka_bootstrap, topic, values(records))
    given = connector(database, topic, batch__size="2000")
    await drained_over_kills(given, kafka_bootstrap, tmp_path, records=records, kills=20)
    assert await rows(database, "SELECT count(*), count(DISTINCT id) FROM numbers") == [(records, records)]


@pytest.mark.guarantees("G-SINK-1")
@pytest.mark.slow
async def test_kills_in_the_midst_of_dead_letters_lose_none_and_double_none(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, tmp_path: Path
) -> None:
    records = 20_000
    topic = await make_topic(partitions=PARTITIONS)
    await execute(database, "CREATE TABLE numbers (id bigint)")
    await produce(kafka_bootstrap, topic, poisoned(records))
    given = connector(database, topic, batch__size="200", errors__tolerance="all")
    await drained_over_kills(given, kafka_bootstrap, tmp_path, records=records, kills=4)
    bad = records // POISON
    good = records - bad
    assert await rows(database, "SELECT count(*), count(DISTINCT id) FROM numbers") == [(good, good)]
    counted = 'SELECT count(*), count(DISTINCT (partition, "offset")) FROM sink.dead_letters'
    assert await rows(database, counted) == [(bad, bad)]
