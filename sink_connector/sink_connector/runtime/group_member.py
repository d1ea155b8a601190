"""What a member of a consumer group asks of the group past aiokafka, which speaks to it in the steps of one loop alone."""

import asyncio

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.errors import KafkaError
from aiokafka.protocol.group import LeaveGroupRequest

from sink_connector.runtime.closing import close_consumer

log = structlog.get_logger()

LOOK_S = 0.02


async def is_member(consumer: AIOKafkaConsumer) -> bool:
    """Whether the group has this consumer in its present generation and is not about to begin another one.

    Nobody else can have been given its partitions then: that takes a generation which it has joined or was left out of.
    """
    coordinator: GroupCoordinator = consumer._coordinator  # noqa: SLF001 - aiokafka keeps it to itself, as all that follows
    if coordinator._performed_join_prepare:  # noqa: SLF001
        return False
    is_alive: bool = await coordinator._do_heartbeat()  # noqa: SLF001
    return is_alive and not coordinator._rejoin_needed_fut.done()  # noqa: SLF001


async def leave(consumer: AIOKafkaConsumer, *, within_s: float) -> None:
    """Stop a consumer and have its group know at once, also while the group deals out partitions anew."""
    leaving = asyncio.create_task(_leave_while_joining(consumer))
    try:
        await close_consumer(consumer, within_s=within_s)
    finally:
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)


async def _leave_while_joining(consumer: AIOKafkaConsumer) -> None:
    """Say it over a connection of its own.

    aiokafka's `stop` waits for the answer to its request to join, which comes once every member has joined. One that gives
    up meanwhile stays a member: it is given partitions, which nobody reads until its session times out.
    """
    coordinator: GroupCoordinator | None = consumer._coordinator  # noqa: SLF001 - as above
    if coordinator is None or coordinator._group_instance_id is not None:  # noqa: SLF001
        return  # it was never started, or it is a static member, which keeps its place
    while coordinator._performed_join_prepare:  # noqa: SLF001
        if coordinator.member_id and coordinator.coordinator_id is not None:
            request = LeaveGroupRequest(coordinator.group_id, coordinator.member_id)
            try:
                await consumer._client.send(coordinator.coordinator_id, request)  # noqa: SLF001
            except KafkaError as error:
                log.warning("group.not_left", group=coordinator.group_id, error=repr(error))
            return
        await asyncio.sleep(LOOK_S)
