"""How far the copy is and how fast it comes: out of what was looked up, without looking anything up."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from auditor.observations import Log, Reader

_WINDOW_S = 5.0

Place = tuple[str, str, int]
"""Connector, topic, partition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyProgress:
    """How far one connector is: records copied and in all, records per second of late, and for how long there were none."""

    connector: str
    done: int
    total: int
    per_s: float
    still_s: float = 0.0
    """Since it last copied anything; 0 for one that has everything."""


@dataclass(slots=True)
class Pace:
    """Takes a look after the other; `readers` are the connectors as they were before they were copied."""

    readers: Sequence[Reader]
    caught_up: bool = False
    _before: tuple[Log, ...] | None = None
    _samples: dict[str, deque[tuple[float, int]]] = field(default_factory=dict)
    _moved: dict[str, tuple[int, float]] = field(default_factory=dict)
    """What each connector had copied when it last copied something, and when that was."""

    def look(self, logs: Iterable[Log], offsets: Mapping[Place, int], *, at_s: float) -> list[CopyProgress]:
        """How far each connector is. Caught up is who has what was there at the look before: more comes all the time."""
        seen = tuple(logs)
        if self._before is not None:
            self.caught_up = all(
                offsets.get((reader.name, log.topic, log.partition), log.first) >= log.end
                for reader in self.readers
                for log in self._before
                if log.topic == reader.topic
            )
        self._before = seen
        return [self._copy(reader, seen, offsets, at_s) for reader in self.readers]

    def _copy(
        self, reader: Reader, logs: Sequence[Log], offsets: Mapping[Place, int], at_s: float
    ) -> CopyProgress:
        own = [log for log in logs if log.topic == reader.topic]
        reached = {
            # nothing noted, or -1, "where the topic begins": nothing read
            log.partition: max(log.first, offsets.get((reader.name, log.topic, log.partition), log.first))
            for log in own
        }
        done = sum(reached[log.partition] - log.first for log in own)
        samples = self._samples.setdefault(reader.name, deque())
        samples.append((at_s, done))
        while at_s - samples[0][0] > _WINDOW_S:
            samples.popleft()
        then_s, then = samples[0]
        total = sum(max(log.end, reached[log.partition]) - log.first for log in own)
        if self._moved.get(reader.name, (-1, 0.0))[0] != done or done == total:
            self._moved[reader.name] = (done, at_s)
        return CopyProgress(
            connector=reader.name,
            done=done,
            total=total,
            still_s=at_s - self._moved[reader.name][1],
            per_s=(done - then) / (at_s - then_s) if at_s > then_s else 0.0,
        )
