"""What a consumer is told in Kafka's words, as Kafka's own clients read them."""

from typing import Any

import pytest

from sink_connector.errors import ConfigError
from sink_connector.runtime.kafka_options import consumer_options


def options(servers: str = "k:9092", **overrides: str) -> dict[str, Any]:
    named = {name.replace("__", "."): value for name, value in overrides.items()}
    return consumer_options(named, bootstrap_servers=servers, group_id="g")


@pytest.mark.parametrize("written", ["latest", " Latest ", "LATEST"])
def test_a_word_is_read_whatever_its_case(written: str) -> None:
    assert options(auto__offset__reset=written)["auto_offset_reset"] == "latest"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("auto.offset.reset", "newest"), ("auto.offset.reset", ""), ("auto.offset.reset", "by_duration:PT1H"),
        ("isolation.level", "serializable"),
    ],
)  # fmt: skip
def test_a_word_that_is_none_is_refused(name: str, written: str) -> None:
    with pytest.raises(ConfigError) as refused:
        options(**{name.replace(".", "__"): written})
    assert list(refused.value.problems) == [f"consumer.override.{name}"]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a:1,b:2", "a:1,b:2"), (" a , b_c.d:2,", "a:9092,b_c.d:2"), ("PLAINTEXT://a:1,SASL_SSL://b:2", "a:1,b:2"),
        ("[::1]:9093", "[::1]:9093"), ("10.0.0.1:1", "10.0.0.1:1"),
    ],
)  # fmt: skip
def test_servers_are_a_list_of_hosts_and_ports(written: str, read: str) -> None:
    assert options(written)["bootstrap_servers"] == read
    assert options(bootstrap__servers=written)["bootstrap_servers"] == read


@pytest.mark.parametrize("written", ["a:b", "a:99999", "[::1", "a b:1", "http://", "a:1;b:2", ",", "a:1:2"])
def test_servers_that_are_none_are_refused(written: str) -> None:
    for key, given in (("bootstrap.servers", (written, {})), ("consumer.override.bootstrap.servers", ("k:1", {"bootstrap__servers": written}))):  # fmt: skip
        with pytest.raises(ConfigError) as refused:
            options(given[0], **given[1])
        assert list(refused.value.problems) == [key]


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("max.poll.records", "0"), ("max.poll.records", "-5"), ("max.poll.records", "99999999999"), ("max.poll.records", ""),
        ("session.timeout.ms", "0"), ("session.timeout.ms", "6 s"), ("heartbeat.interval.ms", "-1"),
        ("max.poll.interval.ms", "0"), ("fetch.min.bytes", "-1"), ("fetch.max.bytes", "50MB"), ("fetch.max.wait.ms", "-1"),
        ("max.partition.fetch.bytes", "2147483648"), ("request.timeout.ms", "0"), ("retry.backoff.ms", "-1"),
        ("metadata.max.age.ms", "-1"), ("metadata.max.age.ms", "9223372036854775808"), ("connections.max.idle.ms", "PT9M"),
        ("check.crcs", "maybe"), ("check.crcs", ""), ("group.instance.id", " "),
        ("heartbeat.interval.ms", "10000"), ("session.timeout.ms", "500"),
    ],
)  # fmt: skip
def test_a_value_with_which_kafkas_consumer_would_not_start_is_refused(name: str, written: str) -> None:
    with pytest.raises(ConfigError) as refused:
        options(**{name.replace(".", "__"): written})
    assert f"consumer.override.{name}" in refused.value.problems


@pytest.mark.parametrize(
    ("name", "written", "read"),
    [
        ("connections.max.idle.ms", "-1", None), ("connections.max.idle.ms", " 540000 ", 540_000),
        ("metadata.max.age.ms", "9223372036854775807", 2**31 - 1), ("retry.backoff.ms", "0", 0),
        ("fetch.min.bytes", "+1", 1), ("check.crcs", " TRUE ", True), ("check.crcs", "false", False),
    ],
)  # fmt: skip
def test_a_value_is_read_as_kafkas_consumer_reads_it(name: str, written: str, read: object) -> None:
    assert options(**{name.replace(".", "__"): written})[name.replace(".", "_")] == read
