"""A worker's settings: a Connect worker's own file, and the environment that goes before it."""

from pathlib import Path

import httpx
import pytest

from sink_connector.config.worker import read_worker, settings_without_effect, unknown_settings
from sink_connector.errors import ConfigError
from sink_connector.runtime.connector_definition import ConnectorDefinition, define_connector
from tests.support.sink_rest import CONNECTOR

DISTRIBUTED = """
bootstrap.servers=one:9092,two:9092
group.id=connect-cluster
key.converter=org.apache.kafka.connect.json.JsonConverter
key.converter.schemas.enable=false
offset.storage.topic=connect-offsets
config.storage.topic=connect-configs
config.storage.replication.factor=1
status.storage.topic=connect-status
listeners=http://127.0.0.2:8084
plugin.path=/usr/share/java
consumer.max.poll.records=500
security.protocol=PLAINTEXT
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "connect-distributed.properties"
    path.write_text(DISTRIBUTED)
    return path


def test_a_connect_workers_file_is_understood_as_it_is(file: Path) -> None:
    config = read_worker({}, file=file)
    assert (config.bootstrap_servers, config.group_id) == ("one:9092,two:9092", "connect-cluster")
    assert (config.configs.name, config.configs.replication_factor) == ("connect-configs", 1)
    assert (config.statuses.name, config.statuses.partitions) == ("connect-status", 5)
    assert (config.rest_host, config.rest_port, config.advertised) == ("127.0.0.2", 8084, "127.0.0.2:8084")
    assert config.consumer == {"max.poll.records": "500"}


def test_the_environment_goes_before_the_file(file: Path) -> None:
    config = read_worker({"SINK_REST_PORT": "9000", "SINK_STATUS_STORAGE_TOPIC": "mine"}, file=file)
    assert (config.rest_port, config.statuses.name) == (9000, "mine")


def test_a_file_is_read_as_java_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "worker.properties"
    path.write_bytes(
        "! a comment\r\n"
        "group.id : caf\\u00e9-\\uD83D\\uDE00 \r\n"
        "bootstrap.servers = one:9092,\\\r\n    two\\:9092\r\n"
        "log.level DEBUG\r\n"
        'sasl.jaas.config=a required password="b\\\\c=d";\r\n'
        "status.storage.topic=first\r\n"
        "status.storage.topic=zuletzt-ä".encode()
    )
    config = read_worker({}, file=path)
    assert config.group_id == "café-😀"
    assert config.bootstrap_servers == "one:9092,two:9092"
    assert config.log_level == "DEBUG"
    assert config.security == {"sasl.jaas.config": 'a required password="b\\c=d";'}
    assert config.statuses.name == "zuletzt-ä"


def test_an_escape_that_java_refuses_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "worker.properties"
    path.write_text("group.id=\\u12")
    with pytest.raises(ConfigError, match=r"cannot be read: Invalid \\u escape sequence"):
        read_worker({}, file=path)


def test_a_connector_inherits_the_converters_it_does_not_name(file: Path) -> None:
    config = read_worker({}, file=file)
    assert config.completed({"topics": "a", "batch.size": None}) == {
        "key.converter": "org.apache.kafka.connect.json.JsonConverter",
        "key.converter.schemas.enable": "false",
        "topics": "a",
    }
    own = {"key.converter": "org.apache.kafka.connect.storage.StringConverter"}
    assert config.completed(own) == own


def test_a_number_that_is_none_names_its_setting() -> None:
    with pytest.raises(ConfigError, match=r"config\.storage\.replication\.factor: is 'many'"):
        read_worker({"SINK_CONFIG_STORAGE_REPLICATION_FACTOR": "many"})


@pytest.mark.parametrize(
    ("setting", "written"),
    [
        ("session.timeout.ms", "0"), ("session.timeout.ms", "-1"), ("heartbeat.interval.ms", "0"), ("heartbeat.interval.ms", "10000"),
        ("session.timeout.ms", "400"), ("rebalance.timeout.ms", "0"), ("rebalance.timeout.ms", "2147483648"), ("max.connections", "0"),
        ("config.storage.replication.factor", "0"), ("config.storage.replication.factor", "-2"), ("status.storage.partitions", "0"),
        ("status.storage.replication.factor", "32768"), ("config.storage.partitions", "2"),
    ],
)  # fmt: skip
def test_a_number_that_a_worker_cannot_run_with_is_refused(setting: str, written: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read_worker({f"SINK_{setting.upper().replace('.', '_')}": written})
    assert setting in refused.value.problems


EVERYWHERE = "0.0.0.0"  # noqa: S104 - it is only read


def test_every_listener_is_listened_at_and_called_by_its_name() -> None:
    config = read_worker({"SINK_LISTENERS": "http://one:8084, HTTP://[::1]:8085,http://:8086,http://two"})
    assert config.listeners == (("one", 8084), ("::1", 8085), (EVERYWHERE, 8086), ("two", 8083))
    assert (config.advertised, config.hosts) == ("one:8084", frozenset({"one", "::1", "two"}))


@pytest.mark.parametrize(
    ("setting", "written", "address"),
    [("SINK_REST_HOST", EVERYWHERE, (EVERYWHERE, 8084)), ("SINK_REST_PORT", "8087", ("one", 8087))],
)
def test_one_address_goes_before_several_with_a_word(
    setting: str, written: str, address: tuple[str, int], tmp_path: Path
) -> None:
    """Images and manifests name one in the environment, beside whatever file they are given."""
    path = tmp_path / "worker.properties"
    path.write_text("listeners=http://one:8084,http://two:8085\n")
    config = read_worker({setting: written}, file=path)
    assert (config.listeners, list(config.overridden)) == ((address,), ["listeners"])
    assert config.address_settings == ("rest.host", "rest.port")
    assert not read_worker({}, file=path).overridden
    assert not read_worker({setting: written, "SINK_LISTENERS": "http://one:8084,"}).overridden


def test_an_address_that_is_named_twice_is_listened_at_once() -> None:
    config = read_worker({"SINK_LISTENERS": "http://one:8084,http://two:8084,http://ONE:8084/"})
    assert config.listeners == (("one", 8084), ("two", 8084))
    assert config.address_settings == ("listeners",)


def test_a_byte_order_mark_is_no_part_of_the_first_setting(tmp_path: Path) -> None:
    path = tmp_path / "worker.properties"
    path.write_text("bootstrap.servers=one:9092\r\n", encoding="utf-8-sig")
    assert read_worker({}, file=path).bootstrap_servers == "one:9092"
    assert not unknown_settings(path)


@pytest.mark.parametrize(
    ("setting", "written"),
    [
        ("listeners", "http://h:99999"), ("listeners", "http://h:port"), ("listeners", "http://[::1"), ("listeners", "https://[x"),
        ("rest.port", "65536"), ("rest.port", "-1"), ("rest.advertised.port", "70000"),
    ],
)  # fmt: skip
def test_a_place_where_nobody_can_listen_names_its_setting(setting: str, written: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read_worker({f"SINK_{setting.upper().replace('.', '_')}": written})
    assert list(refused.value.problems) == [setting]


def test_a_file_that_is_not_utf_8_is_read_as_java_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "worker.properties"
    path.write_bytes("group.id=café\n".encode("latin-1"))
    assert read_worker({}, file=path).group_id == "café"


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "worker.properties"
    path.write_bytes("bootstrap.servers=one:9092\n".encode("utf-16"))
    with pytest.raises(ConfigError, match="cannot be read: it is not UTF-8"):
        read_worker({}, file=path)


def test_a_setting_that_is_neither_true_nor_false_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"topic\.tracking\.enable: is 'perhaps', it must be true or false"):
        read_worker({"SINK_TOPIC_TRACKING_ENABLE": "perhaps"})


@pytest.mark.parametrize(
    ("settings", "advertised"),
    [
        ({"listeners": "http://[::1]:8084"}, "[::1]:8084"),
        ({"rest.advertised.host.name": "fd00::2"}, "[fd00::2]:8083"),
        ({"rest.advertised.host.name": "[fd00::2]", "rest.advertised.port": "80"}, "[fd00::2]:80"),
        ({"rest.advertised.host.name": "worker-1.example"}, "worker-1.example:8083"),
    ],
)
def test_the_address_that_other_workers_are_told_can_stand_in_a_url(
    tmp_path: Path, settings: dict[str, str], advertised: str
) -> None:
    path = tmp_path / "worker.properties"
    path.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    config = read_worker({}, file=path)
    assert config.advertised == advertised
    assert httpx.URL(f"http://{advertised}/").host in config.hosts


def overriding(policy: dict[str, str], *keys: str) -> ConnectorDefinition:
    worker = read_worker({f"SINK_{name.upper().replace('.', '_')}": value for name, value in policy.items()})
    given = {**CONNECTOR, "name": "c", **{f"consumer.override.{key}": "PLAIN" for key in keys}}
    return define_connector(given, worker)


POLICY = "connector.client.config.override.policy"
JAVA = "org.apache.kafka.connect.connector.policy.{}ConnectorClientConfigOverridePolicy"


@pytest.mark.parametrize(
    ("policy", "allowed"),
    [
        ({}, {"sasl.mechanism", "client.id"}),
        ({POLICY: "All"}, {"sasl.mechanism", "client.id"}),
        ({POLICY: JAVA.format("Principal")}, {"sasl.mechanism"}),
        ({POLICY: "Allowlist", "connector.client.config.override.allowlist": "group.id, client.id"}, {"client.id"}),
        ({POLICY: JAVA.format("None")}, set()),
        ({POLICY: "Allowlist"}, set()),
    ],
)  # fmt: skip
def test_a_connector_overrides_what_the_workers_policy_allows(
    policy: dict[str, str], allowed: set[str]
) -> None:
    overriding(policy)
    for key in ("sasl.mechanism", "client.id"):
        if key in allowed:
            overriding(policy, key)
            continue
        with pytest.raises(ConfigError) as refused:
            overriding(policy, key)
        assert list(refused.value.problems) == [f"consumer.override.{key}"]


def test_a_policy_that_is_not_there_is_refused() -> None:
    with pytest.raises(
        ConfigError, match="classes cannot be loaded here; known are All, None, Principal, Allowlist"
    ):
        overriding({POLICY: "com.example.Policy"})


def test_what_counts_in_a_file_is_not_told_to_be_unknown(tmp_path: Path) -> None:
    path = tmp_path / "worker.properties"
    path.write_text("max.connections=7\nallowed.hosts=sink.example\n")
    config = read_worker({}, file=path)
    assert (config.max_connections, config.allowed_hosts) == (7, frozenset({"sink.example"}))
    assert unknown_settings(path) == {}


def test_what_a_connect_worker_is_told_and_this_one_has_no_use_for_is_named(tmp_path: Path) -> None:
    path = tmp_path / "worker.properties"
    idle = [
        "consumer.interceptor.classes", "exactly.once.source.support", "offset.storage.topic", "plugin.path",
        "producer.linger.ms", "response.http.headers.config",
    ]  # fmt: skip
    effective = [
        "bootstrap.servers", "consumer.fetch.min.bytes", "consumer.ssl.truststore.type", "group.id",
        "listeners.https.ssl.client.auth", "sasl.mechanism", "value.converter.schemas.enable", "group.idd",
    ]  # fmt: skip
    path.write_text("".join(f"{name}=x\n" for name in idle + effective))
    assert settings_without_effect(path) == idle
    assert settings_without_effect(None) == []


@pytest.mark.parametrize(
    ("settings", "host"),
    [
        ({}, "127.0.0.2"),
        ({"SINK_LISTENERS": "http://127.0.0.3:8083"}, "127.0.0.3"),
        ({"SINK_REST_HOST": "127.0.0.4"}, "127.0.0.4"),
    ],
)
def test_the_host_of_older_workers_counts_where_nothing_else_is_said(
    settings: dict[str, str], host: str
) -> None:
    assert read_worker({"SINK_REST_HOST_NAME": "127.0.0.2", **settings}).rest_host == host


@pytest.mark.parametrize(
    ("settings", "keys", "named"),
    [
        ({"SINK_CONSUMER_FETCH_MIN_BYTES": "many"}, {}, "consumer.fetch.min.bytes"),
        ({"SINK_SASL_LOGIN_CLASS": "a.Login"}, {}, "sasl.login.class"),
        ({"SINK_CONSUMER_FETCH_MIN_BYTES": "1"}, {"fetch.min.bytes": "many"}, "consumer.override.fetch.min.bytes"),
    ],
)  # fmt: skip
def test_a_problem_with_the_consumer_is_that_of_the_key_that_was_written(
    settings: dict[str, str], keys: dict[str, str], named: str
) -> None:
    given = {**CONNECTOR, "name": "c"} | {f"consumer.override.{key}": value for key, value in keys.items()}
    with pytest.raises(ConfigError) as refused:
        define_connector(given, read_worker(settings))
    assert list(refused.value.problems) == [named]
