"""Where a stream begins."""

from typing import Any

from catalog_service.changefeed.feed import Feed
from catalog_service.changefeed.position import Position
from catalog_service.changefeed.snapshot import Snapshot, Snapshots
from catalog_service.changefeed.sse import EventStreams, StreamRequest

ORDERS = ("orders", 0)


class Read(Snapshots):
    """Of a read model that moves on by three records from one look to the next."""

    def __init__(self) -> None:
        unused: Any = None
        super().__init__(unused, topics={}, clock=lambda: 1.0)
        self.next_offset = 5

    async def _read(self, user_id: str | None) -> Snapshot:
        del user_id
        snapshot = Snapshot(Position({ORDERS: self.next_offset}), b"{}")
        self.next_offset += 3
        return snapshot


async def first_event(snapshots: Snapshots, resume: str) -> bytes:
    async def no_report() -> bytes:
        return b"{}"

    feed = Feed()
    feed.begin(ORDERS, first=0, end=0)
    streams = EventStreams(
        feed=feed,
        snapshots=snapshots,
        report=no_report,
        lag_ms=lambda: 0,
        max_streams=1,
        max_behind=10,
        heartbeat_s=60.0,
    )
    events = streams.events(StreamRequest(user_id=None, resume=Position.parse(resume), reports=False))
    try:
        return await anext(events)
    finally:
        await events.aclose()


async def test_a_position_of_another_instance_that_a_shared_snapshot_does_not_know_yet_is_gone_on_from() -> (
    None
):
    snapshots = Read()
    assert (await snapshots.take(None)).position.next_offset(ORDERS) == 5
    assert (await first_event(snapshots, "orders:8")).startswith(b"event: heartbeat")


async def test_a_position_that_no_snapshot_knows_was_never_reached() -> None:
    snapshots = Read()
    await snapshots.take(None)
    assert (await first_event(snapshots, "orders:900")).startswith(b"id: orders:8\nevent: snapshot")
