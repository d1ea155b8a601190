"""How long the oldest record has waited: said only once it is known where the relay stands."""

from typing import cast

from order_service.adapters.outbox_reader import OutboxReader
from order_service.entrypoints.outbox_monitor import OutboxMonitor
from order_service.service_layer.outbox_log import LogPosition, OldestPending

NOW_MS, COMMITTED_MS = 700_000, 60_000


class _Reader:
    """An outbox whose one record, at position 5, was committed long ago."""

    async def oldest(self, position: LogPosition) -> OldestPending | None:
        if position >= LogPosition(0, 5):
            return None
        return OldestPending(committed_at=COMMITTED_MS, topic="orders", held_back=False, set_aside=None)


def _monitor(position: LogPosition | None) -> OutboxMonitor:
    return OutboxMonitor(
        reader=cast(OutboxReader, _Reader()), position=lambda: position, clock=lambda: NOW_MS, max_age_s=60
    )


async def test_what_was_published_before_the_instance_began_is_not_taken_for_overdue() -> None:
    assert await _monitor(None).missing() is None
    assert await _monitor(LogPosition(0, 5)).missing() is None


async def test_a_record_behind_the_position_for_too_long_is_told() -> None:
    reason = await _monitor(LogPosition(0, 4)).missing()
    assert reason == "a record for orders has waited 640 s: its turn has not come"
