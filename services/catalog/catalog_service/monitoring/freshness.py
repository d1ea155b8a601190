"""How old the read model's picture is at most."""

import time
from collections.abc import Callable

from catalog_service.changefeed.feed import Feed
from catalog_service.changefeed.notification_listener import NotificationListener
from catalog_service.changefeed.topic_reader import TopicReader

_SILENCE_MS = 3_000


class Freshness:
    """An upper bound in milliseconds, from what this process knows of Kafka and of the sink.

    0: everything in Kafka is visible. Otherwise the age of the oldest change that is not; or, while Kafka or the read
    database says nothing, the time since this was last known.
    """

    def __init__(
        self,
        *,
        feed: Feed,
        tap: TopicReader,
        notices: NotificationListener,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._feed = feed
        self._tap = tap
        self._notices = notices
        self._clock = clock
        self._known_ms = int(clock() * 1000)

    def lag_ms(self) -> int:
        """The bound at this moment."""
        now_ms = int(self._clock() * 1000)
        heard_ms = self._tap.heard_ms
        told = self._notices.listening and heard_ms is not None and now_ms - heard_ms < _SILENCE_MS
        if told and self._tap.caught_up:
            self._known_ms = now_ms
        oldest_ms = self._feed.oldest_pending_ms()
        return max(0, now_ms - min(self._known_ms, self._known_ms if oldest_ms is None else oldest_ms))
