"""`persisted.topic.name`: what was committed, and nothing else, comes to the topic, whatever is killed between the two."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from devservers.ports import free_ports
from sink_connector.errors import FencedError, WentBackError
from sink_connector.sink.batch import Batch
from sink_connector.sink.offsets import Partition, Position
from tests.conftest import MakeTopic
from tests.support.persisted_topic import persisted, places, wait_until_sent
from tests.support.sink import (
    INT64,
    STRING,
    Message,
    configuration,
    connected,
    envelope,
    execute,
    rows,
    send,
    stored_offsets,
    struct,
    task_of,
    wait_until_failed,
    wait_until_read,
)
from tests.support.waiting import wait_until


def row(number: int, partition: int = 0, **headers: bytes) -> Message:
    value = struct({"id": number, "name": f"n{number}"}, id=INT64, name=STRING)
    return Message(
        key=envelope(number, INT64), value=value, partition=partition, headers=list(headers.items())
    )


@pytest.mark.guarantees("G-SINK-14")
async def test_what_was_committed_comes_with_its_coordinates_and_what_was_not_does_not(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic, to = await make_topic(partitions=2), await make_topic(partitions=2)
    await execute(database, "CREATE TABLE t (id bigint PRIMARY KEY, name text CHECK (name <> 'n5'))")
    messages = [row(n, n % 2, own=b"x") for n in range(40)]
    messages.append(Message(value=b"{", key=b"k"))
    messages.append(Message(value=None, key=envelope(3, INT64)))
    await send(kafka_bootstrap, topic, messages)
    given = configuration(
        database,
        topics=topic,
        table__name__format="t",
        errors__tolerance="all",
        persisted__topic__name=to,
        tasks__max="2",
    )
    async with connected(kafka_bootstrap, given) as connector:
        await wait_until_read(connector, topic, len(messages))
        wanted = {(n % 2, n // 2) for n in range(40) if n != 5}
        found = await wait_until_sent(kafka_bootstrap, to, wanted)
    # What is not known to have been sent when the tasks share the partitions anew is sent again.
    firsts = list(dict.fromkeys(found))
    assert firsts == sorted(wanted), "each is there, and the order of each partition is kept"
    headers, key, value = next(
        each for each in await persisted(kafka_bootstrap, to) if each[0]["__sink.offset"] == b"4"
    )
    partition = int(headers["__sink.partition"])
    assert (key, value) == (messages[8 + partition].key, messages[8 + partition].value)
    assert headers["own"] == b"x"
    assert headers["__sink.topic"] == topic.encode()
    assert headers["__sink.connector"] == given["name"].encode()
    assert int(headers["__sink.timestamp"]) > 0


@contextlib.asynccontextmanager
async def process(file: Path, bootstrap: str):  # type: ignore[no-untyped-def] # noqa: ANN201 - as the next line has it
    port = free_ports(1)[0]
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "sink_connector",
        "run",
        str(file),
        env=os.environ | {"SINK_BOOTSTRAP_SERVERS": bootstrap, "SINK_REST_PORT": str(port)},
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield running
    finally:
        with contextlib.suppress(ProcessLookupError):
            running.kill()
        await running.wait()


async def _committed(database: str, count: int) -> None:
    async def committed() -> bool:
        with contextlib.suppress(asyncpg.UndefinedTableError):
            found = await rows(database, "SELECT coalesce(sum(next_offset), 0)::bigint FROM sink.offsets_v1")
            return bool(found[0][0] >= count)
        return False

    await wait_until(committed, timeout_s=90, what=f"{count} records to be committed")


@pytest.mark.guarantees("G-SINK-14")
@pytest.mark.timeout(240)
async def test_what_was_committed_and_not_sent_when_the_worker_was_killed_is_sent_by_the_next(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, tmp_path: Path
) -> None:
    topic, to = await make_topic(partitions=2), await make_topic()
    await execute(database, "CREATE TABLE t (id bigint PRIMARY KEY, name text CHECK (name <> 'n25'))")
    given = configuration(
        database, topics=topic, table__name__format="t", errors__tolerance="all", persisted__topic__name=to
    )
    file = tmp_path / "connector.json"
    file.write_text(json.dumps(given), encoding="utf-8")
    first = {(n % 2, n // 2) for n in range(20)}
    every = {(n % 2, n // 2) for n in range(60) if n != 25}
    await send(kafka_bootstrap, topic, [row(n, n % 2) for n in range(20)])
    holding = await asyncpg.connect(database)
    try:
        async with process(file, kafka_bootstrap) as killed:
            await _committed(database, 20)
            await wait_until_sent(kafka_bootstrap, to, first)
            async with holding.transaction():
                await holding.execute(
                    "LOCK TABLE sink.persisted"
                )  # the worker stops between its commit and its sending
                await send(kafka_bootstrap, topic, [row(n, n % 2) for n in range(20, 40)])
                await wait_until(
                    lambda: _some_more(database), timeout_s=90, what="a batch to be committed and not sent"
                )
                killed.send_signal(signal.SIGKILL)
                await killed.wait()
        assert set(await places(kafka_bootstrap, to)) == first
        await send(kafka_bootstrap, topic, [row(n, n % 2) for n in range(40, 60)])
        async with process(file, kafka_bootstrap):
            found = await wait_until_sent(kafka_bootstrap, to, every)
    finally:
        await holding.close()
    assert Counter(found).keys() == every
    for partition in (0, 1):
        order = [offset for each, offset in found if each == partition]
        assert order == sorted(order)
    assert await rows(database, "SELECT count(*) FROM t") == [(59,)]


async def _some_more(database: str) -> bool:
    return bool((await rows(database, "SELECT sum(next_offset) > 20 FROM sink.offsets_v1"))[0][0])


async def test_a_missing_topic_is_told_and_nothing_is_lost_meanwhile(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    to = f"{topic}-persisted"
    await execute(database, "CREATE TABLE t (id bigint, name text)")
    given = configuration(database, topics=topic, table__name__format="t", persisted__topic__name=to)
    await send(kafka_bootstrap, topic, [row(n) for n in range(5)])
    async with connected(kafka_bootstrap, given) as connector:
        assert f"there is no topic {to}" in await wait_until_failed(connector)
        await make_topic(name=to)
        await connector.restart(only_failed=True)
        await wait_until_sent(kafka_bootstrap, to, {(0, n) for n in range(5)})


async def test_offsets_moved_by_hand_send_what_is_committed_again_and_not_what_was_skipped(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic, to = await make_topic(), await make_topic()
    await execute(database, "CREATE TABLE t (id bigint, name text)")
    given = configuration(database, topics=topic, table__name__format="t", persisted__topic__name=to)
    await send(kafka_bootstrap, topic, [row(n) for n in range(10)])
    async with connected(kafka_bootstrap, given) as connector:
        await wait_until_sent(kafka_bootstrap, to, {(0, n) for n in range(10)})
        await connector.stop()
        async with stored_offsets(kafka_bootstrap) as stored:
            await stored.reset(connector.config)
        await connector.resume()
        await wait_until(
            lambda: _twice(kafka_bootstrap, to), timeout_s=60, every_s=0.5, what="everything to be sent again"
        )


async def _twice(bootstrap: str, topic: str) -> bool:
    found = Counter(await places(bootstrap, topic))
    return found.keys() == {(0, n) for n in range(10)} and min(found.values()) >= 2


async def test_a_topic_that_takes_nothing_for_a_while_is_waited_for_and_the_status_says_so(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic, to = await make_topic(), await make_topic()
    await execute(database, "CREATE TABLE t (id bigint, name text)")
    given = configuration(
        database, topics=topic, table__name__format="t", persisted__topic__name=to, batch__size="5"
    )
    await _taking_timestamps(kafka_bootstrap, to, of_last_ms=0)
    await send(kafka_bootstrap, topic, [row(n) for n in range(20)])
    async with connected(kafka_bootstrap, given) as connector:
        trouble = await wait_until(
            lambda: task_of(connector).trouble, timeout_s=60, what="the task to say what it waits for"
        )
        assert trouble is not None
        assert f"topic {to} did not take what was committed" in trouble.reason
        assert await rows(database, "SELECT count(*) FROM t") == [(5,)], "the next batch waits"
        await _taking_timestamps(kafka_bootstrap, to, of_last_ms=2**63 - 1)
        found = await wait_until_sent(kafka_bootstrap, to, {(0, n) for n in range(20)})
        await wait_until(lambda: task_of(connector).trouble is None, what="the trouble to be over")
    assert list(dict.fromkeys(found)) == [(0, n) for n in range(20)]


async def _taking_timestamps(bootstrap: str, topic: str, *, of_last_ms: int) -> None:
    """Have the topic take only what was made within so many milliseconds; with 0, nothing at all."""
    await _configure(bootstrap, topic, {"message.timestamp.before.max.ms": str(of_last_ms)})


async def _configure(bootstrap: str, topic: str, config: dict[str, str]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, config)])
    finally:
        await admin.close()


async def test_tasks_that_come_and_go_send_everything_and_keep_the_order_of_each_partition(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic, to = await make_topic(partitions=4), await make_topic(partitions=4)
    await execute(database, "CREATE TABLE t (id bigint, name text)")
    given = configuration(
        database, topics=topic, table__name__format="t", persisted__topic__name=to, batch__size="20"
    )
    async with connected(kafka_bootstrap, given) as connector:
        await send(kafka_bootstrap, topic, [row(n, n % 4) for n in range(400)])
        async with connected(kafka_bootstrap, given) as other:
            await wait_until(
                lambda: bool(task_of(other).source.epochs),
                timeout_s=60,
                what="the second worker to have a share",
            )
            await send(kafka_bootstrap, topic, [row(n, n % 4) for n in range(400, 800)])
        await wait_until_read(connector, topic, 800, timeout_s=60)
        found = await wait_until_sent(kafka_bootstrap, to, {(n % 4, n // 4) for n in range(800)})
    for partition in range(4):
        firsts = list(dict.fromkeys(offset for each, offset in found if each == partition))
        assert firsts == list(range(200))
    assert await rows(database, "SELECT count(*), count(DISTINCT id) FROM t") == [(800, 800)]


async def test_a_record_that_the_topic_does_not_take_fails_the_task_and_is_sent_when_it_does(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic, to = await make_topic(), await make_topic(config={"max.message.bytes": "2000"})
    await execute(database, "CREATE TABLE t (id bigint, name text)")
    given = configuration(database, topics=topic, table__name__format="t", persisted__topic__name=to)
    large = row(1, own=os.urandom(5_000))
    await send(kafka_bootstrap, topic, [row(0), large, row(2)])
    async with connected(kafka_bootstrap, given) as connector:
        assert "raise its max.message.bytes" in await wait_until_failed(connector)
        assert await rows(database, "SELECT count(*) FROM t") == [(3,)], "it is committed all the same"
        await _configure(kafka_bootstrap, to, {"max.message.bytes": "100000"})
        await connector.restart(only_failed=True)
        found = await wait_until_sent(kafka_bootstrap, to, {(0, 0), (0, 1), (0, 2)})
    assert list(dict.fromkeys(found)) == [(0, 0), (0, 1), (0, 2)]


async def test_what_the_database_lacks_is_not_sent(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic, to = await make_topic(), await make_topic()
    await execute(database, "CREATE TABLE t (id bigint, name text)")
    given = configuration(database, topics=topic, table__name__format="t", persisted__topic__name=to)
    await send(kafka_bootstrap, topic, [row(0)])
    async with connected(kafka_bootstrap, given) as connector:
        await wait_until_sent(kafka_bootstrap, to, {(0, 0)})
        task = task_of(connector)
        assert task.persisted is not None
        await connector.pause()
        await wait_until(lambda: task.is_idle, what="the task to be idle")
        [epoch] = task.source.epochs.values()
        for claimed in (epoch, epoch + 1):  # it lacks the commit, and it lacks the claim
            batch = Batch(positions={Partition(topic, 0): Position(9, epoch=claimed)})
            with pytest.raises(WentBackError):
                await task.persisted.send(batch)
    assert await places(kafka_bootstrap, to) == [(0, 0)]


async def test_who_has_lost_a_partition_sends_nothing_of_it(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic, to = await make_topic(), await make_topic()
    await execute(database, "CREATE TABLE t (id bigint, name text)")
    given = configuration(database, topics=topic, table__name__format="t", persisted__topic__name=to)
    await send(kafka_bootstrap, topic, [row(0)])
    async with connected(kafka_bootstrap, given) as connector:
        await wait_until_sent(kafka_bootstrap, to, {(0, 0)})
        persisted_topic = task_of(connector).persisted
        assert persisted_topic is not None
        await connector.pause()
        await wait_until(lambda: task_of(connector).is_idle, what="the task to be idle")
        stale = Batch(positions={Partition(topic, 0): Position(9, epoch=-1)})
        with pytest.raises(FencedError):
            await persisted_topic.send(stale)
    assert await places(kafka_bootstrap, to) == [(0, 0)]
