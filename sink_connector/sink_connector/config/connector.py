"""A connector's configuration as typed values, and the rules by which its keys contradict each other."""

import difflib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sink_connector.config import definition
from sink_connector.config.connection import Connection, parse_connection
from sink_connector.config.patterns import BoundedPattern, PatternTimeoutError
from sink_connector.config.providers import ConfigProviders
from sink_connector.config.reader import Reader
from sink_connector.config.redaction import Redactor
from sink_connector.config.secrets import secrets_of
from sink_connector.errors import ConfigError

LONGEST_NAME = 255
DEBEZIUM = "io.debezium.connector.jdbc."
NOT_IN_NAMES = {"Cc", "Cs"}


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
    def is_named_by_record(self) -> bool:
        """Whether the table's name comes from each record, so that what is wrong with it is wrong with the record."""
        return bool(self.record_table_field or self.record_table_header)

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


def parse_connector(given: Mapping[str, str], providers: ConfigProviders | None = None) -> ConnectorConfig:
    """Read a connector's configuration: aliases, defaults, references, contradictions.

    Keys nobody knows are no problem; see `unknown_keys`.

    Raises:
        ConfigError: With every problem of every key, which quote values as they were written.
    """
    reader = Reader(_canonical(given))
    providers = ConfigProviders() if providers is None else providers
    reader.resolve(providers)
    providers.redactor.add(*secrets_of(reader.values))
    _check_class(reader)
    config = ConnectorConfig(
        name=_name(reader),
        given=dict(given),
        resolved=reader.values,
        topics=reader.words("topics"),
        topics_regex=reader.pattern("topics.regex"),
        tasks_max=reader.number("tasks.max", least=1, most=definition.MOST_TASKS),
        key_converter=_converter(reader, "key.converter"),
        value_converter=_converter(reader, "value.converter"),
        connection=_connection(reader),
        table=_table(reader),
        errors=ErrorsConfig(
            tolerant=reader.text("errors.tolerance") == "all",
            log=reader.flag("errors.log.enable"),
            log_messages=reader.flag("errors.log.include.messages"),
            retry_timeout_ms=reader.number("errors.retry.timeout", least=-1, most=2**63 - 1),
            retry_delay_max_ms=reader.number("errors.retry.delay.max.ms", least=1),
            dead_letter_topic=reader.text("errors.deadletterqueue.topic.name"),
            dead_letter_replication=reader.number("errors.deadletterqueue.topic.replication.factor", least=1),
            dead_letter_headers=reader.flag("errors.deadletterqueue.context.headers.enable"),
        ),
        consumer=reader.family("consumer.override."),
        batch_size=reader.number("batch.size", least=1),
        retry_backoff_ms=reader.number("retry.backoff.ms"),
        linger_ms=reader.number("linger.ms"),
        timezone=_timezone(reader),
        notify_channel=reader.text("notify.channel"),
        persisted_topic=reader.text("persisted.topic.name"),
        projections=_projections(reader),
        max_retries=reader.number("max.retries"),
        command_timeout_ms=reader.number("connection.command.timeout.ms", least=1),
        redactor=providers.redactor,
    )
    _contradictions(config, reader)
    if reader.problems:
        raise ConfigError(reader.problems)
    return config


def unknown_keys(given: Mapping[str, str]) -> dict[str, str | None]:
    """The keys that mean nothing here, in order, each with the one that may have been meant.

    Worth a warning, because a misspelt key is silently its default.
    """
    known = {**definition.BY_NAME, **definition.ALIASES}
    unknown = sorted(name for name in given if name not in known and not name.startswith(definition.PREFIXES))
    return {
        name: next(iter(difflib.get_close_matches(name, known, n=1, cutoff=0.8)), None) for name in unknown
    }


def warnings_of(config: ConnectorConfig) -> list[str]:
    """What of a usable configuration has no effect, although somebody may count on it."""
    found = [
        f"connection.url has the option {name}, which is not known" for name in config.connection.unknown
    ]
    if config.table.truncate_enabled and not config.is_debeziums:
        found.append(
            "truncate.enabled has no effect without Debezium's connector.class: no record asks for it"
        )
    return found


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


def _name(reader: Reader) -> str:
    """Every name that is taken here can be written into a path of the REST interface, as one part of it."""
    name = reader.text("name")
    if name in {".", ".."} or len(name) > LONGEST_NAME:
        reader.problem("name", f"is no name; one has 1 to {LONGEST_NAME} characters and is neither . nor ..")
    if any(unicodedata.category(character) in NOT_IN_NAMES for character in name):
        reader.problem("name", "holds a control character or half of a surrogate pair")
    return name


def _check_class(reader: Reader) -> None:
    name = reader.text("connector.class")
    if name and not definition.is_connector_class(name):
        near = difflib.get_close_matches(name, definition.CLASSES, n=1)
        known = f"did you mean {near[0]}?" if near else f"there are: {', '.join(definition.CLASSES)}"
        reader.problem("connector.class", f"is {name!r}, which is no sink here; {known}")


def _converter(reader: Reader, name: str) -> ConverterConfig:
    options = reader.family(f"{name}.")
    replaces = options.get("replace.null.with.default", "true").strip().lower()
    if replaces not in {"true", "false"}:
        reader.problem(f"{name}.replace.null.with.default", f"is {replaces!r}, it must be true or false")
    return ConverterConfig(
        class_name=reader.text(name), options=options, replace_null_with_default=replaces != "false"
    )


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
        truncate_enabled=reader.flag("truncate.enabled"),
        auto_create=reader.flag("auto.create"),
        auto_evolve=reader.flag("auto.evolve"),
        nested_type=reader.text("nested.type"),
        name_format=reader.text("table.name.format"),
        name_mapping=mapping,
        name_normalize=reader.flag("table.name.normalize"),
        record_table_field=reader.text("record.table.field"),
        record_table_header=reader.text("record.table.header"),
        fold_names=reader.text("quote.sql.identifiers") == "never",
        dots_to_underscores=reader.text("connector.class") == definition.DEBEZIUM_CLASS,
        include=frozenset(reader.words("fields.whitelist")),
        exclude=frozenset(reader.words("field.exclude.list")),
        version_field=reader.text("version.field"),
        identifiers_allow=reader.pattern("identifiers.allow") or BoundedPattern.compile(""),
    )


def _timezone(reader: Reader) -> str:
    name = reader.text("db.timezone")
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        reader.problem("db.timezone", f"{name!r} is not the name of a time zone")
    return name


def _projections(reader: Reader) -> dict[str, str]:
    found = {}
    for name in reader.words("projections"):
        sql = reader.values.get(f"projection.{name}.sql", "").strip()
        if not sql:
            said = f"names {name!r}, but projection.{name}.sql is missing"
            if f"projection.{name}.file" in reader.values:
                said += f" (projection.{name}.file is read by the commands that take files, such as deploy)"
            reader.problem("projections", said)
        found[name] = sql
    return found


def _contradictions(config: ConnectorConfig, reader: Reader) -> None:
    """Pairs of keys that cannot both be meant; each problem names both."""
    table = config.table
    keyed = table.insert_mode in {InsertMode.UPSERT, InsertMode.UPDATE}
    by_record = "record.table.field" if table.record_table_field else "record.table.header"
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
            f"is none, but insert.mode={reader.shown('insert.mode')} needs a key",
        ),
        (
            table.delete_enabled and table.pk_mode is not PkMode.RECORD_KEY,
            "delete.enabled",
            f"is true, but pk.mode is {reader.shown('pk.mode')}: a tombstone has only its key, so it must be record_key",
        ),
        (
            bool(table.version_field) and not keyed,
            "version.field",
            f"is set, but insert.mode={reader.shown('insert.mode')} never overwrites a row",
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
            bool(table.record_table_field and table.record_table_header),
            "record.table.field",
            "and record.table.header are both given, one must go",
        ),
        (
            table.is_named_by_record and bool(table.name_mapping),
            "topics.to.tables.mapping",
            f"has no effect, because {by_record} names the table of each record; one must go",
        ),
        (
            table.is_named_by_record and definition.TOPIC not in table.name_format,
            "table.name.format",
            f"has no {definition.TOPIC}, in whose place {by_record} puts the name that a record gives",
        ),
        (
            bool(table.include and table.exclude),
            "fields.whitelist",
            "and field.exclude.list are both given, one must go",
        ),
        (
            bool(config.errors.dead_letter_topic) and _reads(config, config.errors.dead_letter_topic, reader),
            "topics.regex" if config.topics_regex else "topics",
            "and errors.deadletterqueue.topic.name have a topic in common: bad records would come back for ever",
        ),
        (
            bool(config.persisted_topic) and _reads(config, config.persisted_topic, reader),
            "topics.regex" if config.topics_regex else "topics",
            "and persisted.topic.name have a topic in common: what was committed would come back for ever",
        ),
        (
            bool(config.persisted_topic) and config.persisted_topic == config.errors.dead_letter_topic,
            "persisted.topic.name",
            "and errors.deadletterqueue.topic.name are the same topic: what was written and what was not would be one",
        ),
    )
    for wrong, key, problem in pairs:
        if wrong:
            reader.problem(key, problem)


def _reads(config: ConnectorConfig, topic: str, reader: Reader) -> bool:
    try:
        return config.reads(topic)
    except PatternTimeoutError as error:
        reader.problem("topics.regex", str(error))
        return False
