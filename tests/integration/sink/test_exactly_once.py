"""Offsets with the rows, the epoch fence, seek before delivery; offsets and topics that are not what they were."""

import asyncio
from functools import partial

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import TopicPartition

from sink_connector.errors import FencedError
from sink_connector.runtime.states import State
from sink_connector.sink import offsets
from sink_connector.sink.offsets import Beginning, Move, Partition, Position
from sink_connector.sink.session import prepare_database
from tests.conftest import MakeTopic
from tests.support.sink import (
    INT64,
    Message,
    RunningConnector,
    configuration,
    connected,
    execute,
    rows,
    send,
    stored_offsets,
    struct,
    task_of,
    wait_until_failed,
    wait_until_read,
)
from tests.support.topics import is_gone
from tests.support.waiting import assert_stays, wait_until

COUNTED = "SELECT count(*), count(DISTINCT id) FROM numbers"
TAKE_EPOCH = "UPDATE sink.offsets SET epoch = epoch + 1"


def numbers(first: int, last: int, *, partitions: int = 1) -> list[Message]:
    return [Message(value=struct({"id": n}, id=INT64), partition=n % partitions) for n in range(first, last)]


@pytest.fixture
async def target(database: str) -> str:
    await execute(database, "CREATE TABLE numbers (id bigint)")
    return database


@pytest.mark.guarantees("G-SINK-1")
async def test_a_restart_goes_on_from_the_stored_offset_whatever_the_group_says(
    kafka_bootstrap: str, target: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    given = configuration(target, topics=topic, table__name__format="numbers")
    for first in (0, 100, 200):
        await send(kafka_bootstrap, topic, numbers(first, first + 100))
        async with connected(kafka_bootstrap, given) as connector:
            await wait_until_read(connector, topic, first + 100)
    assert await rows(target, COUNTED) == [(300, 300)]


@pytest.mark.guarantees("G-SINK-4")
async def test_tasks_that_come_and_go_neither_lose_nor_double(
    kafka_bootstrap: str, target: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic(partitions=6)
    given = configuration(target, topics=topic, table__name__format="numbers", batch__size="50")
    enough = asyncio.Event()
    sending = asyncio.create_task(_trickle(kafka_bootstrap, topic, until=enough))
    async with connected(kafka_bootstrap, given) as connector:
        for _ in range(3):
            async with connected(kafka_bootstrap, given) as other:
                await wait_until(
                    partial(_has_delivered, other), what="the second worker to deliver", timeout_s=60
                )
        enough.set()
        sent = await sending
        await wait_until_read(connector, topic, sent, timeout_s=60)
    assert await rows(target, COUNTED) == [(sent, sent)]


def _has_delivered(connector: RunningConnector) -> bool:
    return bool(task_of(connector).progress)


async def _trickle(bootstrap: str, topic: str, *, until: asyncio.Event) -> int:
    """Send a hundred records after another; how many they were."""
    sent = 0
    while not until.is_set():
        await send(bootstrap, topic, numbers(sent, sent + 100, partitions=6))
        sent += 100
    return sent


class _Dawdler(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka has no types
    """Keeps its group from settling for as long as it is told to."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()

    async def on_partitions_revoked(self, revoked: object) -> None:  # noqa: ARG002 - the signature is aiokafka's
        await self.ready.wait()

    def on_partitions_assigned(self, assigned: object) -> None:
        """Nothing is done with them."""


async def test_nothing_is_committed_to_a_group_that_is_changing(
    kafka_bootstrap: str, target: str, make_topic: MakeTopic
) -> None:
    """The answer would come when the change is over, and start the next one."""
    topic = await make_topic(partitions=2)
    given = configuration(target, topics=topic, table__name__format="numbers")
    await send(kafka_bootstrap, topic, numbers(0, 10, partitions=2))
    dawdler = _Dawdler()
    async with connected(kafka_bootstrap, given) as connector:
        await wait_until_read(connector, topic, 10)
        task = task_of(connector)
        assert await task.source.show_progress(task.progress)
        member = AIOKafkaConsumer(
            bootstrap_servers=kafka_bootstrap, group_id=connector.config.group_id, enable_auto_commit=False
        )
        await member.start()
        try:
            dawdler.ready.set()
            member.subscribe([topic], listener=dawdler)
            await wait_until(lambda: len(task.source.epochs) == 1, what="the other member to have its share")
            dawdler.ready.clear()
            async with connected(kafka_bootstrap, given):
                await wait_until(lambda: not task.source.epochs, what="the group to change")
                showing = task.source.show_progress(task.progress)
                assert not await asyncio.wait_for(showing, timeout=8)
                dawdler.ready.set()
        finally:
            dawdler.ready.set()
            await member.stop()


@pytest.mark.guarantees("G-SINK-3")
async def test_a_claim_fences_off_the_earlier_claimant(target: str) -> None:
    mine, other = await asyncpg.connect(target), await asyncpg.connect(target)
    partition, beginning = Partition("t", 0), Beginning(first=5, reset=0, topic_id="id")
    try:
        await prepare_database(mine)
        first = await offsets.claim(mine, "c", partition, beginning)
        second = await offsets.claim(other, "c", partition, beginning)
        assert (first.next_offset, second.next_offset, second.epoch) == (5, 5, first.epoch + 1)
        with pytest.raises(FencedError):
            await offsets.advance(mine, Move(connector="c", positions={partition: Position(9, first.epoch)}))
        assert await offsets.advance(
            other, Move(connector="c", positions={partition: Position(7, second.epoch)})
        )
        assert await offsets.stored(mine, "c") == {partition: 7}
    finally:
        await mine.close()
        await other.close()


async def test_a_claim_waits_for_the_transaction_that_moves_the_offset(target: str) -> None:
    mine, other = await asyncpg.connect(target), await asyncpg.connect(target)
    partition, beginning = Partition("t", 0), Beginning(first=0, reset=0, topic_id="id")
    try:
        await prepare_database(mine)
        epoch = (await offsets.claim(mine, "c", partition, beginning)).epoch
        async with mine.transaction():
            await offsets.advance(mine, Move(connector="c", positions={partition: Position(100, epoch)}))
            claiming = asyncio.create_task(offsets.claim(other, "c", partition, beginning))
            done, _ = await asyncio.wait([claiming], timeout=0.3)
            assert not done
        assert (await claiming).next_offset == 100
    finally:
        await mine.close()
        await other.close()


@pytest.mark.guarantees("G-SINK-3")
async def test_a_writer_whose_epoch_was_taken_writes_nothing_and_stops_in_the_end(
    kafka_bootstrap: str, target: str, make_topic: MakeTopic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It claims its share again once, since the group says that it has it; whoever takes it a second time is none of the group's."""
    monkeypatch.setattr("sink_connector.runtime.sink_task.FENCED_PATIENCE_S", 10.0)
    topic = await make_topic()
    given = configuration(target, topics=topic, table__name__format="numbers")
    await send(kafka_bootstrap, topic, numbers(0, 10))
    async with connected(kafka_bootstrap, given) as connector:
        await wait_until_read(connector, topic, 10)
        await execute(target, TAKE_EPOCH)
        await send(kafka_bootstrap, topic, numbers(10, 20))
        await wait_until_read(connector, topic, 20)
        await execute(target, TAKE_EPOCH)
        await send(kafka_bootstrap, topic, numbers(20, 30))
        assert "another writer uses the connector name" in await wait_until_failed(connector)
        assert await rows(target, COUNTED) == [(20, 20)]
        await connector.restart()
        await wait_until_read(connector, topic, 30)
    assert await rows(target, COUNTED) == [(30, 30)]


@pytest.mark.guarantees("G-SINK-12")
async def test_an_offset_that_retention_has_passed_fails_the_task_and_is_never_reset_silently(
    kafka_bootstrap: str, target: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    given = configuration(target, topics=topic, table__name__format="numbers")
    await send(kafka_bootstrap, topic, numbers(0, 10))
    async with connected(kafka_bootstrap, given) as connector:
        await wait_until_read(connector, topic, 10)
    await send(kafka_bootstrap, topic, numbers(10, 30))
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=20)})
    finally:
        await admin.close()
    async with connected(kafka_bootstrap, given) as connector:
        assert "not in the topic any more" in await wait_until_failed(connector)
        await connector.stop()
        async with stored_offsets(kafka_bootstrap) as stored:
            await stored.alter(connector.config, {Partition(topic, 0): 20})
        await connector.resume()
        await wait_until_read(connector, topic, 30)
    assert await rows(target, COUNTED) == [(20, 20)]


@pytest.mark.guarantees("G-SINK-12")
async def test_a_recreated_topic_is_refused_until_the_offsets_are_reset(
    kafka_bootstrap: str, target: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    given = configuration(target, topics=topic, table__name__format="numbers")
    await send(kafka_bootstrap, topic, numbers(0, 10))
    async with connected(kafka_bootstrap, given) as connector:
        await wait_until_read(connector, topic, 10)
    await _recreate(kafka_bootstrap, topic)
    await make_topic(name=topic)
    await send(kafka_bootstrap, topic, numbers(100, 130))
    async with connected(kafka_bootstrap, given) as connector:
        assert "deleted and created anew" in await wait_until_failed(connector)
        assert await rows(target, COUNTED) == [(10, 10)]
        await connector.stop()
        assert connector.state is State.STOPPED
        async with stored_offsets(kafka_bootstrap) as stored:
            await stored.reset(connector.config)
        await connector.resume()
        await wait_until_read(connector, topic, 30)
    assert await rows(target, COUNTED) == [(40, 40)]


async def _recreate(bootstrap: str, topic: str) -> None:
    """Delete the topic and wait until no broker knows it."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_topics([topic])
        await wait_until(lambda: is_gone(admin, topic), what="the topic to be gone")
    finally:
        await admin.close()


async def test_a_paused_connector_keeps_its_partitions_and_delivers_nothing(
    kafka_bootstrap: str, target: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    given = configuration(target, topics=topic, table__name__format="numbers")
    async with connected(kafka_bootstrap, given) as connector:
        await send(kafka_bootstrap, topic, numbers(0, 10))
        await wait_until_read(connector, topic, 10)
        await connector.pause()
        epochs = await rows(target, "SELECT epoch FROM sink.offsets")
        await wait_until(lambda: task_of(connector).is_idle, what="the last poll to end")
        await send(kafka_bootstrap, topic, numbers(10, 20))

        async def nothing_came() -> bool:
            return await rows(target, COUNTED) == [(10, 10)]

        await assert_stays(nothing_came, for_s=1.5, what="nothing is delivered while it is paused")
        await connector.resume()
        await wait_until_read(connector, topic, 20)
        assert await rows(target, "SELECT epoch FROM sink.offsets") == epochs
    assert await rows(target, COUNTED) == [(20, 20)]
