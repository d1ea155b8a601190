"""Every key a connector configuration may hold, as data: what it means, its default, its other spellings."""

import re
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """The types of Connect's `ConfigDef.Type`."""

    BOOLEAN = "BOOLEAN"
    STRING = "STRING"
    INT = "INT"
    LONG = "LONG"
    LIST = "LIST"
    CLASS = "CLASS"
    PASSWORD = "PASSWORD"  # noqa: S105 - the name of a type


class Importance(Enum):
    """Connect's `ConfigDef.Importance`."""

    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key. `default` is as it would be written in the file; None means: no value unless given."""

    name: str
    kind: Kind
    doc: str
    group: str
    default: str | None = None
    required: bool = False
    importance: Importance = Importance.MEDIUM
    values: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


COMMON, ERRORS, CONNECTION, WRITES, SCHEMA, MAPPING, OWN = (
    "Common",
    "Error Handling",
    "Connection",
    "Writes",
    "DDL Support",
    "Data Mapping",
    "Own",
)

MOST_TASKS = 1_000  # of one connector; each is a consumer and a database connection

TOPIC = "${topic}"  # in table.name.format
SOURCE_FIELD = re.compile(r"\$\{source\.([^{}]+)\}")  # in it, with Debezium's connector.class

# Debezium's, by the last part of their names; the older one is of its table.naming.strategy.
PASSTHROUGH_STRATEGY = "PassthroughCollectionNamingStrategy"
NAMING_STRATEGIES = ("DefaultCollectionNamingStrategy", "DefaultTableNamingStrategy", PASSTHROUGH_STRATEGY)

# Names of tables and columns: no control or invisible characters, no quotes, no backslash, no semicolon.
UNAVAILABLE = "__debezium_unavailable_value"
ANY_VISIBLE = r"""[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff"'`;\\]+"""

JSON_CONVERTER = "org.apache.kafka.connect.json.JsonConverter"

KEYS: tuple[Key, ...] = (
    Key(
        name="name",
        kind=Kind.STRING,
        group=COMMON,
        required=True,
        importance=Importance.HIGH,
        doc="Unique name of the connector; names its consumer group (connect-<name>) and its stored offsets.",
    ),
    Key(
        name="connector.class",
        kind=Kind.STRING,
        group=COMMON,
        required=True,
        importance=Importance.HIGH,
        doc="This sink, or one of the three JDBC sinks it stands in for.",
    ),
    Key(
        name="tasks.max",
        kind=Kind.INT,
        group=COMMON,
        default="1",
        importance=Importance.HIGH,
        doc="Most tasks of this connector in one worker; each has its own consumer and database connection.",
    ),
    Key(
        name="topics",
        kind=Kind.LIST,
        group=COMMON,
        default="",
        importance=Importance.HIGH,
        doc="Topics to read.",
    ),
    Key(
        name="topics.regex",
        kind=Kind.STRING,
        group=COMMON,
        default="",
        importance=Importance.HIGH,
        doc="Topics to read, as a pattern that must match the whole name; topics made later are picked up.",
    ),
    Key(
        name="key.converter",
        kind=Kind.CLASS,
        group=COMMON,
        default=JSON_CONVERTER,
        importance=Importance.LOW,
        doc="How keys are written. Its options follow as key.converter.<option>.",
    ),
    Key(
        name="value.converter",
        kind=Kind.CLASS,
        group=COMMON,
        default=JSON_CONVERTER,
        importance=Importance.LOW,
        doc="How values are written. Its options follow as value.converter.<option>.",
    ),
    Key(
        name="transforms",
        kind=Kind.LIST,
        group=COMMON,
        default="",
        importance=Importance.LOW,
        doc="Names of the transforms, in order.",
    ),
    Key(
        name="predicates",
        kind=Kind.LIST,
        group=COMMON,
        default="",
        importance=Importance.LOW,
        doc="Names of the predicates.",
    ),
    Key(
        name="errors.tolerance",
        kind=Kind.STRING,
        group=ERRORS,
        default="none",
        values=("none", "all"),
        doc="none: a bad record fails the task, nothing is skipped. all: it goes to the dead letters, its neighbours are written.",
    ),
    Key(
        name="errors.log.enable",
        kind=Kind.BOOLEAN,
        group=ERRORS,
        default="false",
        doc="Log every bad record's topic, partition, offset and reason.",
    ),
    Key(
        name="errors.log.include.messages",
        kind=Kind.BOOLEAN,
        group=ERRORS,
        default="false",
        doc="Log the bad record's key and value as well.",
    ),
    Key(
        name="errors.retry.timeout",
        kind=Kind.LONG,
        group=ERRORS,
        default="0",
        doc="How long, in milliseconds, a row that a foreign key asks for is waited for before its record counts as bad, if that "
        "is longer than max.retries pauses of retry.backoff.ms; -1: for ever. Outages are waited out however long they take.",
    ),
    Key(
        name="errors.retry.delay.max.ms",
        kind=Kind.LONG,
        group=ERRORS,
        default="60000",
        doc="Longest pause between two attempts while the database is away.",
    ),
    Key(
        name="errors.deadletterqueue.topic.name",
        kind=Kind.STRING,
        group=ERRORS,
        default="",
        doc="Bad records are also sent to this topic, after the table sink.dead_letters holds them.",
    ),
    Key(
        name="errors.deadletterqueue.topic.replication.factor",
        kind=Kind.INT,
        group=ERRORS,
        default="3",
        doc="Replication of that topic when it has to be created; -1: the brokers' default.",
    ),
    Key(
        name="errors.deadletterqueue.context.headers.enable",
        kind=Kind.BOOLEAN,
        group=ERRORS,
        default="false",
        doc="Add the __connect.errors.* headers to the records of that topic.",
    ),
    Key(
        name="connection.url",
        kind=Kind.STRING,
        group=CONNECTION,
        required=True,
        importance=Importance.HIGH,
        doc="postgresql://user:password@host:port/database or jdbc:postgresql://host:port/database.",
    ),
    Key(
        name="connection.user",
        kind=Kind.STRING,
        group=CONNECTION,
        default="",
        importance=Importance.HIGH,
        aliases=("connection.username",),
        doc="Database user, when the URL does not say.",
    ),
    Key(
        name="connection.password",
        kind=Kind.PASSWORD,
        group=CONNECTION,
        default="",
        importance=Importance.HIGH,
        doc="Database password, when the URL does not say.",
    ),
    Key(
        name="connection.command.timeout.ms",
        kind=Kind.INT,
        group=CONNECTION,
        default="60000",
        importance=Importance.LOW,
        doc="Longest time for one statement; a batch that takes longer is rolled back, made smaller and tried again.",
    ),
    Key(
        name="insert.mode",
        kind=Kind.STRING,
        group=WRITES,
        default="insert",
        values=("insert", "upsert", "update", "multi", "ignore"),
        importance=Importance.HIGH,
        doc="insert and multi: plain INSERT. upsert: insert or update by key. update: only rows that exist. ignore: only rows that do "
        "not exist, so that the first state of a key stays; with pk.mode=none it is any unique constraint of the table that tells.",
    ),
    Key(
        name="delete.enabled",
        kind=Kind.BOOLEAN,
        group=WRITES,
        default="false",
        doc="A record with a null value deletes the row of its key; needs pk.mode=record_key.",
    ),
    Key(
        name="truncate.enabled",
        kind=Kind.BOOLEAN,
        group=WRITES,
        default="false",
        doc="With Debezium's connector.class, a change event that tells of a TRUNCATE empties the table, in the transaction of "
        "what came before and after it; else such an event is dropped.",
    ),
    Key(
        name="unavailable.value.placeholder",
        kind=Kind.STRING,
        group=WRITES,
        default=UNAVAILABLE,
        doc="With Debezium's connector.class: what the source connector's key of this name says. A column that holds it is left "
        "out of the row, so that what is stored of it stays.",
    ),
    Key(
        name="batch.size",
        kind=Kind.INT,
        group=WRITES,
        default="5000",
        doc="Most records in one transaction. It bounds memory; a batch never waits to be full.",
    ),
    Key(
        name="max.retries",
        kind=Kind.INT,
        group=WRITES,
        default="10",
        aliases=("flush.max.retries",),
        doc="How often, retry.backoff.ms apart, a row that a foreign key asks for is looked for before its record counts as bad. "
        "Outages are waited out however long they take.",
    ),
    Key(
        name="retry.backoff.ms",
        kind=Kind.INT,
        group=WRITES,
        default="100",
        aliases=("flush.retry.delay.ms",),
        doc="First pause before a failed transaction is tried again; it doubles up to errors.retry.delay.max.ms, and up to one "
        "second while the server cannot be reached.",
    ),
    Key(
        name="pk.mode",
        kind=Kind.STRING,
        group=MAPPING,
        default="none",
        values=("none", "kafka", "record_key", "record_value", "record_header"),
        importance=Importance.HIGH,
        aliases=("primary.key.mode",),
        doc="Where the primary key comes from.",
    ),
    Key(
        name="pk.fields",
        kind=Kind.LIST,
        group=MAPPING,
        default="",
        aliases=("primary.key.fields",),
        doc="The key's columns. Empty: every field of the key (or value), or __connect_topic, __connect_partition, "
        "__connect_offset with pk.mode=kafka. A primitive record key needs exactly one name.",
    ),
    Key(
        name="table.name.format",
        kind=Kind.STRING,
        group=MAPPING,
        default="${topic}",
        aliases=("collection.name.format",),
        doc="Name of the table, with ${topic}; may be schema.table. With Debezium's connector.class also with ${source.db}, "
        "${source.schema}, ${source.table} and whatever else a change event's source has.",
    ),
    Key(
        name="collection.naming.strategy",
        kind=Kind.STRING,
        group=MAPPING,
        default="",
        aliases=("table.naming.strategy",),
        doc="With Debezium's connector.class: its DefaultCollectionNamingStrategy has underscores for the dots of a topic, its "
        "PassthroughCollectionNamingStrategy leaves them. Other classes are refused.",
    ),
    Key(
        name="topics.to.tables.mapping",
        kind=Kind.LIST,
        group=MAPPING,
        default="",
        doc="topic:table pairs that go before table.name.format.",
    ),
    Key(
        name="table.name.normalize",
        kind=Kind.BOOLEAN,
        group=MAPPING,
        default="false",
        doc="Replace every character of a topic that is not a letter, digit or _ by _ before it becomes a table's name.",
    ),
    Key(
        name="record.table.field",
        kind=Kind.STRING,
        group=MAPPING,
        default="",
        doc="The field of the value (of the key, for a deletion) whose text stands for ${topic} in table.name.format, record by "
        "record. It stays a column unless field.exclude.list names it.",
    ),
    Key(
        name="record.table.header",
        kind=Kind.STRING,
        group=MAPPING,
        default="",
        doc="The header whose text stands for ${topic} in table.name.format, record by record.",
    ),
    Key(
        name="fields.whitelist",
        kind=Kind.LIST,
        group=MAPPING,
        default="",
        aliases=("field.include.list",),
        doc="Only these fields of the value are written (field, or topic:field). Empty: all.",
    ),
    Key(
        name="field.exclude.list",
        kind=Kind.LIST,
        group=MAPPING,
        default="",
        doc="These fields of the value are not written (field, or topic:field).",
    ),
    Key(
        name="db.timezone",
        kind=Kind.STRING,
        group=MAPPING,
        default="UTC",
        aliases=("use.time.zone", "database.time_zone"),
        doc="Time zone in which an instant is written to a timestamp without time zone.",
    ),
    Key(
        name="auto.create",
        kind=Kind.BOOLEAN,
        group=SCHEMA,
        default="false",
        doc="Create a table that is missing from the record's schema.",
    ),
    Key(
        name="auto.evolve",
        kind=Kind.BOOLEAN,
        group=SCHEMA,
        default="false",
        doc="Add columns for new fields that are optional or have a default.",
    ),
    Key(
        name="nested.type",
        kind=Kind.STRING,
        group=SCHEMA,
        default="jsonb",
        values=("jsonb", "json", "text"),
        doc="Type of the columns that auto.create and auto.evolve make for structs, maps and arrays of them. Columns that exist keep "
        "theirs. With text, an object or array without a schema goes into a text column as well.",
    ),
    Key(
        name="schema.evolution",
        kind=Kind.STRING,
        group=SCHEMA,
        values=("none", "basic"),
        doc="Another connector's spelling: basic is auto.create and auto.evolve together.",
    ),
    Key(
        name="quote.sql.identifiers",
        kind=Kind.STRING,
        group=SCHEMA,
        default="always",
        values=("always", "never"),
        aliases=("sql.quote.identifiers", "quote.identifiers"),
        doc="never folds names to lower case, as PostgreSQL does with unquoted ones; they are still quoted. In the spellings of "
        "others true is always, and false never.",
    ),
    Key(
        name="version.field",
        kind=Kind.STRING,
        group=OWN,
        default="",
        doc="A column that only grows per key: a row is not overwritten or deleted by an older or equal version.",
    ),
    Key(
        name="projections",
        kind=Kind.LIST,
        group=OWN,
        default="",
        doc="Names of statements run in the batch's transaction; each is given by projection.<name>.sql.",
    ),
    Key(
        name="notify.channel",
        kind=Kind.STRING,
        group=OWN,
        default="",
        doc="One NOTIFY per committed batch on this channel, with the connector and its next offsets.",
    ),
    Key(
        name="persisted.topic.name",
        kind=Kind.STRING,
        group=OWN,
        default="",
        doc="Records are also sent to this topic, at least once, after the commit of what they wrote.",
    ),
    Key(
        name="linger.ms",
        kind=Kind.INT,
        group=OWN,
        default="0",
        doc="How long a batch may wait for more records. 0: it goes out at once; what arrives meanwhile is the next one.",
    ),
    Key(
        name="identifiers.allow",
        kind=Kind.STRING,
        group=OWN,
        default=ANY_VISIBLE,
        doc="Pattern that each table and column name out of a message must match as a whole. Whatever it says, control "
        "characters, names over 63 bytes and the schemas sink, information_schema and pg_* are refused.",
    ),
)

BY_NAME: dict[str, Key] = {key.name: key for key in KEYS}
ALIASES: dict[str, str] = {alias: key.name for key in KEYS for alias in key.aliases}

# Keys that open a family: what follows belongs to a converter, a transform, a consumer or a projection.
PREFIXES = (
    "key.converter.",
    "value.converter.",
    "transforms.",
    "predicates.",
    "consumer.override.",
    "projection.",
)

DEBEZIUM_CLASS = "io.debezium.connector.jdbc.JdbcSinkConnector"
CONNECTOR_CLASSES = (
    "io.confluent.connect.jdbc.JdbcSinkConnector",
    "io.aiven.connect.jdbc.JdbcSinkConnector",
    DEBEZIUM_CLASS,
)
OWN_CLASS = "sink_connector.PostgresSinkConnector"
CLASSES = (OWN_CLASS, *CONNECTOR_CLASSES)


def is_connector_class(name: str) -> bool:
    """Whether a class is this sink or one it stands in for: by its whole name, its last part, or that without `Connector`."""
    short = {each.rpartition(".")[2] for each in CLASSES}
    return name in CLASSES or name in short or name in {each.removesuffix("Connector") for each in short}
