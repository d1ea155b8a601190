"""Which table a topic's records go to."""

import re

from sink_connector.config.connector import TableConfig
from sink_connector.sink import identifiers
from sink_connector.sink.table_metadata import TableName


class TableNaming:
    """`topics.to.tables.mapping`, then `table.name.format`, as the JDBC sinks do it; each topic is worked out once."""

    def __init__(self, config: TableConfig) -> None:
        self._config = config
        self._known: dict[str, TableName] = {}

    def table_of(self, topic: str) -> TableName:
        """Raises `BadRecordError` when the topic makes no name that is allowed."""
        found = self._known.get(topic)
        if found is None:
            found = self._known.setdefault(topic, self._make(topic))
        return found

    def _make(self, topic: str) -> TableName:
        config = self._config
        written = config.name_mapping.get(topic)
        if written is None:
            normal = re.sub(r"[^A-Za-z0-9_.]", "_", topic) if config.name_normalize else topic
            written = config.name_format.replace("${topic}", normal)
        if config.fold_names:
            written = written.lower()
        schema, _, name = written.rpartition(".")
        checked = identifiers.check(name, config.identifiers_allow)
        return TableName(identifiers.check(schema, config.identifiers_allow) if schema else None, checked)
