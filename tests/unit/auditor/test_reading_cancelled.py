"""A reading of the topics that is broken off."""

import asyncio
from typing import Any

import pytest

from auditor import Target
from auditor.sources import topics
from tests.support.stopping import Stopping


class Consumer(Stopping):
    """Of no partition."""

    def __init__(self, *_topics: str, **_options: Any) -> None:
        reading = asyncio.current_task()
        assert reading is not None
        super().__init__(reading.cancel)

    async def start(self) -> None:
        """It is there."""

    def assignment(self) -> set[Any]:
        return set()

    async def beginning_offsets(self, _partitions: object) -> dict[Any, int]:
        return {}

    end_offsets = beginning_offsets


async def test_what_is_cancelled_while_its_consumer_ends_is_cancelled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(topics, "AIOKafkaConsumer", Consumer)
    reading = asyncio.create_task(
        topics.partition_ends(Target(write_databases={}, read_dsn="", bootstrap=""))
    )
    await asyncio.wait([reading], timeout=5)
    assert reading.cancelled()
