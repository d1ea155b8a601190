"""Links between brokers, and between their controllers, are cut, held one way or both ways, slow with jitter, or reset. Invariants: ACK, VER, LIVE.

A broker from which the others cannot copy leads a part of the partitions: what it cannot have copied it does not acknowledge.
Without its quorum the cluster changes nothing about itself, and records go on.
"""

import asyncio
import json
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from catalog_service.monitoring.brokers import Brokers
from devservers.tcp_proxy import TcpProxy
from tests.support.linked_kafka import LinkedBrokers, linked_brokers
from tests.support.topics import is_known
from tests.support.waiting import assert_stays, wait_until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.slow, pytest.mark.timeout(180)]

BROKEN = 2
"""The id of the broker from which nothing is copied."""
PARTITIONS = 6
MANY = 300
LASTS_S = 6.0
ANSWER_S = 2.0
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

    async def is_led_by_all() -> bool:
        # Again and again: brokers whose links were just cut may not be among those that a topic is made on yet.
        await admin.create_topics([NewTopic(name, PARTITIONS, 3)])
        # Known to each: one that has not heard of it when the controllers are cut off never will.
        return await is_known(admin, name) and await _led_by_all(admin, name)

    try:
        await wait_until(is_led_by_all, timeout_s=60, every_s=0.3, what="every broker leads a part of it")
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
    await _assert_all_once_and_in_order(brokers, topic)


@pytest.mark.guarantees("G-KAFKA-2")
@pytest.mark.parametrize("fault", ["cut", "held both ways"])
async def test_while_the_leading_controller_is_cut_off_another_leads_and_records_go_on(
    brokers: LinkedBrokers, topic: str, fault: str
) -> None:
    async def agreed() -> int:
        leaders = await _leaders(brokers)
        return leaders.pop() if len(leaders) == 1 else 0

    led = await wait_until(agreed, what="a controller leads")
    link = brokers.quorum[led - 1]
    BREAKS[fault](link)
    try:
        await _send_all(brokers, topic)

        async def another_leads() -> bool:
            return bool(await _leaders(brokers) - {led})

        await wait_until(another_leads, what="another controller leads")
        await _change_something(brokers)
    finally:
        link.heal()
    await _assert_all_once_and_in_order(brokers, topic)


@pytest.mark.guarantees("G-KAFKA-2")
async def test_while_no_controller_reaches_another_records_go_on_and_changes_wait(
    brokers: LinkedBrokers, topic: str
) -> None:
    changing: asyncio.Task[None] | None = None
    for link in brokers.quorum:
        link.cut()
    try:
        changing = asyncio.create_task(_change_something(brokers))
        await _send_all(brokers, topic)
        await assert_stays(lambda: not changing.done(), for_s=LASTS_S)
    finally:
        for link in brokers.quorum:
            link.heal()
    async with asyncio.timeout(60):
        await changing
    await _assert_all_once_and_in_order(brokers, topic)


async def _leaders(brokers: LinkedBrokers) -> set[int]:
    """Who leads the controllers, as each of the brokers says that can say so."""
    asked = Brokers(brokers.bootstrap)

    async def said_by(address: str) -> int | None:
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_S):
                return await asked._leader(address)  # noqa: SLF001 - one that cannot say so must not hide the others
        return None

    try:
        said = await asyncio.gather(*(said_by(address) for address in brokers.bootstrap.split(",")))
    finally:
        await asked.aclose()
    return {each for each in said if each is not None and each > 0}


async def _send_all(brokers: LinkedBrokers, topic: str) -> None:
    """Returns when every record is acknowledged by all that are in sync."""
    async with AIOKafkaProducer(
        bootstrap_servers=brokers.bootstrap, acks="all", enable_idempotence=True
    ) as producer:
        async with asyncio.timeout(60):
            await asyncio.gather(*[await _send(producer, topic, number) for number in range(MANY)])


async def _change_something(brokers: LinkedBrokers) -> None:
    """Have a topic made, which the controllers have to agree on."""
    name = f"made-{uuid.uuid4().hex[:8]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers.bootstrap, request_timeout_ms=5_000)
    await admin.start()

    async def made() -> bool:
        with suppress(KafkaError):
            await admin.create_topics([NewTopic(name, 1, 3)], timeout_ms=2_000)
            return bool(await _partitions(admin, name))
        return False

    try:
        await wait_until(made, timeout_s=60, every_s=0.3, what="a topic is made")
    finally:
        await admin.close()


async def _assert_all_once_and_in_order(brokers: LinkedBrokers, topic: str) -> None:
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
