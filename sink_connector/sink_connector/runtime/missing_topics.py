"""Topics that a consumer reads by name and its brokers do not know yet."""

from collections.abc import Callable, Iterable

import structlog
from aiokafka import AIOKafkaConsumer

FIRST_S, MOST_S = 0.5, 30.0

log = structlog.get_logger()


class MissingTopics:
    """Asks the brokers for them anew, sooner than aiokafka does, which waits for `metadata.max.age.ms`.

    A topic that is made is known to one broker before it is to the next, and a connector may be there before its topic
    is. The pauses double, so that a topic is read after at most twice the time that it was late by, and `MOST_S`.
    """

    def __init__(
        self, consumer: AIOKafkaConsumer, topics: Iterable[str], *, monotonic: Callable[[], float]
    ) -> None:
        self._consumer = consumer
        self._topics = tuple(topics)
        self._monotonic = monotonic
        self._pause_s = FIRST_S
        self._next: float | None = None  # None while none is missing

    def look(self) -> None:
        """Ask if one is missing and the pause is over; nobody waits for the answer, which has the group deal out anew."""
        missing = [each for each in self._topics if not self._consumer.partitions_for_topic(each)]
        now = self._monotonic()
        if not missing:
            self._next, self._pause_s = None, FIRST_S
        elif self._next is None:  # also at the start, before the brokers have been asked at all
            self._next = now + self._pause_s
        elif now >= self._next:
            if self._pause_s == FIRST_S:
                log.warning("topics.missing", topics=missing)
            self._pause_s = min(2 * self._pause_s, MOST_S)
            self._next = now + self._pause_s
            self._consumer._client.force_metadata_update()  # noqa: SLF001 - aiokafka keeps it to itself
