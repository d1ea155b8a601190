"""What a task does beside delivering."""

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import TopicPartition
from prometheus_client import REGISTRY

from sink_connector.runtime.delivery import Time
from sink_connector.runtime.maintenance import Maintenance
from sink_connector.runtime.metrics import TaskMetrics
from sink_connector.sink.offsets import Partition

CLAIMED, COMMITTED = TopicPartition("orders", 0), TopicPartition("orders", 1)
ENDS = {CLAIMED: 12, COMMITTED: 30}


@dataclass(slots=True)
class Source:
    """Two partitions, claimed at 5 and at 20."""

    begun: dict[TopicPartition, int]

    def lag(self, partition: TopicPartition, next_offset: int) -> int:
        return ENDS[partition] - next_offset


class EnoughError(Exception):
    """Two rounds are."""


@pytest.mark.parametrize(("committed", "lags"), [({}, (7, 10)), ({Partition("orders", 1): 28}, (7, 2))])
async def test_a_partition_nothing_was_committed_of_lags_from_where_it_was_claimed(
    committed: dict[Partition, int], lags: tuple[int, int]
) -> None:
    connector, rounds = f"c{uuid4().hex}", iter(range(2))

    async def sleep(_seconds: float) -> None:
        await asyncio.sleep(0)
        if next(rounds, None) is None:
            raise EnoughError

    source: Any = Source({CLAIMED: 5, COMMITTED: 20})
    maintenance = Maintenance(
        connector=connector,
        source=source,
        committed=committed,
        held=lambda: (0, 0),
        metrics=TaskMetrics(connector, 0),
        time=Time(sleep=sleep),
    )
    with pytest.raises(EnoughError):
        await maintenance.run()

    def lag(partition: TopicPartition) -> float | None:
        labels = {"connector": connector, "topic": partition.topic, "partition": str(partition.partition)}
        return REGISTRY.get_sample_value("sink_lag_records", labels)

    assert (lag(CLAIMED), lag(COMMITTED)) == lags


async def test_a_stop_that_comes_just_when_progress_was_shown_is_obeyed() -> None:
    shown = 0

    class Showing:
        begun: dict[TopicPartition, int] = {}  # noqa: RUF012 - nothing is claimed

        async def show_progress(self, _fresh: object) -> bool:
            nonlocal shown
            shown += 1
            await asyncio.sleep(0)
            if shown == 1:
                running.cancel()
            return True

        async def check_topics(self) -> None:
            pass

    source: Any = Showing()
    connector = f"c{uuid4().hex}"
    maintenance = Maintenance(
        connector=connector,
        source=source,
        committed={},
        held=lambda: (0, 0),
        metrics=TaskMetrics(connector, 0),
        time=Time(sleep=lambda _seconds: asyncio.sleep(0)),
    )
    running = asyncio.create_task(maintenance.run())
    await asyncio.wait([running], timeout=5)
    ended = running.cancelled()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert (ended, shown) == (True, 1)
