"""Transforms of the topic, which decides the table: RegexRouter and TimestampRouter. And Filter, which drops."""

from dataclasses import replace

from msgspec import structs

from sink_connector.config.definition import Importance
from sink_connector.config.patterns import BoundedPattern
from sink_connector.data.lru import LruCache
from sink_connector.data.record import Record
from sink_connector.transforms.columns import ValueColumns
from sink_connector.transforms.data import UnfitRecordError
from sink_connector.transforms.java.dates import DateFormat
from sink_connector.transforms.java.regex import compile_replacement
from sink_connector.transforms.options import Options, option

MOST_TOPICS = 1000  # whose routes are remembered


class RegexRouter:
    """A topic that the pattern matches as a whole gets the replacement for the pattern's first match in it."""

    OPTIONS = (
        option("regex", "Java regular expression for the topic.", required=True, importance=Importance.HIGH),
        option(
            "replacement", "New topic; $1 or ${name} is a group.", required=True, importance=Importance.HIGH
        ),
    )

    def __init__(self, options: Options) -> None:
        """Read the options; what is wrong with them is noted in them."""
        self._regex = options.parsed("regex", BoundedPattern.compile)
        self._replacement = compile_replacement(options.word("replacement"))
        self._routes: LruCache[str, str] = LruCache(MOST_TOPICS)

    def apply(self, record: Record) -> Record:
        """The record as it is afterwards, None when it is dropped. Raises `BadRecordError` for one that it cannot handle."""
        route = self._route(record.topic)
        return record if route == record.topic else structs.replace(record, topic=route)

    def apply_all(self, values: ValueColumns) -> ValueColumns:
        """See `ColumnTransform`."""
        return replace(values, topic=self._route(values.topic))

    def _route(self, topic: str) -> str:
        return self._routes.get(topic) or self._routes.put(topic, self._routed(topic))

    def _routed(self, topic: str) -> str:
        if self._regex is None or not self._regex.fullmatch(topic):
            return topic
        try:
            return self._regex.replace_first(self._replacement, topic)
        except ValueError as error:
            raise UnfitRecordError(f"RegexRouter: {error}") from error


class TimestampRouter:
    """The record's timestamp in its topic."""

    OPTIONS = (
        option(
            "topic.format", "New topic, with ${topic} and ${timestamp}.",
            default="${topic}-${timestamp}", importance=Importance.HIGH,
        ),
        option(
            "timestamp.format", "How the timestamp is written, in the letters of Java's SimpleDateFormat (UTC).",
            default="yyyyMMdd", importance=Importance.HIGH,
        ),
    )  # fmt: skip

    def __init__(self, options: Options) -> None:
        """Read the options; what is wrong with them is noted in them."""
        self._topic_format = options.word("topic.format")
        self._format = options.parsed("timestamp.format", DateFormat)

    def apply(self, record: Record) -> Record:
        """The record as it is afterwards, None when it is dropped. Raises `BadRecordError` for one that it cannot handle."""
        if record.timestamp is None or self._format is None:
            raise UnfitRecordError("TimestampRouter: the record has no timestamp")
        with_topic = self._topic_format.replace("${topic}", record.topic)
        return structs.replace(
            record, topic=with_topic.replace("${timestamp}", self._format.format(record.timestamp))
        )


class Filter:
    """Drops every record it sees; which ones it sees is its predicate's to say."""

    OPTIONS = ()

    def __init__(self, options: Options) -> None:
        """No options."""

    def apply(self, record: Record) -> None:
        """Nothing is left of the record."""
