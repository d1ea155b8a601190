"""The predicates, and a transform under one."""

from collections.abc import Sequence
from dataclasses import dataclass

from sink_connector.config.patterns import BoundedPattern
from sink_connector.data.lru import LruCache
from sink_connector.data.record import Record
from sink_connector.transforms import Predicate, Transform
from sink_connector.transforms.columns import ColumnTransform, ValueColumns
from sink_connector.transforms.options import Options, option
from sink_connector.transforms.routers import Filter

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
        return self._matches(record.topic)

    def test_all(self, values: ValueColumns) -> Sequence[bool]:
        """See `Predicate`."""
        return [self._matches(values.topic)] * len(values.read)

    def _matches(self, topic: str) -> bool:
        known = self._known.get(topic)
        if known is None:
            matches = self._pattern is not None and self._pattern.fullmatch(topic) is not None
            known = self._known.put(topic, matches)
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

    def test_all(self, values: ValueColumns) -> Sequence[bool]:
        """See `Predicate`."""
        return [self._name in [name for name, _ in record.headers] for record in values.read.records]


class RecordIsTombstone:
    """The value is null."""

    OPTIONS = ()

    def __init__(self, options: Options) -> None:
        """No options."""

    def test(self, record: Record) -> bool:
        """Whether the predicate holds for the record."""
        return record.value is None

    def test_all(self, values: ValueColumns) -> Sequence[bool]:
        """See `Predicate`; a column of values has no null."""
        return [False] * len(values.read)


@dataclass(frozen=True, slots=True)
class Conditional:
    """A transform that sees only the records for which the predicate says `wanted`."""

    predicate: Predicate
    wanted: bool
    inner: Transform

    def apply(self, record: Record) -> Record | None:
        """The record as it is afterwards, None when it is dropped. Raises `BadRecordError` for one that it cannot handle."""
        return self.inner.apply(record) if self.predicate.test(record) is self.wanted else record

    def apply_all(self, values: ValueColumns) -> ValueColumns | None:
        """See `ColumnTransform`. Of what holds for some only, no more than dropping is done for all at once."""
        holds = self.predicate.test_all(values)
        if self.wanted not in holds:
            return values
        if isinstance(self.inner, Filter):
            return values.where([each is not self.wanted for each in holds])
        all_hold = (not self.wanted) not in holds
        return self.inner.apply_all(values) if all_hold and isinstance(self.inner, ColumnTransform) else None
