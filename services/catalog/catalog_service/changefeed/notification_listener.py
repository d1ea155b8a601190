"""The sink's notifications: which offsets it has just committed, told within the transaction that committed them."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import asyncpg
import msgspec
import structlog

from catalog_service.changefeed.position import Partition
from catalog_service.read_model import STATEMENTS
from catalog_service.read_model.database import Database, DatabaseAwayError

log = structlog.get_logger(__name__)

CHANNEL = "read_model"
_PAUSE_S = 0.5


class _Notice(msgspec.Struct, frozen=True):
    """`taken_ms`: when the worker took the batch's first record from Kafka (optional, for the leg `take`)."""

    connector: str
    topics: dict[str, dict[str, int]]
    taken_ms: int | None = None


class Applied(Protocol):
    """Who wants to know."""

    def __call__(self, offsets: Mapping[Partition, int], *, taken_ms: int | None, visible_ms: int) -> None:
        """These next offsets are committed."""
        ...


class NotificationListener:
    """Listens for ever; after every pause in listening it reads what it missed.

    `applied` hears of the connectors that write `topics` (Kafka's names → ours; each is called like its topic), `woken` of every commit.
    `known` is set once the first positions are read.
    """

    def __init__(
        self,
        database: Database,
        *,
        topics: Mapping[str, str],
        applied: Applied,
        woken: Callable[[], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._topics = topics
        self._applied = applied
        self._woken = woken
        self._clock = clock
        self._resumed = asyncio.Event()
        self.listening = False
        self.known = asyncio.Event()

    async def run(self) -> None:
        """Both halves: hearing, and reading up after a pause."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen())
            tasks.create_task(self._read_up())

    async def _listen(self) -> None:
        while True:
            try:
                await self._database.listen(CHANNEL, self._heard)
            except DatabaseAwayError as away:
                log.warning("notices.silent", detail=str(away))
            self.listening = False
            await asyncio.sleep(_PAUSE_S)

    def _heard(self, payload: str) -> None:
        if not payload:
            self._resumed.set()
            return
        try:
            notice = msgspec.json.decode(payload, type=_Notice)
        except msgspec.MsgspecError as error:
            log.warning("notices.unreadable", detail=str(error))
            return
        if not notice.topics:  # more partitions than a notification can hold
            self._resumed.set()
        offsets = {
            (name, int(number)): next_offset
            for topic, numbers in notice.topics.items()
            if notice.connector == (name := self._topics.get(topic))
            for number, next_offset in numbers.items()
        }
        self._applied(offsets, taken_ms=notice.taken_ms, visible_ms=int(self._clock() * 1000))
        self._woken()

    async def _read_up(self) -> None:
        while True:
            await self._resumed.wait()
            try:
                offsets = await applied_offsets(self._database, self._topics)
            except DatabaseAwayError:
                await asyncio.sleep(_PAUSE_S)
                continue
            self._resumed.clear()
            self._applied(offsets, taken_ms=None, visible_ms=int(self._clock() * 1000))
            self.listening = True
            self.known.set()
            self._woken()


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
    found = await rows.fetch(STATEMENTS["applied_offsets"])
    return {
        (row["connector"], row["partition"]): row["next_offset"]
        for row in found
        if row["connector"] == topics.get(row["topic"])
    }
