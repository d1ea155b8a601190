"""Ending a consumer of aiokafka, and noticing one that has ended by itself."""

import asyncio

from aiokafka import AIOKafkaConsumer


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


def check_fetching(consumer: AIOKafkaConsumer) -> None:
    """Raise the error by which the fetching of a started consumer has ended.

    It ends for good by an error that is not Kafka's, such as a want of memory, and whoever polls would wait for ever.
    """
    fetching = consumer._fetcher._fetch_task  # noqa: SLF001 - aiokafka only ever logs it
    if fetching.done() and not fetching.cancelled():
        fetching.result()
