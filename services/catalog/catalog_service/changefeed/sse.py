"""One stream of server-sent events: a snapshot or what was missed, then every change as it becomes visible."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass

from catalog_service.changefeed.feed import Feed, Published
from catalog_service.changefeed.position import Position
from catalog_service.changefeed.snapshot import Snapshot, Snapshots

_PORTION = 200
_REPORT_S = 1.0
_PACE_S = 0.0002  # for each open stream: many readers get their changes in larger portions


class TooManyStreamsError(Exception):
    """As many streams as allowed are open already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRequest:
    """What a reader asked for: one user's orders or everybody's, where it stopped, and whether with reports."""

    user_id: str | None
    resume: Position | None
    reports: bool


class EventStreams:
    """The open streams. A change reaches each of them once, and a reader that is too slow is told so and let go."""

    def __init__(  # noqa: PLR0913 - what a stream shows, and its bounds
        self,
        *,
        feed: Feed,
        snapshots: Snapshots,
        report: Callable[[], Awaitable[bytes]],
        lag_ms: Callable[[], int],
        max_streams: int,
        max_behind: int,
        heartbeat_s: float,
    ) -> None:
        """At most `max_streams` are open; one that is `max_behind` changes behind is ended."""
        self._feed = feed
        self._snapshots = snapshots
        self._report = report
        self._lag_ms = lag_ms
        self._max_streams = max_streams
        self._max_behind = max_behind
        self._heartbeat_s = heartbeat_s
        self._open = 0
        self._readers: set[_Reader] = set()

    @property
    def open(self) -> int:
        """How many there are."""
        return self._open

    def close(self) -> None:
        """End every stream: this process is about to end, and clients resume at another one."""
        for reader in self._readers:
            reader.end()

    def admit(self) -> None:
        """Raises TooManyStreamsError when there is no room for one more."""
        if self._open >= self._max_streams:
            raise TooManyStreamsError(f"{self._max_streams} streams are open already")

    async def events(self, wish: StreamRequest) -> AsyncGenerator[bytes, None]:
        """The events of one stream as they go over the wire, in portions. Closing the iterator ends the stream.

        Raises:
            DatabaseAwayError: the snapshot could not be read.
        """
        reader = _Reader(self._feed, max_behind=self._max_behind)
        self._open += 1
        self._readers.add(reader)
        try:
            position, missed, snapshot = await self._begin(wish)
            reader.follow(missed)  # no await since `since`: nothing falls between
            if snapshot is not None:
                yield _event("snapshot", snapshot.data, snapshot.position)
            position = position.copy()
            async for portion in self._follow(reader, position, wish):
                yield portion
        finally:
            self._feed.unsubscribe(reader.hear)
            self._readers.discard(reader)
            self._open -= 1

    async def _begin(self, wish: StreamRequest) -> tuple[Position, Iterable[Published], Snapshot | None]:
        """Where to begin, what was told since, and the snapshot that comes first, if the reader cannot resume.

        Going on from a position that was never reached would hide all until then. A page may have one: it is left open
        while the topics are made anew, and begin at 0.
        """
        resume, snapshot = wish.resume, None
        if resume is not None and not self._feed.has_reached(resume):  # or it has only just begun to hear
            snapshot = await self._snapshots.take(wish.user_id)
            if wish.user_id is None and not snapshot.position.covers(resume):
                # It may be shared, and older than what the reader has heard from another instance of the catalog.
                snapshot = await self._snapshots.take(None, instead_of=snapshot)
            if not snapshot.position.covers(resume):
                resume = None
        if resume is not None and (missed := self._feed.since(resume)) is not None:
            return resume, missed, None
        while snapshot is None or (missed := self._feed.since(snapshot.position)) is None:
            snapshot = await self._snapshots.take(wish.user_id, instead_of=snapshot)
        return snapshot.position, missed, snapshot

    async def _follow(
        self, reader: "_Reader", position: Position, wish: StreamRequest
    ) -> AsyncIterator[bytes]:
        every_s = _REPORT_S if wish.reports else self._heartbeat_s
        clock = asyncio.get_running_loop().time
        due = clock()
        while not reader.too_slow:
            if reader.ended:
                return
            if portion := reader.portion(position, wish.user_id):
                yield portion
            if clock() >= due:
                yield await self._sign_of_life(reports=wish.reports)
                due = clock() + every_s
            if await reader.more(until=due):
                await asyncio.sleep(_PACE_S * self._open)
        yield _event("cut-off", b'{"reason":"too slow: reconnect with Last-Event-ID"}', None)

    async def _sign_of_life(self, *, reports: bool) -> bytes:
        if reports:
            return _event("report", await self._report(), None)
        return _event("heartbeat", b'{"lag_ms":%d}' % self._lag_ms(), None)


class _Reader:
    """What one stream has still to tell: first what was missed, then what it hears."""

    def __init__(self, feed: Feed, *, max_behind: int) -> None:
        self._max_behind = max_behind
        self.too_slow = False
        self.ended = False
        self._feed = feed
        self._missed: deque[Published] = deque()
        self._heard: deque[Published] = deque()
        self._arrived = asyncio.Event()

    def follow(self, missed: Iterable[Published]) -> None:
        """Hear everything from now on; `missed` comes before it."""
        self._missed.extend(missed)
        self._feed.subscribe(self.hear)
        self._arrived.set()

    def hear(self, published: Published) -> None:
        """The next change; a reader too far behind hears no more."""
        self._heard.append(published)
        self._arrived.set()
        if len(self._heard) > self._max_behind:
            self.too_slow = True
            self._feed.unsubscribe(self.hear)

    def end(self) -> None:
        """Tell nothing more."""
        self.ended = True
        self._arrived.set()

    async def more(self, *, until: float) -> bool:
        """Wait for something to tell; False when there was nothing until that time of the loop's clock."""
        if not (self._missed or self._heard or self.ended):
            self._arrived.clear()
            try:
                async with asyncio.timeout_at(until):
                    await self._arrived.wait()
            except TimeoutError:
                return False
        return True

    def portion(self, position: Position, user_id: str | None) -> bytes:
        """The next changes as events, at most `_PORTION` of them; moves `position` along."""
        events: list[bytes] = []
        while len(events) < _PORTION and (self._missed or self._heard):
            published = (self._missed or self._heard).popleft()
            change = published.change
            if not position.advance(change.partition, change.offset + 1):
                continue  # it was in the snapshot
            if user_id is None or change.user_id == user_id:
                events.append(_event(change.partition[0].removesuffix("s"), published.data, position))
                published.sent()
        return b"".join(events)


def _event(name: str, data: bytes, position: Position | None) -> bytes:
    head = f"event: {name}\ndata: ".encode()
    at = str(position or "")  # before the sink has begun there is no position, and no id
    return (f"id: {at}\n".encode() if at else b"") + head + data + b"\n\n"
