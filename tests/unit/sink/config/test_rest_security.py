"""https and basic authentication of a worker's REST interface, in a Connect worker's spelling."""

from pathlib import Path

import pytest

from devservers.certificates import Authority
from sink_connector.config.rest_security import BASIC_AUTH
from sink_connector.config.worker import read_worker
from sink_connector.errors import ConfigError
from sink_connector.runtime.kafka_options import consumer_options


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority").make()


def worker_file(directory: Path, **settings: str) -> Path:
    file = directory / "worker.properties"
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    return file


def test_a_connect_workers_https_and_basic_authentication_are_honoured(
    tmp_path: Path, authority: Authority
) -> None:
    users = tmp_path / "users.properties"
    users.write_text("admin=a b\\u00e4\n")
    settings = {
        "listeners": "https://127.0.0.1:8443",
        "listeners.https.ssl.keystore.type": "PEM",
        "listeners.https.ssl.keystore.location": str(authority.issue("sink")),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority.certificate),
        "listeners.https.ssl.client.auth": "required",
        "rest.extension.classes": BASIC_AUTH,
        "rest.basic.auth.file": str(users),
    }
    rest = read_worker({}, file=worker_file(tmp_path, **settings)).rest
    assert (rest.scheme, rest.asks_clients, rest.trusted) == ("https", "required", authority.certificate)
    assert rest.knows("admin", "a bä")
    assert not any(rest.knows(*login) for login in (("admin", "a b"), ("other", ""), ("", ""), ("admin", "")))
    users.write_text("other=new\n")
    assert rest.knows("other", "new")
    assert not rest.knows("admin", "a bä")
    users.write_text("other=new\\ud800\n")
    assert not rest.knows("other", "new")


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"listeners": "https://:8443"}, "listeners.https.ssl.keystore.location"),
        (
            {"listeners": "https://:8443", "ssl.keystore.location": "{pem}", "ssl.keystore.type": "JKS"},
            "listeners.https.ssl.keystore.location",
        ),
        (
            {"listeners": "https://:8443", "ssl.keystore.location": "/nowhere"},
            "listeners.https.ssl.keystore.location",
        ),
        (
            {"listeners": "https://:8443", "ssl.keystore.location": "{pem}", "ssl.client.auth": "required"},
            "listeners.https.ssl.truststore.location",
        ),
        ({"listeners": "https://:8443,http://:8083", "ssl.keystore.location": "{pem}"}, "listeners"),
        ({"rest.extension.classes": BASIC_AUTH}, "rest.basic.auth.file"),
        ({"rest.extension.classes": "a.Else"}, "rest.extension.classes"),
        ({"rest.basic.auth.file": "/nowhere"}, "rest.basic.auth.file"),
    ],
)
def test_protection_that_cannot_be_had_is_an_error(
    tmp_path: Path, authority: Authority, settings: dict[str, str], key: str
) -> None:
    pem = str(authority.issue("sink"))
    written = {name: value.replace("{pem}", pem) for name, value in settings.items()}
    with pytest.raises(ConfigError) as refused:
        read_worker({}, file=worker_file(tmp_path, **written))
    assert set(refused.value.problems) == {key}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("security.protocol", "SASL_TLS"),
        ("sasl.mechanism", "GSSAPI"),
        ("sasl.oauthbearer.jwks.endpoint.url", "https://issuer.example/keys"),
        ("sasl.oauthbearer.scope", "kafka"),
        ("sasl.login.callback.handler.class", "a.Handler"),
        ("sasl.oauthbearer.token.endpoint.url", "https://issuer.example"),
        ("ssl.keystore.key", "-----BEGIN PRIVATE KEY-----"),
        ("ssl.engine.factory.class", "a.Factory"),
    ],
)
def test_security_for_kafka_that_cannot_be_had_is_an_error(name: str, value: str) -> None:
    with pytest.raises(ConfigError) as refused:
        consumer_options({name: value}, bootstrap_servers="b:1", group_id="g")
    assert set(refused.value.problems) == {f"consumer.override.{name}"}
    assert value not in str(refused.value.problems) or not name.startswith("ssl.keystore.key")


def test_a_trusted_certificate_may_be_in_the_configuration(authority: Authority) -> None:
    overrides = {
        "security.protocol": "SSL",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.certificates": authority.certificate.read_text(),
    }
    options = consumer_options(overrides, bootstrap_servers="b:1", group_id="g")
    assert len(options["ssl_context"].get_ca_certs()) >= 1
