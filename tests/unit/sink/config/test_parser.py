"""Configuration keys: aliases, bounds, patterns, names."""

import pytest

from sink_connector.config.connector import InsertMode, PkMode, warnings_of
from sink_connector.config.parser import ignored_keys, parse_connector
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


@pytest.mark.parametrize(
    ("given", "warning"),
    [
        ({"errors.deadletterqueue.topic.name": "dead"}, "errors.deadletterqueue.topic.name has no effect while errors.tolerance is none"),
        ({"topics.to.tables.mapping": "a:x,c:y"}, "topics.to.tables.mapping has c, which is none of topics"),
    ],
)  # fmt: skip
def test_what_is_idle_is_allowed_as_in_connect_and_told(given: dict[str, str], warning: str) -> None:
    assert warnings_of(parse_connector(GIVEN | given)) == [warning]


@pytest.mark.parametrize(
    "given",
    [
        {"errors.deadletterqueue.topic.name": "dead", "errors.tolerance": "all"},
        {"topics.to.tables.mapping": "a:x"},
        {"topics.to.tables.mapping": "routed:x", "transforms": "route"},
        {"topics.to.tables.mapping": "b:x", "topics": "", "topics.regex": "[ab]"},
    ],
)
def test_what_may_count_is_not_told(given: dict[str, str]) -> None:
    assert warnings_of(parse_connector(GIVEN | given)) == []


@pytest.mark.parametrize(
    ("key", "written"),
    [
        ("insert.mode", ""), ("pk.mode", " "), ("errors.tolerance", ""), ("nested.type", ""), ("quote.sql.identifiers", ""),
        ("schema.evolution", ""), ("table.name.format", " "), ("notify.channel", "x" * 64), ("notify.channel", "ä" * 32),
        ("topics.to.tables.mapping", "a:b,a:c"), ("topics.to.tables.mapping", "a:"), ("topics.to.tables.mapping", ":b"),
        ("topics.to.tables.mapping", "a: "), ("topics.to.tables.mapping", "a:b:c"), ("topics.to.tables.mapping", "a"),
    ],
)  # fmt: skip
def test_a_value_that_connect_would_not_take_is_not_the_default(key: str, written: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse_connector(GIVEN | {key: written})
    assert list(raised.value.problems) == [key]


def test_blanks_and_repetitions_in_a_list_mean_nothing() -> None:
    table = parse_connector(
        GIVEN
        | {
            "topics.to.tables.mapping": " a : x , b:y,",
            "pk.mode": "record_value",
            "pk.fields": "id, other ,id",
        }
    ).table
    assert table.name_mapping == {"a": "x", "b": "y"}
    assert table.pk_fields == ("id", "other")
    assert "pk.fields" in problems(pk__mode="kafka", pk__fields="t,p,p")


@pytest.mark.parametrize(
    ("pattern", "read", "passed_over"),
    [
        (r"shop\.\p{Lower}+", "shop.orders", "shop.Orders"),
        (r"\Qshop.\E(?<what>orders|items)", "shop.items", "shop-items"),
        (r"(?i)orders|items", "ORDERS", "orders2"),
        (r"orders\d", "orders1", "orders\u0661"),
        (r"(?i)(?s)orders", "Orders", "order"),
        ("(?x)or ders # of all", "orders", "or ders"),
        (r"(?<a>or)ders\k<a>", "ordersor", "orders"),
        (r"[\h.]x", ".x", "[x"),
        (r"a[^\h]", "ab", "a "),
        (r"a\0101", "aA", "a\b1"),
        (r"\x{6f}rders", "orders", "order"),
        (r"a\V\H\S", "abcd", "ab d"),
    ],
)
def test_topics_are_matched_as_java_matches_them(pattern: str, read: str, passed_over: str) -> None:
    config = parse_connector(GIVEN | {"topics": "", "topics.regex": pattern})
    assert config.reads(read)
    assert not config.reads(passed_over)


@pytest.mark.parametrize(
    "pattern",
    [
        "a(?i)b", "(?:cat){e<=1}", "orders-{env}", r"\m", r"\K", r"(?|a|b)", "(?R)", "(?V1)a", "(?e)a", r"\yb", "(?<!a)(?1)",
        r"[\R]", r"[\H]", "(*PRUNE)a", r"a{,3}", "(?P<n>a)", "(?#x)a", r"\L<x>", r"\N{DIGIT ONE}", r"\b{g}",
    ],
)  # fmt: skip
def test_a_pattern_that_java_would_read_otherwise_or_not_at_all_is_refused(pattern: str) -> None:
    assert list(problems(topics="", topics__regex=pattern)) == ["topics.regex"]


@pytest.mark.parametrize(
    ("written", "fits"), [("-1", True), ("1", True), ("0", False), ("-2", False), ("32768", False)]
)
def test_the_replication_of_the_dead_letters_topic_may_be_the_brokers_default(
    written: str, *, fits: bool
) -> None:
    key = "errors.deadletterqueue.topic.replication.factor"
    if fits:
        assert parse_connector(GIVEN | {key: written}).errors.dead_letter_replication == int(written)
    else:
        assert list(problems(**{key: written})) == [key]


def test_every_wrong_value_is_reported_at_once() -> None:
    found = problems(tasks__max="0", insert__mode="replace", auto__create="yes", db__timezone="Moon/Base")
    assert found.keys() >= {"tasks.max", "insert.mode", "auto.create", "db.timezone"}


def test_a_key_nobody_knows_is_told_but_is_no_error() -> None:
    given = GIVEN | {
        "batch.sise": "1",
        "transforms": "a",
        "transforms.a.type": "x",
        "consumer.override.fetch.min.bytes": "1",
    }
    assert ignored_keys(given) == {"batch.sise": "is not known; it has no effect; did you mean batch.size?"}


STRAY = {
    "transforms.b.type": "has no effect: transforms does not name b",
    "predicates.p.type": "has no effect: predicates does not name p",
    "projection.totals.sql": "has no effect: projections does not name totals",
    "value.converter.schema.enable": "is not known; it has no effect; did you mean value.converter.schemas.enable?",
    "key.converter.schemas.enabled": "is not known; it has no effect; did you mean key.converter.schemas.enable?",
    "consumer.override.max.pol.records": "is not known; it has no effect; did you mean consumer.override.max.poll.records?",
    "consumer.override.interceptor.classes": "is not known to the consumer here; it has no effect",
    "consumer.override.": "is not known to the consumer here; it has no effect",
}


def test_a_key_of_a_family_that_nobody_reads_is_told() -> None:
    named = {
        "transforms": "a, c.d",
        "transforms.a.type": "Filter",
        "transforms.c.d.type": "Filter",
        "value.converter.schemas.enable": "false",
        "value.converter.schema.registry.basic.auth.user.info": "x",
        "value.converter.schemas.cache.config": "1",
        "consumer.override.max.poll.records": "1",
        "consumer.override.ssl.truststore.type": "PEM",
    }
    assert ignored_keys(GIVEN | named | dict.fromkeys(STRAY, "x")) == STRAY
    assert ignored_keys(GIVEN | {"transforms": "${env:CHAIN}", "transforms.b.type": "Filter"}) == {}


DEBEZIUMS = "io.debezium.connector.jdbc.JdbcSinkConnector"
STRATEGIES = "io.debezium.sink.naming."


@pytest.mark.parametrize(
    ("key", "value", "folds"),
    [
        ("quote.sql.identifiers", "NEVER", True),
        ("quote.identifiers", "false", True),
        ("quote.identifiers", "true", False),
        ("sql.quote.identifiers", "False", True),
        ("sql.quote.identifiers", "never", True),
    ],
)
def test_whether_names_are_quoted_is_asked_for_as_each_sink_does(
    key: str, value: str, *, folds: bool
) -> None:
    assert parse_connector(GIVEN | {key: value}).table.fold_names is folds


@pytest.mark.parametrize(
    ("connector_class", "keys", "replaces"),
    [
        (DEBEZIUMS, {}, True),
        (DEBEZIUMS, {"collection.naming.strategy": f"{STRATEGIES}DefaultCollectionNamingStrategy"}, True),
        (DEBEZIUMS, {"table.naming.strategy": "io.debezium.connector.jdbc.naming.DefaultTableNamingStrategy"}, True),
        (DEBEZIUMS, {"collection.naming.strategy": f"{STRATEGIES}PassthroughCollectionNamingStrategy"}, False),
        (GIVEN["connector.class"], {}, False),
    ],
)  # fmt: skip
def test_dots_of_a_topic_become_underscores_as_debeziums_strategy_has_it(
    connector_class: str, keys: dict[str, str], *, replaces: bool
) -> None:
    config = parse_connector(GIVEN | {"connector.class": connector_class} | keys)
    assert config.table.dots_to_underscores is replaces


# Of Confluent's, Aiven's and Debezium's sinks and of Connect itself: as their documentation has them.
OTHERS_KEYS = {
    "dialect.name": "PostgreSqlDatabaseDialect", "connection.attempts": "3", "connection.backoff.ms": "10000", "table.types": "TABLE,VIEW",
    "trim.sensitive.log": "true", "mssql.use.merge.holdlock": "true", "db.timezone.date": "UTC", "replace.null.with.default": "true",
    "handle.tombstone": "true", "timestamp.precision.mode": "microseconds", "date.timezone": "UTC",
    "connection.provider": "org.hibernate.c3p0.internal.C3P0ConnectionProvider", "connection.pool.min_size": "5",
    "connection.pool.max_size": "32", "connection.pool.timeout": "1800", "connection.restart.on.errors": "false",
    "hibernate.jdbc.batch_size": "100", "column.naming.strategy": f"{STRATEGIES}DefaultColumnNamingStrategy",
    "dialect.postgres.postgis.schema": "public", "dialect.sqlserver.identity.insert": "false", "use.reduction.buffer": "true",
    "keyed.message.batch.mode": "deduplication", "header.converter": "org.apache.kafka.connect.storage.StringConverter",
    "header.converter.schemas.enable": "false", "config.action.reload": "restart", "tasks.max.enforce": "true", "connector.plugin.version": "3.5",
    "producer.override.linger.ms": "5", "admin.override.security.protocol": "SSL", "exactly.once.support": "requested",
    "topic.creation.default.partitions": "3", "confluent.topic.bootstrap.servers": "k:9092", "confluent.license": "x",
    "string.output.value.column.name": "recordValue",
}  # fmt: skip


@pytest.mark.parametrize("key", OTHERS_KEYS)
def test_a_key_of_another_sink_that_asks_for_nothing_else_is_passed_over_with_the_reason(key: str) -> None:
    given = GIVEN | {key: OTHERS_KEYS[key]}
    parse_connector(given)
    assert ignored_keys(given)[key].startswith("has no effect here: ")


@pytest.mark.parametrize(
    ("key", "value", "word"),
    [
        ("dialect.name", "OracleDatabaseDialect", "PostgreSQL"),
        ("column.naming.strategy", "com.example.SnakeCase", "ReplaceField"),
        ("collection.naming.strategy", "com.example.Mine", "PassthroughCollectionNamingStrategy"),
        ("table.naming.strategy", "com.example.Mine", "PassthroughCollectionNamingStrategy"),
        ("replace.null.with.default", "false", "value.converter.replace.null.with.default"),
        ("timestamp.fields.list", "at", "TimestampConverter"),
        ("string.output.value.column.name", "raw", "HoistField"),
    ],
)
def test_a_key_of_another_sink_that_would_write_other_rows_is_refused_with_a_word(
    key: str, value: str, word: str
) -> None:
    found = problems(**{key: value})
    assert list(found) == [{"table.naming.strategy": "collection.naming.strategy"}.get(key, key)]
    assert word in found[next(iter(found))][0]


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


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "pattern", ["(((a{99}){99}){99}){99}", "a{5000000}", "(?:[^)]{1,2}(b|\\)c){400}){999}", "(" * 9_999]
)
def test_a_pattern_that_is_compiled_for_ever_is_refused(pattern: str) -> None:
    assert list(problems(topics="", topics__regex=pattern)) == ["topics.regex"]


@pytest.mark.parametrize("pattern", ["(a{100}){100}", "[)]{1000}(?:b{9}){9}", "(\\d{4}-){200}"])
def test_a_pattern_may_repeat_what_anybody_means(pattern: str) -> None:
    assert parse_connector(GIVEN | {"topics": "", "topics.regex": pattern}).topics_regex


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({f"transforms.a{number}.type": "Filter" for number in range(20_000)}, "config"),
        ({"transforms": ",".join(f"a{number}" for number in range(20_000))}, "transforms"),
        ({"predicates": ",".join(f"a{number}" for number in range(20_000))}, "predicates"),
        ({"projections": ",".join(f"a{number}" for number in range(20_000))}, "projections"),
        ({"table.name.format": "${" * 200_000}, "table.name.format"),
        ({"topics.to.tables.mapping": "a:" + "${" * 200_000}, "topics.to.tables.mapping"),
        ({"anything": "${a:" * 200_000}, "anything"),
        ({"anything": "://a:" * 150_000}, "anything"),
        ({"connection.password": "x" * 1_000_000}, "connection.password"),
        ({"b" * 900_000: ""}, "b" * 50),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else next(iter(value))[:30],
)
def test_a_configuration_without_end_is_refused_in_no_time(given: dict[str, str], key: str) -> None:
    """Whoever may write one would else keep a worker from answering anybody for minutes."""
    with pytest.raises(ConfigError) as raised:
        parse_connector(GIVEN | given)
    assert list(raised.value.problems) == [key]
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize("key", ["notify.channel", "connection.url", "name", "topics", "anything"])
def test_half_of_a_surrogate_pair_is_a_problem_of_its_key(key: str) -> None:
    """An environment that is no UTF-8 has such, and so may a file with escapes."""
    with pytest.raises(ConfigError) as raised:
        parse_connector(GIVEN | {key: GIVEN.get(key, "a") + "\udc80"})
    assert "holds half of a surrogate pair" in raised.value.problems[key]
    assert str(raised.value).encode()
