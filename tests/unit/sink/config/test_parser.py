"""Configuration keys: aliases, bounds, patterns, names."""

import pytest

from sink_connector.config.connector import InsertMode, PkMode
from sink_connector.config.parser import parse_connector, unknown_keys
from sink_connector.config.providers import ConfigProviders
from sink_connector.errors import ConfigError

GIVEN = {
    "name": "c",
    "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector",
    "topics": "a,b",
    "connection.url": "jdbc:postgresql://db:5432/shop",
}


def problems(**keys: str) -> dict[str, list[str]]:
    with pytest.raises(ConfigError) as raised:
        parse_connector(GIVEN | {name.replace("__", "."): value for name, value in keys.items()})
    return raised.value.problems


def test_the_other_connectors_spellings_mean_the_same() -> None:
    config = parse_connector(
        GIVEN
        | {
            "connection.username": "u",
            "primary.key.mode": "record_key",
            "primary.key.fields": "id",
            "collection.name.format": "x_${topic}",
            "schema.evolution": "basic",
            "insert.mode": "UPSERT",
        }
    )
    assert config.table.pk_mode is PkMode.RECORD_KEY
    assert config.table.pk_fields == ("id",)
    assert config.table.name_format == "x_${topic}"
    assert (config.table.auto_create, config.table.auto_evolve) == (True, True)
    assert config.table.insert_mode is InsertMode.UPSERT
    assert config.connection.dsn == "postgresql://u@db:5432/shop"
    assert config.group_id == "connect-c"


@pytest.mark.parametrize("written", ["basic", " BASIC ", "${env:EVOLUTION}"])
def test_a_value_of_another_spelling_is_read_as_any_other(written: str) -> None:
    providers = ConfigProviders(environment={"EVOLUTION": "basic"}).unrestricted()
    table = parse_connector(GIVEN | {"schema.evolution": written, "auto.evolve": "false"}, providers).table
    assert (table.auto_create, table.auto_evolve) == (True, False)


def test_a_dead_letter_topic_that_no_error_is_tolerated_for_is_idle_but_allowed_as_in_connect() -> None:
    assert parse_connector(GIVEN | {"errors.deadletterqueue.topic.name": "dead"}).errors.tolerant is False


@pytest.mark.parametrize(
    ("pattern", "read", "passed_over"),
    [
        (r"shop\.\p{Lower}+", "shop.orders", "shop.Orders"),
        (r"\Qshop.\E(?<what>orders|items)", "shop.items", "shop-items"),
        (r"(?i)orders|items", "ORDERS", "orders2"),
        (r"orders\d", "orders1", "orders\u0661"),
    ],
)
def test_topics_are_matched_as_java_matches_them(pattern: str, read: str, passed_over: str) -> None:
    config = parse_connector(GIVEN | {"topics": "", "topics.regex": pattern})
    assert config.reads(read)
    assert not config.reads(passed_over)


def test_every_wrong_value_is_reported_at_once() -> None:
    found = problems(tasks__max="0", insert__mode="replace", auto__create="yes", db__timezone="Moon/Base")
    assert found.keys() >= {"tasks.max", "insert.mode", "auto.create", "db.timezone"}


def test_a_key_nobody_knows_is_told_but_is_no_error() -> None:
    given = GIVEN | {"batch.sise": "1", "transforms.a.type": "x", "consumer.override.x": "y"}
    assert unknown_keys(given) == {"batch.sise": "batch.size"}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("pattern", ["(a|aa)+b", "(a|aa|aaa)+b"])
def test_a_pattern_that_comes_to_no_end_is_refused_in_time(pattern: str) -> None:
    found = problems(topics="", topics__regex=pattern, errors__deadletterqueue__topic__name="a" * 40 + "!")
    assert pattern in found["topics.regex"][0]


def test_the_keys_of_retries_and_time_outs_are_read() -> None:
    config = parse_connector(
        GIVEN
        | {
            "errors.retry.timeout": "-1",
            "errors.retry.delay.max.ms": "500",
            "max.retries": "3",
            "connection.command.timeout.ms": "1500",
            "value.converter.replace.null.with.default": "false",
        }
    )
    assert (config.errors.retry_timeout_ms, config.errors.retry_delay_max_ms, config.max_retries) == (
        -1,
        500,
        3,
    )
    assert config.command_timeout_ms == 1500
    assert (
        config.key_converter.replace_null_with_default,
        config.value_converter.replace_null_with_default,
    ) == (
        True,
        False,
    )
    assert parse_connector(GIVEN).command_timeout_ms == 60_000
    assert problems(max__retries="-1", tasks__max="2000000000").keys() == {"max.retries", "tasks.max"}


@pytest.mark.parametrize("name", ["a.b", "a@b", "a[0]", "a b", "ä-ö", "a/b:c#d", "$x"])
def test_names_as_connects_users_have_them_are_allowed(name: str) -> None:
    assert parse_connector(GIVEN).table.identifiers_allow.fullmatch(name)


@pytest.mark.parametrize("name", ['a"b', "a\nb", "a\0", "a;b", "a\\b", "\u202e"])
def test_names_that_hide_something_are_not(name: str) -> None:
    assert not parse_connector(GIVEN).table.identifiers_allow.fullmatch(name)
