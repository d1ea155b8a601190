"""Keys that cannot both be meant."""

import pytest

from sink_connector.config.parser import parse_connector
from sink_connector.errors import ConfigError

GIVEN = {
    "name": "c",
    "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector",
    "topics": "a,b",
    "connection.url": "jdbc:postgresql://db:5432/shop",
}


BY_SOURCE = {
    "connector__class": "io.debezium.connector.jdbc.JdbcSinkConnector",
    "collection__name__format": "${source.db}",
}


def problems(**keys: str) -> dict[str, list[str]]:
    with pytest.raises(ConfigError) as raised:
        parse_connector(GIVEN | {name.replace("__", "."): value for name, value in keys.items()})
    return raised.value.problems


@pytest.mark.parametrize(
    ("keys", "key", "other"),
    [
        ({"topics__regex": "x"}, "topics", "topics.regex"),
        ({"insert__mode": "upsert"}, "pk.mode", "insert.mode"),
        ({"delete__enabled": "true", "pk__mode": "record_value"}, "delete.enabled", "pk.mode"),
        ({"version__field": "v"}, "version.field", "insert.mode"),
        ({"version__field": "v", "insert__mode": "ignore"}, "version.field", "insert.mode=ignore"),
        ({"pk__mode": "record_header"}, "pk.fields", "pk.mode"),
        (
            {"record__table__field": "a", "record__table__header": "b"},
            "record.table.field",
            "record.table.header",
        ),
        (
            {"record__table__header": "b", "topics__to__tables__mapping": "a:b"},
            "topics.to.tables.mapping",
            "record.table.header",
        ),
        (
            {"record__table__field": "b", "table__name__format": "t"},
            "table.name.format",
            "record.table.field",
        ),
        (
            {"table__name__format": "${source.schema}.${source.table}"},
            "table.name.format",
            "${source.schema}",
        ),
        ({"collection__name__format": "${topic}_${db}"}, "table.name.format", "record.table.field"),
        ({"table__name__format": "shop.public.${topic}"}, "table.name.format", "connection.url"),
        ({"topics__to__tables__mapping": "a:shop.public.a"}, "topics.to.tables.mapping", "connection.url"),
        ({"collection__name__format": "${source.}"}, "table.name.format", "${source.}"),
        ({**BY_SOURCE, "fields__whitelist": "a:b"}, "table.name.format", "fields.whitelist"),
        ({**BY_SOURCE, "record__table__field": "a"}, "record.table.field", "table.name.format"),
        (
            {**BY_SOURCE, "topics__to__tables__mapping": "a:b"},
            "topics.to.tables.mapping",
            "table.name.format",
        ),
        ({"fields__whitelist": "a", "field__exclude__list": "b"}, "fields.whitelist", "field.exclude.list"),
        ({"errors__deadletterqueue__topic__name": "a"}, "topics", "errors.deadletterqueue.topic.name"),
        ({"persisted__topic__name": "a"}, "topics", "persisted.topic.name"),
        (
            {"persisted__topic__name": "d", "errors__deadletterqueue__topic__name": "d"},
            "persisted.topic.name",
            "errors.deadletterqueue.topic.name",
        ),
        (
            {"topics": "", "topics__regex": "t.*", "errors__deadletterqueue__topic__name": "t-dead"},
            "topics.regex",
            "errors.deadletterqueue.topic.name",
        ),
    ],
)
def test_a_contradiction_names_both_keys(keys: dict[str, str], key: str, other: str) -> None:
    found = problems(**keys)
    assert other in " ".join(found[key])


def test_a_wrong_value_is_told_once_however_many_contradictions_name_its_key() -> None:
    assert (
        len(problems(insert__mode="replace", version__field="v", delete__enabled="true")["insert.mode"]) == 1
    )
