"""The end of a producer."""

import asyncio
from types import SimpleNamespace

from order_service.adapters.kafka.publisher import _close
from tests.support.stopping import Stopping


async def test_a_relay_that_is_cancelled_while_its_producer_ends_is_cancelled() -> None:
    closing: asyncio.Task[None] | None = None

    def cancel() -> None:
        assert closing is not None
        closing.cancel()

    producer = Stopping(cancel)
    producer._sender = SimpleNamespace(sender_task=None)  # type: ignore[attr-defined]  # noqa: SLF001 - as aiokafka's
    producer.client = SimpleNamespace(close=lambda: asyncio.sleep(0))  # type: ignore[attr-defined]
    closing = asyncio.create_task(_close(producer))
    await asyncio.wait([closing], timeout=5)
    assert closing.cancelled()
