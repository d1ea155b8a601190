"""A connector's configuration as typed values; `parser` reads them out of the file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import partial

from sink_connector.config import definition
from sink_connector.config.connection import Connection
from sink_connector.config.patterns import BoundedPattern
from sink_connector.config.redaction import Redactor

DEBEZIUM = "io.debezium.connector.jdbc."


class InsertMode(Enum):
    """How a row is written."""

    INSERT = "insert"
    UPSERT = "upsert"
    UPDATE = "update"
    MULTI = "multi"
    IGNORE = "ignore"


class PkMode(Enum):
    """Where the key of a row comes from."""

    NONE = "none"
    KAFKA = "kafka"
    RECORD_KEY = "record_key"
    RECORD_VALUE = "record_value"
    RECORD_HEADER = "record_header"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConverterConfig:
    """A converter's class, as written, and its own options without their prefix."""

    class_name: str
    options: Mapping[str, str] = field(default_factory=dict)
    replace_null_with_default: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorsConfig:
    """What happens to records and transactions that fail. A `retry_timeout_ms` of -1 is without end."""

    tolerant: bool = False
    log: bool = False
    log_messages: bool = False
    retry_timeout_ms: int = 0
    retry_delay_max_ms: int = 60_000
    dead_letter_topic: str = ""
    dead_letter_replication: int = 3
    dead_letter_headers: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TableConfig:
    """How records become rows of tables."""

    insert_mode: InsertMode = InsertMode.INSERT
    pk_mode: PkMode = PkMode.NONE
    pk_fields: tuple[str, ...] = ()
    delete_enabled: bool = False
    truncate_enabled: bool = False
    unavailable: str = definition.UNAVAILABLE
    auto_create: bool = False
    auto_evolve: bool = False
    nested_type: str = "jsonb"
    name_format: str = "${topic}"
    name_mapping: Mapping[str, str] = field(default_factory=dict)
    name_normalize: bool = False
    record_table_field: str = ""
    record_table_header: str = ""
    fold_names: bool = False
    dots_to_underscores: bool = False  # of a topic, before it becomes a table's name: Debezium's way
    include: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()
    version_field: str = ""
    identifiers_allow: BoundedPattern = field(
        default_factory=partial(BoundedPattern.compile, definition.ANY_VISIBLE)
    )

    @property
    def is_named_by_source(self) -> bool:
        """Whether the source of a change event is part of its table's name."""
        return definition.SOURCE_FIELD.search(self.name_format) is not None

    @property
    def is_named_by_record(self) -> bool:
        """Whether the table's name comes from each record, so that what is wrong with it is wrong with the record."""
        return bool(self.record_table_field or self.record_table_header or self.is_named_by_source)

    def column_name(self, field: str) -> str:
        """The column a field goes to."""
        return field.lower() if self.fold_names else field


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorConfig:
    """All of a connector's configuration.

    `given` is as it was written; `resolved` has our spelling of the keys, defaults left out, and its references replaced: it
    holds secrets, which `redactor` takes out of texts.
    """

    name: str
    given: Mapping[str, str]
    resolved: Mapping[str, str] = field(repr=False)
    topics: tuple[str, ...]
    topics_regex: BoundedPattern | None
    tasks_max: int
    key_converter: ConverterConfig
    value_converter: ConverterConfig
    connection: Connection
    table: TableConfig
    errors: ErrorsConfig
    consumer: Mapping[str, str]
    batch_size: int
    retry_backoff_ms: int
    linger_ms: int
    timezone: str
    notify_channel: str
    persisted_topic: str
    projections: Mapping[str, str]
    max_retries: int = 10
    command_timeout_ms: int = 60_000
    redactor: Redactor = field(default_factory=Redactor, repr=False)

    @property
    def is_debeziums(self) -> bool:
        """Whether it is to do what Debezium's own sink does with change events: unwrap them."""
        return self.given.get("connector.class", "").startswith(DEBEZIUM)

    @property
    def group_id(self) -> str:
        """Connect's own name for it, so that a group's committed offsets are found when its JVM worker is replaced."""
        return self.consumer.get("group.id", f"connect-{self.name}")

    def reads(self, topic: str) -> bool:
        """Whether a topic, if there is one of that name, is among those to read. Raises `PatternTimeoutError`."""
        matches = self.topics_regex is not None and self.topics_regex.fullmatch(topic) is not None
        return matches or topic in self.topics


def warnings_of(config: ConnectorConfig) -> list[str]:
    """What of a usable configuration has no effect, although somebody may count on it."""
    found = [
        f"connection.url has the option {name}, which is not known" for name in config.connection.unknown
    ]
    if config.errors.dead_letter_topic and not config.errors.tolerant:
        found.append("errors.deadletterqueue.topic.name has no effect while errors.tolerance is none")
    if config.topics and not config.resolved.get("transforms", "").strip():  # which may change a topic's name
        found += [
            f"topics.to.tables.mapping has {topic}, which is none of topics"
            for topic in config.table.name_mapping
            if topic not in config.topics
        ]
    if config.table.truncate_enabled and not config.is_debeziums:
        found.append(
            "truncate.enabled has no effect without Debezium's connector.class: no record asks for it"
        )
    return found
