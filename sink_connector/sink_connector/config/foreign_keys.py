"""Keys of other sinks and of Kafka Connect that mean nothing here, each with the reason.

A key without which the same would be written is passed over with a warning; a value that would have the rows written
otherwise is refused.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A key, or with a dot at its end all that begin with it. `harmless` are the values that ask for nothing; None: all do."""

    name: str
    reason: str
    harmless: tuple[str, ...] | None = None

    def covers(self, name: str) -> bool:
        """Whether a key of a configuration is this one."""
        return name.startswith(self.name) if self.name.endswith(".") else name == self.name

    def takes(self, value: str) -> bool:
        """Whether a value changes nothing; of a class, its last name counts."""
        return self.harmless is None or value.strip().rpartition(".")[2].lower() in self.harmless


NO_POOL = "each task has one connection"
WAITED_OUT = "outages are waited out, however long they take"
OF_SOURCES = "it is for source connectors"
OTHER_DATABASES = "it is for another database"

FOREIGN_KEYS = (
    ForeignKey("dialect.name", "only PostgreSQL is written to", ("", "postgresqldatabasedialect")),
    ForeignKey(
        "column.naming.strategy",
        "columns are named as the fields; rename these with ReplaceField",
        ("", "defaultcolumnnamingstrategy"),
    ),
    ForeignKey(
        "replace.null.with.default",
        "it is said to the converter: value.converter.replace.null.with.default",
        ("", "true"),
    ),
    ForeignKey(
        "string.output.value.column.name",
        "a value without fields is no row; make it a field with HoistField",
        ("", "recordvalue"),
    ),
    ForeignKey("timestamp.fields.list", "convert fields with TimestampConverter", ("",)),
    ForeignKey("handle.tombstone", "tombstones are skipped unless delete.enabled is true"),
    ForeignKey("keyed.message.batch.mode", "of each key of a batch the last state is written"),
    ForeignKey("use.reduction.buffer", "of each key of a batch the last state is written"),
    ForeignKey("table.types", "views and partitioned tables are written to as tables are"),
    ForeignKey("db.timezone.date", "a Date has no time zone"),
    ForeignKey("date.timezone", "a Date has no time zone"),
    ForeignKey("timestamp.precision.mode", "what a column can hold is written"),
    ForeignKey("connection.attempts", WAITED_OUT),
    ForeignKey("connection.backoff.ms", WAITED_OUT),
    ForeignKey("connection.restart.on.errors", WAITED_OUT),
    ForeignKey("connection.provider", NO_POOL),
    ForeignKey("connection.pool.", NO_POOL),
    ForeignKey("connection.ds.pool.size", NO_POOL),
    ForeignKey("hibernate.", "there is no Hibernate here; the driver's options stand in connection.url"),
    ForeignKey(
        "dialect.postgres.postgis.schema",
        "PostGIS is found by the search path; see currentSchema in connection.url",
    ),
    ForeignKey("dialect.postgres.unnest.insert.enabled", "how rows are sent is decided batch by batch"),
    ForeignKey("dialect.sqlserver.identity.insert", OTHER_DATABASES),
    ForeignKey("dialect.starrocks.catalog.name", OTHER_DATABASES),
    ForeignKey("mssql.use.merge.holdlock", OTHER_DATABASES),
    ForeignKey("trim.sensitive.log", "values are never logged unless errors.log.include.messages is true"),
    ForeignKey("header.converter", "headers are texts, which the columns they go to give a type"),
    ForeignKey("header.converter.", "headers are texts, which the columns they go to give a type"),
    ForeignKey("config.action.reload", "references are looked up when a task starts"),
    ForeignKey("tasks.max.enforce", "there are never more tasks than tasks.max"),
    ForeignKey("connector.plugin.version", "there is one version"),
    ForeignKey("producer.override.", "the worker's own settings are used"),
    ForeignKey("admin.override.", "the worker's own settings are used"),
    ForeignKey("exactly.once.support", OF_SOURCES),
    ForeignKey("offsets.storage.topic", OF_SOURCES),
    ForeignKey("transaction.boundary", OF_SOURCES),
    ForeignKey("transaction.boundary.", OF_SOURCES),
    ForeignKey("topic.creation.", OF_SOURCES),
    ForeignKey("confluent.", "no license is needed"),
    ForeignKey("openlineage.", "nothing is reported to OpenLineage"),
)


def foreign_key(name: str) -> ForeignKey | None:
    """The entry of a key, if it is one of these."""
    return next((each for each in FOREIGN_KEYS if each.covers(name)), None)


def refused_keys(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The keys whose values ask for what is not done here, each with what continues its name to a sentence."""
    for name, value in values.items():
        found = foreign_key(name)
        if found is not None and not found.takes(value):
            yield name, f"is {value.strip()!r}, which is not done here: {found.reason}"
