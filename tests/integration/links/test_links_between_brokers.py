"""The link by which the other brokers copy from one is cut, held one way or both ways, slow with jitter, or resets. Invariants: ACK, VER, LIVE.

The broker whose link is broken leads a part of the partitions: what it cannot have copied it does not acknowledge.
"""

import asyncio
import json
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from devservers.tcp_proxy import TcpProxy
from tests.support.linked_kafka import LinkedBrokers, linked_brokers
from tests.support.waiting import assert_stays, wait_until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow, pytest.mark.timeout(180)]

BROKEN = 2
"""The id of the broker from which nothing is copied."""
PARTITIONS = 6
MANY = 300
LASTS_S = 6.0
BREAKS: dict[str, Callable[[TcpProxy], None]] = {
    "cut": TcpProxy.cut,
    "held both ways": TcpProxy.hold,
    "requests held": partial(TcpProxy.hold, answers=False),
    "answers held": partial(TcpProxy.hold, requests=False),
    "reset in mid-answer": partial(TcpProxy.reset_answers, after=300),
    "slow, with jitter": partial(TcpProxy.slow, delay_s=0.05, jitter_s=0.3),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def brokers(session_directory: Path) -> AsyncIterator[LinkedBrokers]:
    async with linked_brokers(session_directory / f"linked-brokers-{uuid.uuid4().hex[:6]}") as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def topic(brokers: LinkedBrokers) -> str:
    """Three copies, two of which must be there."""
    name = f"copied-{uuid.uuid4().hex[:8]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, PARTITIONS, 3)])
        await wait_until(partial(_led_by_all, admin, name), what="every broker leads a part of it")
    finally:
        await admin.close()
    return name


async def _led_by_all(admin: AIOKafkaAdminClient, topic: str) -> bool:
    return {each["leader"] for each in await _partitions(admin, topic)} == {1, 2, 3}


async def _partitions(admin: AIOKafkaAdminClient, topic: str) -> list[dict[str, int]]:
    (described,) = await admin.describe_topics([topic])
    found: list[dict[str, int]] = described["partitions"]
    return found


@pytest.mark.parametrize("fault", BREAKS)
async def test_what_one_broker_cannot_have_copied_is_acknowledged_once_it_can_and_nothing_is_lost_or_doubled(
    brokers: LinkedBrokers, topic: str, fault: str
) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers.bootstrap)
    await admin.start()
    led = {each["partition"] for each in await _partitions(admin, topic) if each["leader"] == BROKEN}
    await admin.close()
    link = brokers.links[BROKEN - 1]
    async with AIOKafkaProducer(
        bootstrap_servers=brokers.bootstrap, acks="all", enable_idempotence=True
    ) as producer:
        await asyncio.gather(*[await _send(producer, topic, number) for number in range(PARTITIONS)])
        BREAKS[fault](link)
        sent = [await _send(producer, topic, number) for number in range(PARTITIONS, MANY)]
        try:
            if "slow" not in fault and "reset" not in fault:
                waiting = [each for number, each in enumerate(sent, PARTITIONS) if number % PARTITIONS in led]
                await assert_stays(lambda: not any(each.done() for each in waiting), for_s=LASTS_S)
        finally:
            link.heal()
        async with asyncio.timeout(60):
            await asyncio.gather(*sent)
    read = await _read(brokers.bootstrap, topic)
    assert {partition: sorted(found) for partition, found in read.items()} == read, "in order"
    assert sorted(number for found in read.values() for number in found) == list(range(MANY))


async def _send(producer: AIOKafkaProducer, topic: str, number: int) -> "asyncio.Future[object]":
    value = json.dumps(number).encode()
    found: asyncio.Future[object] = await producer.send(topic, value, partition=number % PARTITIONS)
    return found


async def _read(bootstrap: str, topic: str) -> dict[int, list[int]]:
    """What every partition holds."""
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    read: defaultdict[int, list[int]] = defaultdict(list)
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False) as consumer:
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        async with asyncio.timeout(60):
            while any([await consumer.position(each) < end for each, end in ends.items()]):
                for place, records in (await consumer.getmany(timeout_ms=500)).items():
                    read[place.partition] += [json.loads(record.value) for record in records]
    return dict(read)
