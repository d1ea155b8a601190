"""`errors.deadletterqueue.topic.name`: what it cannot take stays in the table, and holds up nothing else."""

import asyncio
import os

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from prometheus_client import REGISTRY

from tests.conftest import MakeTopic
from tests.support.sink import (
    INT64,
    STRING,
    Message,
    configuration,
    connected,
    envelope,
    execute,
    optional,
    rows,
    send,
    struct,
    wait_until_read,
)
from tests.support.waiting import wait_until


def number(value: int) -> Message:
    return Message(value=struct({"id": value}, id=INT64))


async def test_a_dead_letter_too_large_for_its_topic_holds_up_no_other(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic(config={"max.message.bytes": "8000000"})
    stored_dead_letters = await make_topic(config={"max.message.bytes": "20000"})
    await execute(database, "CREATE TABLE t (id bigint)")
    noise = b"".join(envelope(n, optional(STRING)) for n in range(10))
    large = os.urandom(60_000)
    messages = [Message(value=large), Message(value=b"x" * 500_000), Message(value=noise), number(1)]
    await send(kafka_bootstrap, topic, messages)
    given = configuration(
        database,
        topics=topic,
        table__name__format="t",
        errors__tolerance="all",
        errors__deadletterqueue__topic__name=stored_dead_letters,
    )
    consumer = AIOKafkaConsumer(
        stored_dead_letters, bootstrap_servers=kafka_bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        # While the task runs: one that ends sends only what is quickly sent.
        async with connected(kafka_bootstrap, given) as connector:
            await wait_until_read(connector, topic, len(messages))
            assert await rows(database, "SELECT count(*) FROM sink.dead_letters") == [(3,)]
            arrived = [(await asyncio.wait_for(consumer.getone(), 60)).value for _ in range(2)]
    finally:
        await consumer.stop()
    assert arrived == [b"x" * 500_000, noise]
    labels = {"connector": given["name"], "task": "0", "reason": "too_large"}
    assert REGISTRY.get_sample_value("sink_dead_letters_not_sent_total", labels) == 1


async def test_a_dead_letter_without_key_and_value_reaches_the_topic_of_dead_letters(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic, dead = await make_topic(), await make_topic()
    await send(kafka_bootstrap, topic, [Message(value=None, headers=[("h", b"v")])])
    given = configuration(
        database,
        topics=topic,
        pk__mode="record_key",
        pk__fields="id",
        delete__enabled="true",
        errors__tolerance="all",
        errors__deadletterqueue__topic__name=dead,
    )
    consumer = AIOKafkaConsumer(dead, bootstrap_servers=kafka_bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        async with connected(kafka_bootstrap, given):
            letter = await asyncio.wait_for(consumer.getone(), 60)
    finally:
        await consumer.stop()
    assert (letter.key, letter.value, letter.headers) == (None, None, (("h", b"v"),))


async def test_a_dead_letter_without_a_key_holds_up_no_other_where_the_topic_is_compacted(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic, dead = await make_topic(), await make_topic(config={"cleanup.policy": "compact"})
    await execute(database, "CREATE TABLE t (id bigint)")
    await send(
        kafka_bootstrap, topic, [Message(value=b"{"), Message(value=b"{", key=b"k"), Message(value=b"}")]
    )
    given = configuration(
        database,
        topics=topic,
        table__name__format="t",
        errors__tolerance="all",
        errors__deadletterqueue__topic__name=dead,
    )
    labels = {"connector": given["name"], "task": "0", "reason": "refused"}
    consumer = AIOKafkaConsumer(dead, bootstrap_servers=kafka_bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        async with connected(kafka_bootstrap, given):
            letter = await asyncio.wait_for(consumer.getone(), 60)
            await wait_until(
                lambda: REGISTRY.get_sample_value("sink_dead_letters_not_sent_total", labels) == 2,
                what="the others to be left in the table",
            )
    finally:
        await consumer.stop()
    assert (letter.key, letter.value) == (b"k", b"{")
    assert await rows(database, "SELECT count(*) FROM sink.dead_letters") == [(3,)]


@pytest.mark.parametrize("replication", ["3", "-1"])
async def test_a_topic_that_is_missing_is_made(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, replication: str
) -> None:
    topic = await make_topic()
    dead = TopicPartition(f"{topic}-dead", 0)
    await execute(database, "CREATE TABLE t (id bigint)")
    await send(kafka_bootstrap, topic, [Message(value=b"{"), number(1)])
    given = configuration(
        database,
        topics=topic,
        table__name__format="t",
        errors__tolerance="all",
        errors__deadletterqueue__topic__name=dead.topic,
        errors__deadletterqueue__topic__replication__factor=replication,
    )
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka_bootstrap, enable_auto_commit=False)
    await consumer.start()

    async def is_there() -> bool:
        return dead.topic in await consumer.topics()

    try:
        async with connected(kafka_bootstrap, given) as connector:
            await wait_until_read(connector, topic, 2)
            await wait_until(is_there, timeout_s=60, what="the topic to be made")
            consumer.assign([dead])
            await consumer.seek_to_beginning(dead)
            letter = await asyncio.wait_for(consumer.getone(), 60)
    finally:
        await consumer.stop()
    assert letter.value == b"{"
    assert await rows(database, "SELECT id FROM t") == [(1,)]
