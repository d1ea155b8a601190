"""OAUTHBEARER in Connect's spellings, the older and the newer ones; what cannot be had is an error."""

from pathlib import Path
from typing import Any

import pytest

from devservers.certificates import Authority
from sink_connector.config.secrets import is_secret
from sink_connector.errors import ConfigError
from sink_connector.runtime.kafka_login import CLIENT_ID, CLIENT_SECRET, ENDPOINT, HANDLER
from sink_connector.runtime.kafka_options import client_options, consumer_options

URL = "https://issuer.example/token"
PACKAGE = "org.apache.kafka.common.security.oauthbearer"
MODULE = f"{PACKAGE}.OAuthBearerLoginModule"
BASE = {"security.protocol": "SASL_SSL", "sasl.mechanism": "OAUTHBEARER", ENDPOINT: URL}
OLD = BASE | {
    "sasl.jaas.config": f'{MODULE} required clientId="me" clientSecret="a \\"b" scope="kafka" extension_pool="7";',
    HANDLER: f"{PACKAGE}.secured.OAuthBearerLoginCallbackHandler",
}
NEW = BASE | {CLIENT_ID: "me", CLIENT_SECRET: 'a "b', "sasl.oauthbearer.scope": "kafka"}


def options_of(keys: dict[str, str]) -> dict[str, Any]:
    return consumer_options(keys, bootstrap_servers="b:1", group_id="g")


@pytest.mark.parametrize(
    "keys",
    [
        OLD,
        NEW,
        NEW | {"sasl.jaas.config": f"{MODULE} required ;"},
        OLD | {CLIENT_ID: "me", "sasl.jaas.config": OLD["sasl.jaas.config"].replace('"me"', '"another"')},
        NEW | {"sasl.oauthbearer.jwt.retriever.class": f"{PACKAGE}.ClientCredentialsJwtRetriever"},
    ],
    ids=["a JAAS entry", "the keys of Kafka 4.1", "with an empty entry", "the keys go first", "its class"],
)
def test_a_connect_workers_log_in_is_honoured(keys: dict[str, str]) -> None:
    options = options_of(keys)
    provider = options["sasl_oauth_token_provider"]
    assert options["sasl_mechanism"] == "OAUTHBEARER"
    assert (provider.endpoint, provider.scope, provider.login()) == (URL, "kafka", ("me", 'a "b'))
    assert client_options(options)["sasl_oauth_token_provider"] is provider, (
        "one token for all of its clients"
    )
    assert 'a "b' not in repr(options)


def test_extensions_of_the_entry_go_with_the_token() -> None:
    assert options_of(OLD)["sasl_oauth_token_provider"].extensions() == {"pool": "7"}


def test_credentials_are_encoded_where_the_issuer_wants_them_so() -> None:
    keys = NEW | {"sasl.oauthbearer.header.urlencode": "true"}
    assert options_of(keys)["sasl_oauth_token_provider"].login() == ("me", "a+%22b")


def test_the_endpoint_is_trusted_as_the_entry_says(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority").make()
    entry = f'{MODULE} required ssl.truststore.type="PEM" ssl.truststore.location="{authority.certificate}";'
    trusted = options_of(NEW | {"sasl.jaas.config": entry})["sasl_oauth_token_provider"].verify
    [certificate] = trusted.current().get_ca_certs()
    assert "Local development authority" in str(certificate["subject"])
    assert options_of(NEW)["sasl_oauth_token_provider"].verify is True


@pytest.mark.parametrize(
    ("keys", "key"),
    [
        ({"sasl.mechanism": "OAUTHBEARER", CLIENT_ID: "me", CLIENT_SECRET: "a"}, ENDPOINT),
        (NEW | {ENDPOINT: "file:///token"}, ENDPOINT),
        (BASE, CLIENT_ID),
        (BASE | {CLIENT_ID: "me"}, CLIENT_ID),
        (NEW | {HANDLER: "a.Handler"}, HANDLER),
        (
            NEW | {"sasl.oauthbearer.jwt.retriever.class": f"{PACKAGE}.FileJwtRetriever"},
            "sasl.oauthbearer.jwt.retriever.class",
        ),
        (NEW | {"sasl.oauthbearer.assertion.file": "/a"}, "sasl.oauthbearer.assertion.file"),
        (
            NEW | {"sasl.jaas.config": 'a.PlainLoginModule required username="a" password="b";'},
            "sasl.jaas.config",
        ),
        (
            NEW | {"sasl.jaas.config": f'{MODULE} required unsecuredLoginStringClaim_sub="me";'},
            "sasl.jaas.config",
        ),
        (
            NEW | {"sasl.jaas.config": f'{MODULE} required ssl.truststore.location="/nowhere";'},
            "sasl.jaas.config",
        ),
        (NEW | {"sasl.mechanism": "PLAIN", CLIENT_SECRET: ""}, ENDPOINT),
    ],
    ids=str,
)
def test_what_is_asked_for_and_cannot_be_had_is_an_error(keys: dict[str, str], key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        options_of(keys)
    assert f"consumer.override.{key}" in refused.value.problems
    assert 'a "b' not in str(refused.value.problems)


def test_the_secret_is_hidden_in_either_spelling() -> None:
    assert is_secret(f"consumer.override.{CLIENT_SECRET}")
    assert is_secret("consumer.override.sasl.jaas.config")
