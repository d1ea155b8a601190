"""Fault: SIGKILL of the sink between any two of its steps, one after the other. Invariant: ACCT, nothing lost, nothing doubled."""

import asyncio
import json
import signal
from pathlib import Path

import asyncpg
import pytest

from tests.chaos.sink.killed_at import OF_SINK, WRITTEN_AT_ONCE
from tests.chaos.sink.test_kill_during_inserts import POISON, connector, poisoned, produce, start, values
from tests.conftest import MakeTopic
from tests.support.sink import execute, rows
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

RECORDS, FEW = 3_000, 200
THIRD = "3"
"""In the midst of it: something was committed before, and something is left."""


async def killed_and_again(
    given: dict[str, str], bootstrap: str, directory: Path, *, step: str, records: int
) -> None:
    """Kill a sink at the step, and have another one write the rest of so many records."""
    file = directory / "connector.json"
    file.write_text(json.dumps(given | {"tasks.max": "1"}), encoding="utf-8")
    killed = await start(file, bootstrap, through=("tests.chaos.sink.killed_at", step, THIRD))
    async with asyncio.timeout(60):
        assert await killed.wait() == -signal.SIGKILL
    watching = await asyncpg.connect(given["connection.url"])

    async def drained() -> bool:
        return bool(await watching.fetchval("SELECT sum(next_offset) FROM sink.offsets_v1") == records)

    assert not await drained(), "killed in the middle"
    process = await start(file, bootstrap)
    try:
        await wait_until(drained, timeout_s=60, what=f"{records} records")
    finally:
        process.terminate()
        await process.wait()
        await watching.close()


@pytest.mark.guarantees("G-SINK-1")
@pytest.mark.parametrize("step", OF_SINK)
async def test_a_sink_killed_at_a_step_writes_every_record_once_in_the_end(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, tmp_path: Path, step: str
) -> None:
    topic = await make_topic(partitions=6)
    await execute(database, "CREATE TABLE numbers (id bigint)")
    await produce(kafka_bootstrap, topic, poisoned(RECORDS))
    given = connector(database, topic, batch__size="200", errors__tolerance="all")
    await killed_and_again(given, kafka_bootstrap, tmp_path, step=step, records=RECORDS)
    bad = RECORDS // POISON
    good = RECORDS - bad
    assert await rows(database, "SELECT count(*), count(DISTINCT id) FROM numbers") == [(good, good)]
    counted = 'SELECT count(*), count(DISTINCT (partition, "offset")) FROM sink.dead_letters_v1'
    assert await rows(database, counted) == [(bad, bad)]


@pytest.mark.guarantees("G-SINK-1")
async def test_a_sink_killed_after_a_batch_of_one_statement_writes_no_record_twice(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, tmp_path: Path
) -> None:
    topic = await make_topic(partitions=6)
    await execute(database, "CREATE TABLE numbers (id bigint)")
    await produce(kafka_bootstrap, topic, values(FEW))
    given = connector(database, topic, batch__size="10", errors__tolerance="all")
    await killed_and_again(given, kafka_bootstrap, tmp_path, step=WRITTEN_AT_ONCE, records=FEW)
    assert await rows(database, "SELECT count(*), count(DISTINCT id) FROM numbers") == [(FEW, FEW)]
