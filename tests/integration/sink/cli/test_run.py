"""What `sink-connector run` says to the person who has started it."""

import asyncio
import json
import os
import sys
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from devservers.ports import free_ports
from tests.conftest import MakeTopic
from tests.support.sink import configuration
from tests.support.sink_commands import connector_file

STARTING_S = 200.0


@asynccontextmanager
async def running(
    folder: Path, bootstrap: str, given: Mapping[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "sink_connector",
        "run",
        connector_file(folder, given),
        env={**os.environ, "SINK_BOOTSTRAP_SERVERS": bootstrap, "SINK_REST_PORT": str(free_ports(1)[0])},
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 20,
    )
    try:
        async with asyncio.timeout(STARTING_S):
            yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def told(process: asyncio.subprocess.Process, event: str) -> dict[str, Any]:
    """The first entry of its log of this event. Raises `AssertionError` when it ends without one."""
    assert process.stdout is not None
    async for line in process.stdout:
        found: dict[str, Any] = json.loads(line)
        if found["event"] == event:
            return found
    raise AssertionError(f"it ended without a word of {event}")


async def test_a_topic_that_is_not_there_is_warned_of(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, tmp_path: Path
) -> None:
    there, missing = await make_topic(), f"test-{uuid.uuid4().hex}"
    async with running(
        tmp_path, kafka_bootstrap, configuration(database, topics=f"{there},{missing}")
    ) as process:
        assert (await told(process, "connector.topics_missing"))["topics"] == [missing]


async def test_a_task_that_fails_says_why_in_one_sentence_and_ends_it_with_1(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, tmp_path: Path
) -> None:
    topic = await make_topic()
    given = configuration(
        database,
        topics=topic,
        connection__user=f"nobody-{uuid.uuid4().hex[:8]}",
        connection__password="x" * 20,
    )
    given["connection.url"] = f"jdbc:postgresql://{database.rpartition('@')[2]}"
    async with running(tmp_path, kafka_bootstrap, given) as process:
        failed = await told(process, "task.failed")
        assert failed["error"].startswith("the database refuses the connection: ")
        assert "\n" not in failed["error"]
        assert await process.wait() == 1
