"""What a member of a consumer group asks of it past aiokafka, of the real broker."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.group import LeaveGroupRequest

from sink_connector.runtime import group_member
from tests.conftest import MakeTopic
from tests.support.waiting import wait_until

DEAF_MS = 60_000
"""A member that hears so late of a rebalance holds it up: the others wait with their request to join."""
AT_ONCE_S = 15.0

Join = Callable[[str], Awaitable[AIOKafkaConsumer]]


@pytest.fixture
def group() -> str:
    return f"members-{uuid.uuid4().hex[:8]}"


@pytest.fixture
async def join(kafka_bootstrap: str, make_topic: MakeTopic, group: str) -> AsyncIterator[Join]:
    """A member of the group with a client id; it may not have joined yet."""
    topic = await make_topic(partitions=2)
    async with AsyncExitStack() as ending:

        async def started(client_id: str) -> AIOKafkaConsumer:
            consumer = AIOKafkaConsumer(
                bootstrap_servers=kafka_bootstrap,
                group_id=group,
                client_id=client_id,
                session_timeout_ms=2 * DEAF_MS,
                heartbeat_interval_ms=DEAF_MS,
                rebalance_timeout_ms=DEAF_MS,
                enable_auto_commit=False,
            )
            ending.push_async_callback(group_member.leave, consumer, within_s=AT_ONCE_S)
            await consumer.start()
            consumer.subscribe([topic])
            return consumer

        yield started


async def members(bootstrap: str, group: str) -> set[str]:
    """The client ids in the group."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        (answer,) = await admin.describe_consumer_groups([group])
    finally:
        await admin.close()
    ((_, _, _, _, _, found, *_),) = answer.groups
    return {client_id for _, client_id, *_ in found}


async def test_a_member_that_leaves_while_it_waits_for_others_to_join_is_out_at_once(
    kafka_bootstrap: str, group: str, join: Join
) -> None:
    deaf = await join("deaf")
    await wait_until(deaf.assignment, what="the first member has its share")
    leaving = await join("leaving")

    async def waits() -> bool:
        return await members(kafka_bootstrap, group) == {"deaf", "leaving"}

    await wait_until(waits, what="the second member waits for the first")
    assert not leaving.assignment()
    async with asyncio.timeout(AT_ONCE_S):
        await group_member.leave(leaving, within_s=10 * AT_ONCE_S)
    assert await members(kafka_bootstrap, group) == {"deaf"}


async def test_a_consumer_knows_whether_its_group_has_it(
    kafka_bootstrap: str, group: str, join: Join
) -> None:
    consumer = await join("one")
    await wait_until(consumer.assignment, what="it has its share")
    assert await group_member.is_member(consumer)
    coordinator = consumer._coordinator  # noqa: SLF001 - what it would say itself
    await consumer._client.send(  # noqa: SLF001
        coordinator.coordinator_id, LeaveGroupRequest(group, coordinator.member_id)
    )
    assert not await group_member.is_member(consumer)
