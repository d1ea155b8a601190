"""How old the read model's picture is at most."""

import time
from collections.abc import Callable
from typing import Protocol

_SILENCE_MS = 3_000


class PendingChanges(Protocol):
    """The changes that are in Kafka and not yet visible."""

    def oldest_pending_ms(self) -> int | None:
        """Commit time of the oldest, in milliseconds since 1970; None if there is none."""
        ...


class KafkaReading(Protocol):
    """How far the topics have been read."""

    @property
    def caught_up(self) -> bool:
        """Everything that was in Kafka when it was last asked has been read."""
        ...

    @property
    def heard_ms(self) -> int | None:
        """When Kafka last answered; None if it never has."""
        ...


class Listening(Protocol):
    """Whether the sink's commits are heard of."""

    listening: bool


class Freshness:
    """An upper bound in milliseconds, from what this process knows of Kafka and of the sink.

    0: everything in Kafka is visible. Otherwise the age of the oldest change that is not, as far as was looked; or, while
    Kafka or the read database says nothing, the time since this was last known.
    """

    def __init__(
        self,
        *,
        changes: PendingChanges,
        reading: KafkaReading,
        listener: Listening,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Counts from now on; `clock` gives seconds since 1970."""
        self._changes = changes
        self._reading = reading
        self._listener = listener
        self._clock = clock
        self._known_ms = int(clock() * 1000)

    def lag_ms(self) -> int:
        """The bound at this moment."""
        now_ms = int(self._clock() * 1000)
        heard_ms = self._reading.heard_ms
        told = self._listener.listening and heard_ms is not None and now_ms - heard_ms < _SILENCE_MS
        if told and self._reading.caught_up:
            self._known_ms = now_ms
        oldest_ms = self._changes.oldest_pending_ms()
        return max(0, now_ms - min(self._known_ms, self._known_ms if oldest_ms is None else oldest_ms))
