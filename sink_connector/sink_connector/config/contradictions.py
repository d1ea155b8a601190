"""Keys that cannot both be meant, and topics that there cannot be; each problem names all that it is about."""

import re
from collections.abc import Iterator
from itertools import chain

from sink_connector.config import definition
from sink_connector.config.connector import ConnectorConfig, InsertMode, PkMode, TableConfig
from sink_connector.config.name_parts import name_parts
from sink_connector.config.patterns import PatternTimeoutError
from sink_connector.config.reader import Reader

TOPIC_NAME = re.compile(r"[a-zA-Z0-9._-]{1,249}")
PLACEHOLDER = re.compile(r"\$\{[^{}]*\}")
SCHEMA_AND_NAME = 2  # the most parts of a name
Found = Iterator[tuple[str, str]]
"""The key that a problem is told of, and what continues its name to a sentence."""


def note_contradictions(config: ConnectorConfig, reader: Reader) -> None:
    """Note what of a configuration contradicts itself in the `reader` that it was read with."""
    for key, problem in chain(
        _topics(config, reader),
        _topic_names(config),
        _row_keys(config.table, reader),
        _table_names(config),
        _fields(config.table),
        _topics_written(config, reader),
    ):
        reader.problem(key, problem)


def _topics(config: ConnectorConfig, reader: Reader) -> Found:
    if config.topics and config.topics_regex is not None:
        yield "topics", "and topics.regex are both given, one must go"
    if not config.topics and config.topics_regex is None and "topics.regex" not in reader.problems:
        yield "topics", "or topics.regex is required"


def _topic_names(config: ConnectorConfig) -> Found:
    """Kafka has no topic of another name: whoever waits for one waits for ever."""
    for key, names in (
        ("topics", config.topics),
        ("errors.deadletterqueue.topic.name", (config.errors.dead_letter_topic,)),
        ("persisted.topic.name", (config.persisted_topic,)),
    ):
        for name in names:
            if name and (not TOPIC_NAME.fullmatch(name) or name in {".", ".."}):
                rule = "one has 1 to 249 of the letters a-z and A-Z, digits, '.', '_' and '-'"
                yield key, f"names {name!r}, which no topic can be called; {rule}"


def _row_keys(table: TableConfig, reader: Reader) -> Found:
    keyed = table.insert_mode in {InsertMode.UPSERT, InsertMode.UPDATE}
    if keyed and table.pk_mode is PkMode.NONE:
        yield "pk.mode", f"is none, but insert.mode={reader.shown('insert.mode')} needs a key"
    if table.delete_enabled and table.pk_mode is not PkMode.RECORD_KEY:
        mode = reader.shown("pk.mode")
        yield (
            "delete.enabled",
            f"is true, but pk.mode is {mode}: a tombstone has only its key, so it must be record_key",
        )
    if table.version_field and not keyed:
        mode = reader.shown("insert.mode")
        yield "version.field", f"is set, but insert.mode={mode} never overwrites a row"
    if table.pk_mode is PkMode.RECORD_HEADER and not table.pk_fields:
        yield "pk.fields", "is empty, but pk.mode=record_header must name the headers"
    if table.pk_mode is PkMode.KAFKA and len(table.pk_fields) not in {0, 3}:
        yield "pk.fields", "must name three columns (topic, partition, offset) or none with pk.mode=kafka"


def _table_names(config: ConnectorConfig) -> Found:
    table = config.table
    if not name_parts(table.name_format):
        yield "table.name.format", "is empty, and a table has a name"
    for unknown in PLACEHOLDER.findall(table.name_format):
        if unknown != definition.TOPIC and not definition.SOURCE_FIELD.fullmatch(unknown):
            yield (
                "table.name.format",
                (
                    f"holds {unknown}, and only {definition.TOPIC} and ${{source.…}} are known here; record.table.field and "
                    "record.table.header take a name from each record"
                ),
            )
            break
    yield from _names_of_many_parts(table)
    if (placeholder := definition.SOURCE_FIELD.search(table.name_format)) and not config.is_debeziums:
        yield (
            "table.name.format",
            (
                f"holds {placeholder[0]}, and only {definition.DEBEZIUM_CLASS} looks at a change event's source, when it unwraps the "
                "event; with another connector.class, record.table.field and record.table.header take a name from each record"
            ),
        )
    if table.is_named_by_source and any(":" in each for each in table.include | table.exclude):
        yield (
            "table.name.format",
            "takes the table's name from each change event, so fields.whitelist and field.exclude.list name fields without topics",
        )
    by_record = [
        key
        for key, given in (
            ("record.table.field", table.record_table_field),
            ("record.table.header", table.record_table_header),
            ("table.name.format", table.is_named_by_source),
        )
        if given
    ]
    if len(by_record) > 1:
        yield by_record[0], f"and {by_record[1]} both take the table's name from each record, one must go"
    if by_record and table.name_mapping:
        yield (
            "topics.to.tables.mapping",
            f"has no effect, because {by_record[0]} names the table of each record; one must go",
        )
    if by_record and not table.is_named_by_source and definition.TOPIC not in table.name_format:
        yield (
            "table.name.format",
            f"has no {definition.TOPIC}, in whose place {by_record[0]} puts the name that a record gives",
        )


def _names_of_many_parts(table: TableConfig) -> Found:
    written = [("table.name.format", table.name_format)]
    written += [("topics.to.tables.mapping", name) for name in table.name_mapping.values()]
    for key, name in written:
        if len(name_parts(name)) > SCHEMA_AND_NAME:
            yield (
                key,
                f"holds {name}, and a table is named by its schema and its name; the database is that of connection.url",
            )


def _fields(table: TableConfig) -> Found:
    if table.include and table.exclude:
        yield "fields.whitelist", "and field.exclude.list are both given, one must go"


def _topics_written(config: ConnectorConfig, reader: Reader) -> Found:
    """Topics that a connector writes must be none that it reads, nor one and the same."""
    dead, persisted = config.errors.dead_letter_topic, config.persisted_topic
    read_by = "topics.regex" if config.topics_regex else "topics"
    if dead and _reads(config, dead, reader):
        yield (
            read_by,
            "and errors.deadletterqueue.topic.name have a topic in common: bad records would come back for ever",
        )
    if persisted and _reads(config, persisted, reader):
        yield (
            read_by,
            "and persisted.topic.name have a topic in common: what was committed would come back for ever",
        )
    if persisted and persisted == dead:
        yield (
            "persisted.topic.name",
            "and errors.deadletterqueue.topic.name are the same topic: what was written and what was not would be one",
        )


def _reads(config: ConnectorConfig, topic: str, reader: Reader) -> bool:
    try:
        return config.reads(topic)
    except PatternTimeoutError as error:
        reader.problem("topics.regex", str(error))
        return False
