"""Ending a consumer of aiokafka, and noticing one that has ended by itself."""

import asyncio

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError


async def close_consumer(consumer: AIOKafkaConsumer, *, within_s: float) -> None:
    """Stop it within a bound.

    When a broker is away, aiokafka's `stop` raises the cancellation of a fetch of its own, which must not be taken for
    the caller's, and leaves its connections open.
    """

    async def stop() -> None:
        async with asyncio.timeout(within_s):
            await consumer.stop()

    (failure,) = await asyncio.gather(stop(), return_exceptions=True)
    if failure is not None:
        await asyncio.gather(consumer._client.close(), return_exceptions=True)  # noqa: SLF001 - `stop` got no further


def check_whole(consumer: AIOKafkaConsumer) -> None:
    """Raise the error by which one of the tasks behind a started consumer has ended.

    Each ends for good by an error that is not Kafka's, such as a want of memory: nothing is fetched any more, or nobody learns
    of new leaders, or the group is left, and whoever polls would wait for ever.
    """
    for task in background(consumer):
        if task.done() and not task.cancelled() and (error := task.exception()) is not None:
            if isinstance(error, KafkaError):
                raise error
            raise KafkaError(f"the consumer works no more: {error!r}") from error


def background(consumer: AIOKafkaConsumer) -> list[asyncio.Task[None]]:
    """The tasks without which a consumer does not work, those that it has begun; aiokafka only ever logs their errors."""
    owners = {
        "_fetch_task": consumer._fetcher,  # noqa: SLF001 - as all that follows
        "_sync_task": consumer._client,  # noqa: SLF001
        "_coordination_task": consumer._coordinator,  # noqa: SLF001 - which only a member of a group has
    }
    return [task for name, owner in owners.items() if (task := getattr(owner, name, None)) is not None]
