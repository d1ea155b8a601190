"""Ending a producer of aiokafka."""

import asyncio

from aiokafka import AIOKafkaProducer


async def close_producer(producer: AIOKafkaProducer, *, within_s: float) -> None:
    """Stop it within a bound: it waits for answers of brokers that may be away. What is not sent by then is not sent."""
    stopping = asyncio.ensure_future(producer.stop())
    await asyncio.wait([stopping], timeout=within_s)
    stopping.cancel()
    await asyncio.gather(stopping, return_exceptions=True)
