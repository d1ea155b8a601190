"""Which topics a consumer reads."""

from dataclasses import dataclass

import structlog

from sink_connector.config.patterns import BoundedPattern, PatternTimeoutError

MOST_TIMEOUTS = 10

log = structlog.get_logger()


@dataclass(slots=True)
class WholeName:
    """A pattern as aiokafka asks it: it is content with a beginning, Connect is not."""

    allowed: BoundedPattern
    timeouts: int = 0

    def match(self, topic: str) -> object:
        """Whether the topic is to be read. One over which the pattern takes too long is not."""
        if self.timeouts > MOST_TIMEOUTS:  # it is asked of every topic of the cluster
            return None
        try:
            return self.allowed.fullmatch(topic)
        except PatternTimeoutError as error:
            self.timeouts += 1
            log.warning("topic.match_failed", topic=topic, error=str(error))
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """Which topics a consumer reads: those named, or those that a pattern matches as a whole."""

    topics: tuple[str, ...] = ()
    pattern: BoundedPattern | None = None

    def has(self, topic: str) -> bool:
        """Whether a topic is among them."""
        return topic in self.topics or (
            self.pattern is not None and WholeName(self.pattern).match(topic) is not None
        )
