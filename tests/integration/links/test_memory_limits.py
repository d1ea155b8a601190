"""Fault: no more memory for a sink, for the fetching of any consumer. Invariants: ACCT, LIVE.

It says so, or ends saying so; once there is memory again it goes on, or is started again, and nothing is lost, doubled or blamed.
"""

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiokafka.consumer.fetcher import Fetcher

from catalog_service.changefeed.topic_consumer import TopicConsumer, UnreadablePartitionError
from devservers.ports import free_ports
from order_service.adapters.kafka.consumer import ConsumerError, open_topic
from tests.conftest import MakeTopic
from tests.support.memory_limit import no_more_memory, says_so
from tests.support.sink import (
    INT64,
    STRING,
    Message,
    configuration,
    connected,
    execute,
    rows,
    send,
    struct,
    wait_until_read,
)
from tests.support.sink_worker import run_of_file
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

FEW, MANY = 10, 1_000
BACK_S = 150
"""aiokafka waits 40 s for an answer whose connection was lost without its noticing."""


def large(number: int) -> Message:
    value = struct({"id": number, "words": "word " * 4_000}, id=INT64, words=STRING)
    return Message(value=value, partition=number % 2)


@pytest.mark.guarantees("G-SINK-11")
async def test_a_sink_that_gets_no_more_memory_says_so_and_writes_everything_once_it_does(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, tmp_path: Path
) -> None:
    topic = await make_topic(partitions=2)
    await execute(database, "CREATE TABLE numbers (id bigint, words text)")
    file = tmp_path / "connector.json"
    given = configuration(
        database,
        topics=topic,
        table__name__format="numbers",
        errors__tolerance="all",
        errors__retry__delay__max__ms="500",
    )
    file.write_text(json.dumps(given), encoding="utf-8")
    (port,) = free_ports(1)

    async def written(count: int) -> bool:
        return await rows(database, "SELECT count(*) FROM numbers") == [(count,)]

    with run_of_file(file, bootstrap=kafka_bootstrap, port=port) as sink:
        await send(kafka_bootstrap, topic, map(large, range(FEW)))
        await wait_until(lambda: written(FEW), what="the first records")
        with no_more_memory(sink.process.pid):
            await send(kafka_bootstrap, topic, map(large, range(FEW, MANY)))
            await wait_until(lambda: says_so(sink.log), what="the sink misses memory")

        async def over() -> bool:
            return sink.process.poll() is not None or await written(MANY)

        await wait_until(over, timeout_s=BACK_S, what="everything is written, or it has ended")
    if not await written(MANY):  # it ended: whoever looks after it starts it again
        with run_of_file(file, bootstrap=kafka_bootstrap, port=port):
            await wait_until(lambda: written(MANY), timeout_s=60, what="everything is written")
    assert await rows(database, "SELECT count(*), count(DISTINCT id) FROM numbers") == [(MANY, MANY)]
    assert await rows(database, "SELECT count(*) FROM sink.dead_letters_v1") == [(0,)]


@pytest.fixture
def no_memory_once(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """The next fetch of a consumer of this process finds no memory, which ends its fetching; set once it has."""
    fetch, found_none = Fetcher._proc_fetch_request, asyncio.Event()  # noqa: SLF001 - what is broken here

    async def broken_once(*given: Any) -> Any:
        if not found_none.is_set():
            found_none.set()
            raise MemoryError
        return await fetch(*given)

    monkeypatch.setattr(Fetcher, "_proc_fetch_request", broken_once)
    return found_none


async def test_a_sink_whose_fetching_has_ended_begins_anew(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, no_memory_once: asyncio.Event
) -> None:
    topic = await make_topic(partitions=2)
    await execute(database, "CREATE TABLE numbers (id bigint, words text)")
    await send(kafka_bootstrap, topic, map(large, range(FEW)))
    given = configuration(database, topics=topic, table__name__format="numbers")
    async with connected(kafka_bootstrap, given) as connector:
        await wait_until_read(connector, topic, FEW)
    assert no_memory_once.is_set()


async def test_an_instance_whose_fetching_has_ended_is_told(
    kafka_bootstrap: str, make_topic: MakeTopic, no_memory_once: asyncio.Event
) -> None:
    async with open_topic(kafka_bootstrap, await make_topic()) as consumer:
        await consumer.begin({})
        with pytest.raises(ConsumerError):
            await wait_until(partial(consumer.poll, timeout_s=0.1, limit=1), what="the error")
    assert no_memory_once.is_set()


async def test_a_catalog_whose_fetching_has_ended_is_told(
    kafka_bootstrap: str, make_topic: MakeTopic, no_memory_once: asyncio.Event
) -> None:
    async with TopicConsumer(kafka_bootstrap, [await make_topic()]) as consumer:
        with pytest.raises(UnreadablePartitionError, match="Unexpected error during data retrieval"):
            await wait_until(consumer.poll, what="the error")
    assert no_memory_once.is_set()
