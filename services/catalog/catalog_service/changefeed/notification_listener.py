"""The sink's notifications: which offsets it has just committed, told within the transaction that committed them.

Any role of the database may send one. So a notification only says that it is worth looking, and when: what is visible
is what the table of offsets says, and nothing a notification claims beyond it counts.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Protocol

import asyncpg
import msgspec
import structlog

from catalog_service.changefeed.position import Partition
from catalog_service.read_model import STATEMENTS
from catalog_service.read_model.database import Database, DatabaseAwayError

log = structlog.get_logger(__name__)

CHANNEL = "read_model"
_PAUSE_S = 0.5
_PACE_S = 0.005  # between two looks at the table: under load one look serves several notifications
_UNWATCHED_PACES = 5  # as many lie between two looks while nobody waits for what they find
_MAX_NOTIFICATIONS = 1_000

_Offset = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Number = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]


class _Notification(msgspec.Struct, frozen=True):
    """`taken_ms`: when the worker took the batch's first record from Kafka (optional, for the leg `take`)."""

    connector: str
    topics: dict[str, dict[_Number, _Offset]]
    taken_ms: _Offset | None = None


class _Heard(msgspec.Struct, frozen=True):
    offsets: dict[Partition, int]
    taken_ms: int | None
    at_ms: int


class OffsetsReceiver(Protocol):
    """Who wants to know what is visible."""

    def __call__(self, offsets: Mapping[Partition, int], *, taken_ms: int | None, visible_ms: int) -> None:
        """These next offsets are committed."""
        ...


async def _nothing() -> None:
    """Nothing to prepare."""


class NotificationListener:
    """Listens for ever; after notifications, and every pause in listening, it reads what the table says.

    `applied` hears of the connectors that write `topics` (Kafka's names → ours; each is called like its topic), `woken`
    of every look. It looks less often while `watched` says that nobody waits for either. `known` is set once the first
    positions are read; `prepare` is awaited before.
    """

    def __init__(  # noqa: PLR0913 - its source, its receivers, its clocks
        self,
        database: Database,
        *,
        topics: Mapping[str, str],
        applied: OffsetsReceiver,
        woken: Callable[[], None],
        watched: Callable[[], bool] = lambda: True,
        prepare: Callable[[], Awaitable[None]] = _nothing,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Connects to nothing yet; `clock` gives seconds since 1970."""
        self._database = database
        self._topics = topics
        self._applied = applied
        self._woken = woken
        self._watched = watched
        self._prepare = prepare
        self._clock = clock
        self._sleep = sleep
        self._due = asyncio.Event()
        self._resumed = False
        self._notifications: deque[_Heard] = deque(maxlen=_MAX_NOTIFICATIONS)
        self.failure: str | None = None
        """Why positions cannot be read although the database answers, in words."""
        self.listening = False
        self.known = asyncio.Event()

    async def run(self) -> None:
        """Both halves: hearing, and reading what the table says. Runs until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            tasks.create_task(self._read())

    async def _listen(self) -> None:
        while True:
            try:
                await self._database.listen(CHANNEL, self._heard)
            except DatabaseAwayError as away:
                log.warning("listener.disconnected", detail=str(away))
            except asyncpg.PostgresError as refused:
                log.warning("listener.refused", detail=str(refused))
            self.listening = False
            await self._sleep(_PAUSE_S)

    def _heard(self, payload: str) -> None:
        if not payload:
            self._resumed = True
            self._due.set()
            return
        try:
            notification = msgspec.json.decode(payload, type=_Notification)
        except (msgspec.MsgspecError, RecursionError) as error:
            log.warning("notification.unreadable", detail=str(error))
            return
        self._resumed |= not notification.topics  # more partitions than a notification can hold
        at_ms = int(self._clock() * 1000)
        offsets = {
            (name, number): next_offset
            for topic, numbers in notification.topics.items()
            if notification.connector == (name := self._topics.get(topic))
            for number, next_offset in numbers.items()
        }
        self._notifications.append(_Heard(offsets, _not_after(at_ms, notification.taken_ms), at_ms))
        self._due.set()

    async def _read(self) -> None:
        begun = False
        while True:
            await self._due.wait()
            self._due.clear()
            resumed, self._resumed = self._resumed, False
            notifications = tuple(self._notifications)
            self._notifications.clear()
            try:
                if not self.known.is_set():
                    await self._prepare()
                committed = await (committed_offsets if begun else applied_offsets)(
                    self._database, self._topics
                )
                begun = bool(committed)
            # Whatever it is, those who wait for positions are better served by another attempt than by an end.
            except Exception as error:  # noqa: BLE001 - see above
                begun = False
                self._retry(error, resumed=resumed, notifications=notifications)
                await self._sleep(_PAUSE_S)
                continue
            self.failure = None
            self._tell(committed, notifications)
            if resumed:
                self._applied(committed, taken_ms=None, visible_ms=int(self._clock() * 1000))
                self.listening = True
                self.known.set()
            self._woken()
            await self._pause()

    async def _pause(self) -> None:
        """Somebody who begins to wait meanwhile ends it."""
        for _ in range(_UNWATCHED_PACES):
            await self._sleep(_PACE_S)
            if self._watched():
                return

    def _retry(self, error: Exception, *, resumed: bool, notifications: Sequence[_Heard]) -> None:
        if not isinstance(error, DatabaseAwayError):
            self.failure = f"the sink's offsets cannot be read: {error}"
            log.warning("offsets.unreadable", error=type(error).__name__, detail=str(error))
        self._resumed |= resumed
        self._notifications.extendleft(reversed(notifications))
        self._due.set()

    def _tell(self, committed: Mapping[Partition, int], notifications: Sequence[_Heard]) -> None:
        """Pass on what the notifications say as far as the table bears it out.

        The table may be ahead: the notification of that commit is on its way, and knows more about it.
        """
        for notification in notifications:
            true = {
                each: offset
                for each, offset in notification.offsets.items()
                if offset <= committed.get(each, 0)
            }
            if len(true) < len(notification.offsets):
                log.warning("notification.contradicted", claimed=notification.offsets)
            self._applied(true, taken_ms=notification.taken_ms, visible_ms=notification.at_ms)


def _not_after(at_ms: int, taken_ms: int | None) -> int | None:
    return None if taken_ms is None else min(at_ms, taken_ms)


class RowFetcher(Protocol):
    """The database, or a snapshot of it."""

    async def fetch(self, statement: str, *values: object) -> Sequence[asyncpg.Record]:
        """All rows."""
        ...


async def applied_offsets(rows: RowFetcher, topics: Mapping[str, str]) -> dict[Partition, int]:
    """The next offsets of the connectors that write `topics` (each is called like its topic); none before the first.

    Raises:
        DatabaseAwayError: as every query.
    """
    if not (await rows.fetch(STATEMENTS["sink_begun"]))[0]["begun"]:
        return {}
    return await committed_offsets(rows, topics)


async def committed_offsets(rows: RowFetcher, topics: Mapping[str, str]) -> dict[Partition, int]:
    """The same where the sink is known to have begun.

    Raises:
        DatabaseAwayError: as every query.
        asyncpg.UndefinedTableError: the sink has not begun.
    """
    found = await rows.fetch(STATEMENTS["applied_offsets"])
    return {
        (row["connector"], row["partition"]): row["next_offset"]
        for row in found
        if row["connector"] == topics.get(row["topic"])
    }
