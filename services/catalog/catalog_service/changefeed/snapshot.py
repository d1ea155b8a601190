"""What a stream begins with: the newest orders, the products, and the position in the topics they stand for."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from catalog_service.changefeed.notification_listener import applied_offsets
from catalog_service.changefeed.position import Position
from catalog_service.read_model import STATEMENTS
from catalog_service.read_model.database import Database, Record
from catalog_service.times import rfc3339

_ORDERS = 50
_PRODUCTS = 200
_SHARED_S = 0.5
_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`data` is the event's JSON; it holds every change before `position` and none after."""

    position: Position
    data: bytes


class Snapshots:
    """Reads snapshots, two at a time; one of all users is shared by the streams that begin within half a second."""

    def __init__(
        self, database: Database, *, topics: Mapping[str, str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`topics` maps Kafka's names to the catalog's; `clock` gives monotonic seconds."""
        self._database = database
        self._topics = topics
        self._clock = clock
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._shared: Snapshot | None = None
        self._shared_at = 0.0

    async def take(self, user_id: str | None, *, instead_of: Snapshot | None = None) -> Snapshot:
        """The snapshot of one user's orders, or of everybody's; read anew if `instead_of` would not do.

        Raises:
            DatabaseAwayError: as every query.
        """
        async with self._turns:
            now = self._clock()
            if user_id is None and instead_of is None and now - self._shared_at < _SHARED_S and self._shared:
                return self._shared
            snapshot = await self._read(user_id)
            if user_id is None:
                self._shared, self._shared_at = snapshot, now
            return snapshot

    async def _read(self, user_id: str | None) -> Snapshot:
        async with self._database.snapshot() as connection:
            await connection.execute(STATEMENTS["hold_read_model"])
            offsets = await applied_offsets(connection, self._topics)
            nothing = (None,) * 6
            orders = await connection.fetch(STATEMENTS["orders_newest_first"], user_id, *nothing, _ORDERS)
            products = await connection.fetch(STATEMENTS["products"], None, None, _PRODUCTS)
        shown = {"orders": [_shown(row) for row in orders], "products": [_shown(row) for row in products]}
        return Snapshot(Position(offsets), msgspec.json.encode(shown))


def _shown(row: Record) -> dict[str, object]:
    times = {name: rfc3339(row[name]) for name in ("placed_at", "updated_at") if name in row}
    return dict(row) | times
