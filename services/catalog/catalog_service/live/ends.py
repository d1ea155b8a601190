"""Where the topics end: asked of Kafka for `GET /sync`, within bounded time."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

log = structlog.get_logger(__name__)

_PATIENCE_S = 2.0
_PAUSE_S = 1.0


class TopicEnds:
    """End offsets of `topics`. Kafka may be away at any time, at the start as well: then nobody knows them."""

    def __init__(self, bootstrap: str, topics: Sequence[str]) -> None:
        self._bootstrap = bootstrap
        self._topics = topics
        self._consumer: AIOKafkaConsumer | None = None

    async def run(self) -> None:
        """Hold a consumer that belongs to no group, and reach for Kafka until it is there."""
        while True:
            consumer = AIOKafkaConsumer(
                *self._topics,
                bootstrap_servers=self._bootstrap,
                group_id=None,
                enable_auto_commit=False,
                client_id="catalog",
            )
            try:
                await consumer.start()
                self._consumer = consumer
                await asyncio.Event().wait()
            except KafkaError as error:
                log.warning("kafka.away", error=type(error).__name__)
                await asyncio.sleep(_PAUSE_S)
            finally:
                self._consumer = None
                with contextlib.suppress(KafkaError):
                    await consumer.stop()

    async def end_offsets(self) -> Mapping[tuple[str, int], int] | None:
        """The offset after the last record of each (topic, partition); None while Kafka does not answer."""
        consumer = self._consumer
        if consumer is None:
            return None
        try:
            async with asyncio.timeout(_PATIENCE_S):
                partitions = [
                    TopicPartition(topic, number)
                    for topic in self._topics
                    for number in consumer.partitions_for_topic(topic) or ()
                ]
                ends = await consumer.end_offsets(partitions)
        except (KafkaError, TimeoutError) as error:
            log.warning("kafka.ends_unknown", error=type(error).__name__)
            return None
        return {(partition.topic, partition.partition): end for partition, end in ends.items()}
