"""The feed: every change once, in the order in which it became visible in the read database.

Two sources meet here. The topic reader reads the changes from Kafka; the sink's notifications say up to which offset they are
committed in the read database. A change is published when both have happened, so nobody hears of what a query would
not find. Single-threaded: every method runs in the event loop and none awaits.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import msgspec

from catalog_service import telemetry
from catalog_service.changefeed.change import FOREIGN_INSTANCE, Change
from catalog_service.changefeed.position import Partition, Position
from catalog_service.monitoring.latency import (
    LEGS,
    LatencyBreakdown,
    LatencyStatistics,
    latency_breakdown,
)

_MAX_PENDING = 5_000  # per partition
_MAX_PENDING_BYTES = 8 << 20  # per partition
_MAX_MEMORY_BYTES = 64 << 20
_MAX_VERSIONS = 100_000  # aggregates whose newest version is remembered, the latest told
_ADVANCES = 500  # commits of the sink remembered per partition, for changes read later than the sink


@dataclass(frozen=True, slots=True)
class _Advance:
    next_offset: int
    taken_ms: int | None
    visible_ms: int


@dataclass(slots=True)
class Published:
    """A visible change, and the data of its event: made once, however many streams carry it.

    Its `journey` is null for a change that was there before this process watched. `sent` to the first stream, it is
    part of its trace.
    """

    change: Change
    data: bytes
    is_sent: bool = False

    def sent(self) -> None:
        """An event of it goes to a stream."""
        if self.change.trace and not self.is_sent:
            self.is_sent = True
            topic = self.change.partition[0]
            telemetry.record(
                f"event {topic}", parent=self.change.trace, began_ns=time.time_ns(), kind="producer"
            )


Listener = Callable[[Published], None]


class Feed:
    """Joins records and visibility, remembers the last `memory` changes (at most 64 MiB) for streams that resume.

    A product's first instance is its instance for good, as in the read database: a change that names another one is
    passed over and counted through `unreadable(topic, reason)`.

    The relay publishes at least once: a version that was told, or is older than one that was, is passed over, as the sink
    passes over its row.
    """

    def __init__(
        self,
        *,
        memory: int = 20_000,
        unreadable: Callable[[str, str], None] = lambda _topic, _reason: None,
        visible: Callable[[LatencyBreakdown, str], None] = lambda _made, _trace: None,
    ) -> None:
        """Starts empty; every partition has to `begin` before its first change. `visible` is told each change's way and trace."""
        self._visible_in = visible
        self.latencies = LatencyStatistics()
        self.published = 0
        self._visible = Position()
        self._advances: dict[Partition, deque[_Advance]] = {}
        self._pending: dict[Partition, deque[Change]] = {}
        self._pending_bytes: dict[Partition, int] = {}
        self._live_from: dict[Partition, int] = {}
        self._memory: deque[Published] = deque()
        self._memory_bytes = 0
        self._max_memory = memory
        self._begins = Position()
        self._listeners: set[Listener] = set()
        self._unreadable = unreadable
        self._instances: dict[str, str] = {}
        self._versions: dict[tuple[str, str], int] = {}

    def begin(self, partition: Partition, *, first: int, end: int) -> None:
        """The reader reads `partition` from offset `first`; what lies before `end` was there before it watched."""
        self._pending[partition] = deque()
        self._pending_bytes[partition] = 0
        self._live_from[partition] = end
        self._begins.advance(partition, first)

    def seen(self, change: Change) -> None:
        """A record of Kafka; offsets of a partition come in order."""
        if change.offset < self._visible.next_offset(change.partition):
            self._publish(change)
        else:
            self._pending[change.partition].append(change)
            self._pending_bytes[change.partition] += len(change.body)

    def applied(self, offsets: Mapping[Partition, int], *, taken_ms: int | None, visible_ms: int) -> None:
        """The sink has committed: everything before these next offsets is visible."""
        for partition, next_offset in offsets.items():
            if not self._visible.advance(partition, next_offset):
                continue
            advances = self._advances.setdefault(partition, deque(maxlen=_ADVANCES))
            advances.append(_Advance(next_offset, taken_ms, visible_ms))
            pending = self._pending.get(partition)
            while pending and pending[0].offset < next_offset:
                change = pending.popleft()
                self._pending_bytes[partition] -= len(change.body)
                self._publish(change)

    def know_instances(self, instances: Mapping[str, str]) -> None:
        """The instance of each product that is in the read database already."""
        self._instances |= instances

    def wants(self, partition: Partition) -> bool:
        """There is room for more records that wait for the sink; while there is none, the reader pauses the partition."""
        waiting, size = len(self._pending.get(partition, ())), self._pending_bytes.get(partition, 0)
        return waiting < _MAX_PENDING and size < _MAX_PENDING_BYTES

    def visible_offset(self, partition: Partition) -> int:
        """The next offset the sink will apply."""
        return self._visible.next_offset(partition)

    def oldest_pending_ms(self) -> int | None:
        """Commit time of the oldest change that is in Kafka and not yet visible."""
        return min((pending[0].committed_ms for pending in self._pending.values() if pending), default=None)

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` with every change from now on."""
        self._listeners.add(listener)

    def unsubscribe(self, listener: Listener) -> None:
        """Call it no more."""
        self._listeners.discard(listener)

    @property
    def is_followed(self) -> bool:
        """Somebody hears of every change."""
        return bool(self._listeners)

    def has_reached(self, position: Position) -> bool:
        """Everything before `position` is visible; what names a topic or an offset there has never been is not."""
        return self._visible.covers(position)

    def since(self, position: Position) -> Iterable[Published] | None:
        """What was published after `position`, or None when that is longer ago than the feed remembers."""
        if not position.covers(self._begins):
            return None
        return [
            each for each in self._memory if each.change.offset >= position.next_offset(each.change.partition)
        ]

    def _publish(self, change: Change) -> None:
        if change.product is not None:
            product_id, instance = change.product
            if self._instances.setdefault(product_id, instance) != instance:
                self._unreadable(change.partition[0], FOREIGN_INSTANCE)
                return
        if self._is_repeat(change):
            return
        made = self._latency(change)
        if made is not None:
            self.published += 1
        published = Published(change, _data(change, made))
        self._remember(published)
        for listener in tuple(self._listeners):
            listener(published)

    def _is_repeat(self, change: Change) -> bool:
        name = (change.partition[0], change.key)
        told = self._versions.pop(name, 0)
        # Put behind all others: what was told longest ago is forgotten first.
        self._versions[name] = max(told, change.version)
        if len(self._versions) > _MAX_VERSIONS:
            del self._versions[next(iter(self._versions))]
        return change.version <= told

    def _remember(self, published: Published) -> None:
        self._memory.append(published)
        self._memory_bytes += len(published.data)
        while len(self._memory) > self._max_memory or self._memory_bytes > _MAX_MEMORY_BYTES:
            forgotten = self._memory.popleft()
            self._memory_bytes -= len(forgotten.data)
            self._begins.advance(forgotten.change.partition, forgotten.change.offset + 1)

    def _latency(self, change: Change) -> LatencyBreakdown | None:
        if change.offset < self._live_from[change.partition]:
            return None
        passed = next(each for each in self._advances[change.partition] if each.next_offset > change.offset)
        made = latency_breakdown(change, taken_ms=passed.taken_ms, visible_ms=passed.visible_ms)
        self.latencies.add(made, visible_ms=passed.visible_ms)
        self._visible_in(made, change.trace)
        if change.trace:
            _record_visible(change, made, visible_ms=passed.visible_ms)
        return made


def _record_visible(change: Change, made: LatencyBreakdown, *, visible_ms: int) -> None:
    """The whole way of a change, from its commit in the write database until a query finds it, and its legs."""
    topic, partition = change.partition
    legs = {name: getattr(made, name) for name in LEGS}
    telemetry.record(
        f"visible {topic}",
        parent=change.trace,
        # A record may name any time; spans have none before 1970, and none that is still to come.
        began_ns=min(max(change.committed_ms, 0), visible_ms) * 1_000_000,
        ended_ns=visible_ms * 1_000_000,
        attributes={
            "messaging.destination.name": topic,
            "messaging.destination.partition.id": str(partition),
            "messaging.kafka.offset": change.offset,
            **{f"sync.{leg}_seconds": ms / 1000 for leg, ms in legs.items() if ms is not None},
        },
    )


def _data(change: Change, made: LatencyBreakdown | None) -> bytes:
    topic, partition = change.partition
    return msgspec.json.encode(
        {
            "kind": change.kind,
            "topic": topic,
            "partition": partition,
            "offset": change.offset,
            "journey": made,
            topic.removesuffix("s"): msgspec.Raw(change.body),
        }
    )
