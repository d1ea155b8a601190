"""A connector's configuration as typed values, and the rules by which its keys contradict each other."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sink_connector.config import definition
from sink_connector.config.connection import Connection, parse_connection
from sink_connector.config.providers import UnresolvedError, resolve
from sink_connector.config.reader import Reader
from sink_connector.errors import ConfigError
from sink_connector.transforms.java.regex import compile_regex


class InsertMode(Enum):
    INSERT = "insert"
    UPSERT = "upsert"
    UPDATE = "update"
    MULTI = "multi"


class PkMode(Enum):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorsConfig:
    tolerant: bool = False
    log: bool = False
    log_messages: bool = False
    retry_delay_max_ms: int = 60_000
    retry_timeout_ms: int = 0
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
    auto_create: bool = False
    auto_evolve: bool = False
    name_format: str = "${topic}"
    name_mapping: Mapping[str, str] = field(default_factory=dict)
    name_normalize: bool = False
    fold_names: bool = False
    dots_to_underscores: bool = False  # of a topic, before it becomes a table's name: Debezium's way
    include: frozenset[str] = frozenset()
    exclude: frozenset[str] = frozenset()
    version_field: str = ""
    identifiers_allow: re.Pattern[str] = re.compile(definition.BY_NAME["identifiers.allow"].default or "")

    def column_name(self, field: str) -> str:
        """The column a field goes to."""
        return field.lower() if self.fold_names else field


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorConfig:
    """All of a connector's configuration. `given` is as it was written; `resolved` has our spelling of the keys, defaults
    left out, and its references replaced: it holds secrets."""

    name: str
    given: Mapping[str, str]
    resolved: Mapping[str, str] = field(repr=False)
    topics: tuple[str, ...]
    topics_regex: re.Pattern[str] | None
    tasks_max: int
    key_converter: ConverterConfig
    value_converter: ConverterConfig
    connection: Connection
    table: TableConfig
    errors: ErrorsConfig
    consumer: Mapping[str, str]
    producer: Mapping[str, str]
    batch_size: int
    retry_backoff_ms: int
    max_retries: int
    command_timeout_ms: int
    linger_ms: int
    timezone: str
    notify_channel: str
    projections: Mapping[str, str]

    @property
    def group_id(self) -> str:
        """Connect's own name for it, so that a group's committed offsets are found when its JVM worker is replaced."""
        return self.consumer.get("group.id", f"connect-{self.name}")

    def reads(self, topic: str) -> bool:
        """Whether a topic, if there is one of that name, is among those to read."""
        matches = self.topics_regex is not None and self.topics_regex.fullmatch(topic) is not None
        return matches or topic in self.topics


def parse_connector(given: Mapping[str, str]) -> ConnectorConfig:
    """Read a connector's configuration: aliases, defaults, references, contradictions.

    Raises `ConfigError` with every problem of every key. Keys nobody knows are no problem; see `unknown_keys`.
    """
    reader = Reader(_canonical(given))
    _resolve_references(reader)
    config = ConnectorConfig(
        name=reader.text("name"),
        given=dict(given),
        resolved=reader.values,
        topics=reader.words("topics"),
        topics_regex=reader.pattern("topics.regex", compiled=compile_regex),
        tasks_max=reader.number("tasks.max", least=1),
        key_converter=_converter(reader, "key.converter"),
        value_converter=_converter(reader, "value.converter"),
        connection=_connection(reader),
        table=_table(reader),
        errors=ErrorsConfig(
            tolerant=reader.text("errors.tolerance") == "all",
            log=reader.flag("errors.log.enable"),
            log_messages=reader.flag("errors.log.include.messages"),
            retry_delay_max_ms=reader.number("errors.retry.delay.max.ms", least=1),
            retry_timeout_ms=reader.number("errors.retry.timeout", least=-1),
            dead_letter_topic=reader.text("errors.deadletterqueue.topic.name"),
            dead_letter_replication=reader.number("errors.deadletterqueue.topic.replication.factor", least=1),
            dead_letter_headers=reader.flag("errors.deadletterqueue.context.headers.enable"),
        ),
        consumer=reader.family("consumer.override."),
        producer=reader.family("producer.override."),
        batch_size=reader.number("batch.size", least=1),
        retry_backoff_ms=reader.number("retry.backoff.ms"),
        max_retries=reader.number("max.retries"),
        command_timeout_ms=reader.number("command.timeout.ms", least=1),
        linger_ms=reader.number("linger.ms"),
        timezone=_timezone(reader),
        notify_channel=reader.text("notify.channel"),
        projections=_projections(reader),
    )
    _contradictions(config, reader)
    if reader.problems:
        raise ConfigError(reader.problems)
    return config


def unknown_keys(given: Mapping[str, str]) -> list[str]:
    """The keys that mean nothing here; worth a warning, because a misspelt key is silently its default."""
    return sorted(
        name
        for name in given
        if name not in definition.BY_NAME
        and name not in definition.ALIASES
        and not name.startswith(definition.PREFIXES)
    )


def _canonical(given: Mapping[str, str]) -> dict[str, str]:
    """The same configuration in our spelling; a key given in ours goes before one given in another's."""
    own = {name: str(value) for name, value in given.items() if name not in definition.ALIASES}
    others = {
        definition.ALIASES[name]: str(value) for name, value in given.items() if name in definition.ALIASES
    }
    values = others | own
    if values.pop("schema.evolution", "none").lower() == "basic":
        values = {"auto.create": "true", "auto.evolve": "true"} | values
    return values


def _resolve_references(reader: Reader) -> None:
    for name, value in reader.values.items():
        try:
            reader.values[name] = resolve(value)
        except UnresolvedError as error:
            reader.problem(name, str(error))


def _converter(reader: Reader, name: str) -> ConverterConfig:
    return ConverterConfig(class_name=reader.text(name), options=reader.family(f"{name}."))


def _connection(reader: Reader) -> Connection:
    user, password, url = (reader.text(f"connection.{part}") for part in ("user", "password", "url"))
    try:
        return parse_connection(url, user=user, password=password)
    except ValueError as error:
        if url:
            reader.problem("connection.url", str(error))
        return Connection(dsn="")


def _table(reader: Reader) -> TableConfig:
    mapping = dict(pair.rpartition(":")[::2] for pair in reader.words("topics.to.tables.mapping"))
    if "" in mapping:
        reader.problem("topics.to.tables.mapping", "is a list of topic:table pairs")
    return TableConfig(
        insert_mode=reader.choice(InsertMode, "insert.mode"),
        pk_mode=reader.choice(PkMode, "pk.mode"),
        pk_fields=reader.words("pk.fields"),
        delete_enabled=reader.flag("delete.enabled"),
        auto_create=reader.flag("auto.create"),
        auto_evolve=reader.flag("auto.evolve"),
        name_format=reader.text("table.name.format"),
        name_mapping=mapping,
        name_normalize=reader.flag("table.name.normalize"),
        fold_names=reader.text("quote.sql.identifiers") == "never",
        dots_to_underscores=reader.text("connector.class") == definition.DEBEZIUM_CLASS,
        include=frozenset(reader.words("fields.whitelist")),
        exclude=frozenset(reader.words("field.exclude.list")),
        version_field=reader.text("version.field"),
        identifiers_allow=reader.pattern("identifiers.allow") or re.compile(""),
    )


def _timezone(reader: Reader) -> str:
    name = reader.text("db.timezone")
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        reader.problem("db.timezone", f"{name!r} is not the name of a time zone")
    return name


def _projections(reader: Reader) -> dict[str, str]:
    found = {}
    for name in reader.words("projections"):
        sql = reader.values.get(f"projection.{name}.sql", "").strip()
        if not sql:
            reader.problem("projections", f"names {name!r}, but projection.{name}.sql is missing")
        found[name] = sql
    return found


def _contradictions(config: ConnectorConfig, reader: Reader) -> None:
    """Pairs of keys that cannot both be meant; each problem names both."""
    table = config.table
    keyed = table.insert_mode in {InsertMode.UPSERT, InsertMode.UPDATE}
    pairs: tuple[tuple[bool, str, str], ...] = (
        (
            bool(config.topics) and config.topics_regex is not None,
            "topics",
            "and topics.regex are both given, one must go",
        ),
        (not config.topics and config.topics_regex is None, "topics", "or topics.regex is required"),
        (
            keyed and table.pk_mode is PkMode.NONE,
            "pk.mode",
            f"is none, but insert.mode={table.insert_mode.value} needs a key",
        ),
        (
            table.delete_enabled and table.pk_mode is not PkMode.RECORD_KEY,
            "delete.enabled",
            f"is true, but pk.mode is {table.pk_mode.value}: a tombstone has only its key, so it must be record_key",
        ),
        (
            bool(table.version_field) and not keyed,
            "version.field",
            f"is set, but insert.mode={table.insert_mode.value} never overwrites a row",
        ),
        (
            table.pk_mode is PkMode.RECORD_HEADER and not table.pk_fields,
            "pk.fields",
            "is empty, but pk.mode=record_header must name the headers",
        ),
        (
            table.pk_mode is PkMode.KAFKA and len(table.pk_fields) not in {0, 3},
            "pk.fields",
            "must name three columns (topic, partition, offset) or none with pk.mode=kafka",
        ),
        (
            bool(table.include and table.exclude),
            "fields.whitelist",
            "and field.exclude.list are both given, one must go",
        ),
        (
            bool(config.errors.dead_letter_topic) and config.reads(config.errors.dead_letter_topic),
            "topics.regex" if config.topics_regex else "topics",
            "and errors.deadletterqueue.topic.name have a topic in common: bad records would come back for ever",
        ),
    )
    for wrong, key, problem in pairs:
        if wrong:
            reader.problem(key, problem)
