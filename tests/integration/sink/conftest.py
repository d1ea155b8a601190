"""What every test of the sink begins with."""

import pytest
from aiokafka.consumer import fetcher
from aiokafka.record.memory_records import MemoryRecords


@pytest.fixture(autouse=True)
def aiokafka_as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own reader of batches: the other services, which a test of theirs may have run in this process, replace it."""
    monkeypatch.setattr(fetcher, "MemoryRecords", MemoryRecords)
