"""Which table a topic's records go to."""

import re
from collections.abc import Callable

from sink_connector.config.connector import TableConfig
from sink_connector.config.definition import SOURCE_FIELD, TOPIC
from sink_connector.config.name_parts import name_parts
from sink_connector.data.lru import LruCache
from sink_connector.errors import BadRecordError
from sink_connector.sink import identifiers
from sink_connector.sink.table_metadata import TableName

MOST = 4_096  # topics; transforms can make up any number of names


class TableNaming:
    """`topics.to.tables.mapping`, then `table.name.format`, as the JDBC sinks do it; each topic is worked out once.

    A dot that the format itself holds stands between schema and name. So does one in a topic, if it is the only one; of a
    topic with more of them, or in a format with a schema, they are part of the name. What the format has in double quotes is
    one name whatever the topic holds.
    """

    def __init__(self, config: TableConfig) -> None:
        self._config = config
        self._known: LruCache[str, TableName] = LruCache(MOST)

    def table_of(self, topic: str) -> TableName:
        """Raises `BadRecordError` when the topic makes no name that is allowed."""
        return self._known.get(topic) or self._known.put(topic, self._make(topic))

    def _make(self, topic: str) -> TableName:
        written = topic if self._config.is_named_by_source else self._config.name_mapping.get(topic)
        if written is not None:
            parts = _parts(written, "")
        else:
            parts = _parts(self._config.name_format, inserted(self._config, topic))
        if self._config.fold_names:
            parts = [part.lower() for part in parts]
        *schema, name = parts
        if len(schema) > 1:
            raise BadRecordError(f"table.name.format gives topic {topic!r} a name of {len(parts)} parts")
        allow = self._config.identifiers_allow
        return TableName(
            identifiers.check_schema(schema[0], allow) if schema else None, identifiers.check(name, allow)
        )


def inserted(config: TableConfig, topic: str) -> str:
    """The topic as it stands in a table's name."""
    if config.name_normalize:
        return re.sub(r"[^A-Za-z0-9_]", "_", topic)
    return topic.replace(".", "_") if config.dots_to_underscores else topic


def one_spelling(config: TableConfig, topic: str) -> str:
    """One of the names that lead to the same table: records of one table, which keep their order, are told by it."""
    name = inserted(config, topic)
    return name.lower() if config.fold_names else name


def named_by_source(config: TableConfig, topic: str, value_of: Callable[[str], str]) -> str:
    """The name that the format makes of a topic and of a source's fields, whatever dots and quotes these hold.

    Each part stands in double quotes, so that it is read here as it was meant; one spelling for names of one table.
    """
    parts = [text.replace(TOPIC, inserted(config, topic)) for text, _ in name_parts(config.name_format)]
    named = [SOURCE_FIELD.sub(lambda field: value_of(field[1]), part).replace('"', '""') for part in parts]
    written = ".".join(f'"{part}"' for part in named)
    return written.lower() if config.fold_names else written


def _parts(written: str, topic: str) -> list[str]:
    """The parts of a name: `schema.table` or `table`."""
    found = name_parts(written)
    parts = [text.replace(TOPIC, topic) for text, _ in found]
    if len(found) == 1 and not found[0][1] and TOPIC in written and parts[0].count(".") == 1:
        return parts[0].split(".")
    return parts or [""]
