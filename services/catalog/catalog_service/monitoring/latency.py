"""How long the way from a commit to its visibility takes, leg by leg."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

LEGS = ("relay", "kafka", "take", "apply", "total")
_WINDOW = 2_000


class Timed(Protocol):
    """A change with its times, in milliseconds since 1970: committed, handed to the producer, read from Kafka."""

    @property
    def committed_ms(self) -> int:
        """In the write database."""
        ...

    @property
    def relayed_ms(self) -> int:
        """The record's own time."""
        ...

    @property
    def seen_ms(self) -> int:
        """By this service."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyBreakdown:
    """Milliseconds each leg of one change took.

    `relay`: commit in the write database → handed to the producer. `kafka`: → readable by consumers (seen by an
    independent one, this service). `take`: → taken by the sink's worker. `apply`: → committed in the read database.
    The two last are told apart only when the sink says when it took the batch; otherwise `take` is None and `apply`
    holds both.
    """

    relay: int
    kafka: int
    take: int | None
    apply: int
    total: int


def latency_breakdown(change: Timed, *, taken_ms: int | None, visible_ms: int) -> LatencyBreakdown:
    """The parts of one change's way. Clocks of several machines disagree by a little: no part is shorter than nothing."""
    relayed = max(change.committed_ms, change.relayed_ms)
    taken = max(relayed, taken_ms) if taken_ms is not None else None
    in_kafka = max(relayed, min(change.seen_ms, visible_ms if taken is None else taken))
    visible = max(visible_ms, taken or in_kafka)
    return LatencyBreakdown(
        relay=relayed - change.committed_ms,
        kafka=in_kafka - relayed,
        take=None if taken is None else taken - in_kafka,
        apply=visible - (in_kafka if taken is None else taken),
        total=visible - change.committed_ms,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Percentiles:
    """Percentiles of one leg in milliseconds over the last `count` changes."""

    count: int
    p50: int
    p95: int
    p99: int


class LatencyStatistics:
    """The last changes' latencies: at most 2,000 of them, none older than `horizon_ms`."""

    def __init__(self, *, horizon_ms: int = 60_000) -> None:
        """Starts empty."""
        self._horizon_ms = horizon_ms
        self._latencies: deque[tuple[int, LatencyBreakdown]] = deque(maxlen=_WINDOW)

    def add(self, made: LatencyBreakdown, *, visible_ms: int) -> None:
        """Count one more."""
        self._latencies.append((visible_ms, made))

    def figures(self, *, now_ms: int) -> dict[str, Percentiles | None]:
        """Percentiles per leg; None for a leg nothing is known of."""
        while self._latencies and self._latencies[0][0] < now_ms - self._horizon_ms:
            self._latencies.popleft()
        found: dict[str, Percentiles | None] = {}
        for leg in LEGS:
            times = sorted(time for _, made in self._latencies if (time := getattr(made, leg)) is not None)
            found[leg] = _figures(times)
        return found


def _figures(times: Sequence[int]) -> Percentiles | None:
    if not times:
        return None
    p50, p95, p99 = (times[min(len(times) - 1, len(times) * share // 100)] for share in (50, 95, 99))
    return Percentiles(count=len(times), p50=p50, p95=p95, p99=p99)
