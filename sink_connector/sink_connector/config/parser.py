"""Reads a connector's configuration: aliases, defaults, references, and every problem of every key."""

import difflib
import unicodedata
from collections.abc import Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sink_connector.config import definition
from sink_connector.config.bounds import check_size
from sink_connector.config.connection import Connection, parse_connection
from sink_connector.config.connector import (
    ConnectorConfig,
    ConverterConfig,
    ErrorsConfig,
    InsertMode,
    PkMode,
    TableConfig,
)
from sink_connector.config.contradictions import note_contradictions
from sink_connector.config.families import stray_keys
from sink_connector.config.foreign_keys import foreign_key, refused_keys
from sink_connector.config.patterns import BoundedPattern
from sink_connector.config.providers import ConfigProviders
from sink_connector.config.reader import Reader
from sink_connector.config.secrets import secrets_of
from sink_connector.errors import ConfigError

LONGEST_NAME = 255
LONGEST_CHANNEL = 63  # bytes
NOT_IN_NAMES = {"Cc", "Cs"}


def parse_connector(given: Mapping[str, str], providers: ConfigProviders | None = None) -> ConnectorConfig:
    """Read a connector's configuration: aliases, defaults, references, contradictions.

    Keys that have no effect are no problem; see `ignored_keys`.

    Raises:
        ConfigError: With every problem of every key, which quote values as they were written.
    """
    check_size(given)
    reader = Reader(_canonical(given))
    providers = ConfigProviders() if providers is None else providers
    reader.resolve(providers)
    if reader.text("schema.evolution") == "basic":
        reader.values = {"auto.create": "true", "auto.evolve": "true"} | reader.values
    providers.redactor.add(*secrets_of(reader.values))
    _check_class(reader)
    for key, problem in refused_keys(reader.values):
        reader.problem(key, problem)
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
        errors=_errors(reader),
        consumer=reader.family("consumer.override."),
        batch_size=reader.number("batch.size", least=1),
        retry_backoff_ms=reader.number("retry.backoff.ms"),
        linger_ms=reader.number("linger.ms"),
        timezone=_timezone(reader),
        notify_channel=_channel(reader),
        persisted_topic=reader.text("persisted.topic.name"),
        projections=_projections(reader),
        max_retries=reader.number("max.retries"),
        command_timeout_ms=reader.number("connection.command.timeout.ms", least=1),
        redactor=providers.redactor,
    )
    note_contradictions(config, reader)
    if reader.problems:
        raise ConfigError(reader.problems)
    return config


def ignored_keys(given: Mapping[str, str]) -> dict[str, str]:
    """The keys that have no effect here, in order, each with what continues its name to a sentence.

    Worth a warning, because a misspelt key is silently its default.
    """
    known = {**definition.BY_NAME, **definition.ALIASES}
    ignored = [name for name in given if name not in known and not name.startswith(definition.PREFIXES)]
    return dict(sorted([*((name, _why_ignored(name, known)) for name in ignored), *stray_keys(given)]))


def _why_ignored(name: str, known: Mapping[str, object]) -> str:
    if (foreign := foreign_key(name)) is not None:
        return f"has no effect here: {foreign.reason}"
    meant = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
    return f"is not known; it has no effect{f'; did you mean {meant[0]}?' if meant else ''}"


def _canonical(given: Mapping[str, str]) -> dict[str, str]:
    """The same configuration in our spelling; a key given in ours goes before one given in another's."""
    own = {name: str(value) for name, value in given.items() if name not in definition.ALIASES}
    others = {
        definition.ALIASES[name]: _in_our_words(name, str(value))
        for name, value in given.items()
        if name in definition.ALIASES
    }
    return others | own


def _in_our_words(alias: str, value: str) -> str:
    """Whether identifiers are quoted is true or false where another sink asks."""
    if definition.ALIASES[alias] == "quote.sql.identifiers":
        return {"true": "always", "false": "never"}.get(value.strip().lower(), value)
    return value


def _name(reader: Reader) -> str:
    """Every name that is taken here can be written into a path of the REST interface, as one part of it."""
    name = reader.values.get("name", "") if reader.text("name") else ""  # blanks around it are part of it
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
    return TableConfig(
        insert_mode=reader.choice(InsertMode, "insert.mode"),
        pk_mode=reader.choice(PkMode, "pk.mode"),
        pk_fields=reader.words("pk.fields"),
        delete_enabled=reader.flag("delete.enabled"),
        truncate_enabled=reader.flag("truncate.enabled"),
        unavailable=reader.text("unavailable.value.placeholder"),
        auto_create=reader.flag("auto.create"),
        auto_evolve=reader.flag("auto.evolve"),
        nested_type=reader.text("nested.type"),
        name_format=reader.text("table.name.format"),
        name_mapping=_mapping(reader),
        name_normalize=reader.flag("table.name.normalize"),
        record_table_field=reader.text("record.table.field"),
        record_table_header=reader.text("record.table.header"),
        fold_names=reader.text("quote.sql.identifiers") == "never",
        dots_to_underscores=_replaces_dots(reader),
        include=frozenset(reader.words("fields.whitelist")),
        exclude=frozenset(reader.words("field.exclude.list")),
        version_field=reader.text("version.field"),
        identifiers_allow=reader.pattern("identifiers.allow") or BoundedPattern.compile(""),
    )


def _mapping(reader: Reader) -> dict[str, str]:
    key = "topics.to.tables.mapping"
    pairs = [[part.strip() for part in pair.split(":")] for pair in reader.words(key)]
    if any(len(pair) != 2 or not all(pair) for pair in pairs):  # noqa: PLR2004 - a pair
        reader.problem(key, "is a list of topic:table pairs")
        return {}
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        reader.problem(key, "has two tables for one topic")
    return mapping


def _channel(reader: Reader) -> str:
    name = reader.text("notify.channel")
    if len(name.encode()) > LONGEST_CHANNEL:
        reader.problem("notify.channel", f"has more than the {LONGEST_CHANNEL} bytes that PostgreSQL takes")
    return name


def _replaces_dots(reader: Reader) -> bool:
    key = "collection.naming.strategy"
    strategy = reader.text(key).rpartition(".")[2]
    if strategy and strategy not in definition.NAMING_STRATEGIES:
        known = ", ".join(definition.NAMING_STRATEGIES)
        reader.problem(key, f"is {reader.text(key)!r}, and classes cannot be loaded here; known are {known}")
    return (
        reader.text("connector.class") == definition.DEBEZIUM_CLASS
        and strategy != definition.PASSTHROUGH_STRATEGY
    )


def _errors(reader: Reader) -> ErrorsConfig:
    return ErrorsConfig(
        tolerant=reader.text("errors.tolerance") == "all",
        log=reader.flag("errors.log.enable"),
        log_messages=reader.flag("errors.log.include.messages"),
        retry_timeout_ms=reader.number("errors.retry.timeout", least=-1, most=2**63 - 1),
        retry_delay_max_ms=reader.number("errors.retry.delay.max.ms", least=1),
        dead_letter_topic=reader.text("errors.deadletterqueue.topic.name"),
        dead_letter_replication=_replication(reader),
        dead_letter_headers=reader.flag("errors.deadletterqueue.context.headers.enable"),
    )


def _replication(reader: Reader) -> int:
    key = "errors.deadletterqueue.topic.replication.factor"
    number = reader.number(key, least=-1, most=2**15 - 1)
    if number == 0:
        reader.problem(key, "is 0, it must be at least 1, or -1 for the brokers' default")
    return number


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
