"""What a task does now and then beside delivering.

It shows its progress, measures its lag, and looks whether its topics still are the ones it knows.
"""

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable, Mapping

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from sink_connector.runtime import metrics
from sink_connector.runtime.consumer import PartitionConsumer
from sink_connector.sink.offsets import Partition

EVERY_S = 1.0
SHOW_EVERY = 5  # rounds
TOPICS_EVERY = 10  # rounds
PATIENCE_S = 5.0

log = structlog.get_logger()


class Maintenance:
    """`committed` is the task's own record of the next offsets it has committed to the database."""

    def __init__(
        self,
        *,
        connector: str,
        source: PartitionConsumer,
        committed: Mapping[Partition, int],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._connector = connector
        self._source = source
        self._committed = committed
        self._sleep = sleep
        self._shown: dict[Partition, int] = {}

    async def run(self) -> None:
        """Run until cancelled. Raises `TopicRecreatedError`; brokers that do not answer are asked again the next time."""
        for turn in itertools.count(1):
            await self._sleep(EVERY_S)
            self._measure()
            if turn % SHOW_EVERY == 0:
                await self.show()
            if turn % TOPICS_EVERY == 0:
                with contextlib.suppress(KafkaError, TimeoutError):
                    await asyncio.wait_for(self._source.check_topics(), PATIENCE_S)

    async def show(self) -> None:
        """Commit to the group what was committed to the database since; if that cannot be done, something later will be."""
        fresh = {part: offset for part, offset in self._committed.items() if self._shown.get(part) != offset}
        try:
            if await asyncio.wait_for(self._source.show_progress(fresh), PATIENCE_S):
                self._shown.update(fresh)
        except (KafkaError, TimeoutError) as error:
            log.debug("progress.not_shown", connector=self._connector, error=repr(error))

    def _measure(self) -> None:
        for partition, offset in self._committed.items():
            lag = self._source.lag(TopicPartition(*partition), offset)
            if lag is not None:
                metrics.LAG.labels(self._connector, partition.topic, str(partition.partition)).set(lag)
