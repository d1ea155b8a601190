"""What a task does now and then beside delivering.

It shows its progress, measures its lag, and looks whether its topics still are the ones it knows.
"""

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from sink_connector.runtime import metrics
from sink_connector.runtime.consumer import PartitionConsumer
from sink_connector.runtime.delivery import Time
from sink_connector.sink.offsets import Partition

EVERY_S = 1.0
SHOW_EVERY = 5  # rounds
TOPICS_EVERY = 10  # rounds
PATIENCE_S = 5.0
MOST_MEASURES = 3600  # an hour of them; whoever is further behind is told the hour

log = structlog.get_logger()


@dataclass(slots=True)
class LagClock:
    """Turns a lag in records into one in time, by when the end of the partition passed each place.

    No record's timestamp is trusted for it: a producer may write what it likes there.
    """

    _passed: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=MOST_MEASURES))

    def seconds(self, next_offset: int, *, end: int, now: float) -> float:
        """How long there has been something that is not read, as exact as the measures are frequent."""
        if not self._passed or end > self._passed[-1][0]:
            self._passed.append((end, now))
        while self._passed and self._passed[0][0] <= next_offset:
            self._passed.popleft()
        return now - self._passed[0][1] if self._passed else 0.0


class Maintenance:
    """`committed` is the task's own record of the next offsets it has committed to the database."""

    def __init__(  # noqa: PLR0913 - a task's parts, each by its name
        self,
        *,
        connector: str,
        source: PartitionConsumer,
        committed: Mapping[Partition, int],
        held: Callable[[], tuple[int, int]],
        metrics: metrics.TaskMetrics,
        time: Time,
    ) -> None:
        self._held = held
        self._metrics = metrics
        self._time = time
        self._ends: dict[Partition, LagClock] = {}
        self._connector = connector
        self._source = source
        self._committed = committed
        self._shown: dict[Partition, int] = {}

    async def run(self) -> None:
        """Run until cancelled. Raises `TopicRecreatedError`; brokers that do not answer are asked again the next time."""
        for turn in itertools.count(1):
            await self._time.sleep(EVERY_S)
            self._measure()
            if turn % SHOW_EVERY == 0:
                await self.show()
            if turn % TOPICS_EVERY == 0:
                with contextlib.suppress(KafkaError, TimeoutError):
                    async with asyncio.timeout(PATIENCE_S):
                        await self._source.check_topics()

    async def show(self) -> None:
        """Commit to the group what was committed to the database since; if that cannot be done, something later will be."""
        fresh = {part: offset for part, offset in self._committed.items() if self._shown.get(part) != offset}
        try:
            async with asyncio.timeout(PATIENCE_S):
                shown = await self._source.show_progress(fresh)
            if shown:
                self._shown.update(fresh)
        except (KafkaError, TimeoutError) as error:
            log.debug("progress.not_shown", connector=self._connector, error=repr(error))

    def _measure(self) -> None:
        self._metrics.buffered(*self._held())
        now = self._time.monotonic()
        # What nothing was committed of yet waits from where it was claimed: a database may be away from the start.
        begun = {Partition(*place): offset for place, offset in self._source.begun.items()}
        for partition, offset in (begun | dict(self._committed)).items():
            lag = self._source.lag(TopicPartition(*partition), offset)
            if lag is not None:
                labels = (self._connector, partition.topic, str(partition.partition))
                metrics.LAG.labels(*labels).set(lag)
                clock = self._ends.setdefault(partition, LagClock())
                metrics.LAG_SECONDS.labels(*labels).set(clock.seconds(offset, end=offset + lag, now=now))
