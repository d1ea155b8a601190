"""The predicates, and a transform under one."""

from dataclasses import dataclass

from sink_connector.config.patterns import BoundedPattern
from sink_connector.data.lru import LruCache
from sink_connector.data.record import Record
from sink_connector.transforms import Predicate, Transform
from sink_connector.transforms.options import Options, option

MOST_TOPICS = 1000  # of which it is remembered whether they match


class TopicNameMatches:
    """The pattern matches the whole topic."""

    OPTIONS = (option("pattern", "Java regular expression for the topic.", required=True),)

    def __init__(self, options: Options) -> None:
        """Read the options; what is wrong with them is noted in them."""
        self._pattern = options.parsed("pattern", BoundedPattern.compile)
        self._known: LruCache[str, bool] = LruCache(MOST_TOPICS)
        if options.text("pattern") == "":
            options.problem("pattern", "must not be empty")

    def test(self, record: Record) -> bool:
        """Whether the predicate holds for the record."""
        known = self._known.get(record.topic)
        if known is None:
            matches = self._pattern is not None and self._pattern.fullmatch(record.topic) is not None
            known = self._known.put(record.topic, matches)
        return known


class HasHeaderKey:
    """At least one header has the name."""

    OPTIONS = (option("name", "The header's name.", required=True),)

    def __init__(self, options: Options) -> None:
        """Read the options; what is wrong with them is noted in them."""
        self._name = options.word("name")
        if options.text("name") == "":
            options.problem("name", "must not be empty")

    def test(self, record: Record) -> bool:
        """Whether the predicate holds for the record."""
        return any(header.key == self._name for header in record.headers)


class RecordIsTombstone:
    """The value is null."""

    OPTIONS = ()

    def __init__(self, options: Options) -> None:
        """No options."""

    def test(self, record: Record) -> bool:
        """Whether the predicate holds for the record."""
        return record.value is None


@dataclass(frozen=True, slots=True)
class Conditional:
    """A transform that sees only the records for which the predicate says `wanted`."""

    predicate: Predicate
    wanted: bool
    inner: Transform

    def apply(self, record: Record) -> Record | None:
        """The record as it is afterwards, None when it is dropped. Raises `BadRecordError` for one that it cannot handle."""
        return self.inner.apply(record) if self.predicate.test(record) is self.wanted else record
