"""What both services are told to keep others out with: settings that do not fit together are refused, with their names."""

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from catalog_service.settings import Settings as CatalogSettings
from devservers.certificates import Authority
from order_service.security_settings import SecuritySettings
from order_service.settings import Settings as OrderSettings

MAKERS: dict[str, Callable[..., SecuritySettings]] = {
    "ORDER": lambda **given: OrderSettings(
        instance="order-1", database_url="sqlite:///x", kafka_bootstrap="k:1", **given
    ),
    "CATALOG": lambda **given: CatalogSettings(  # type: ignore[dict-item]  # its copy of the class
        database_url=SecretStr("postgresql://x/y"), kafka_bootstrap="k:1", **given
    ),
}
SCRAM: dict[str, Any] = {"kafka_security_protocol": "SASL_SSL", "kafka_sasl_username": "me"}
TOKENS = SCRAM | {
    "kafka_sasl_mechanism": "OAUTHBEARER",
    "kafka_sasl_password": "a secret",
    "kafka_sasl_oauthbearer_token_endpoint_url": "https://issuer.example/token",
}


@pytest.mark.parametrize("prefix", MAKERS)
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "shop.example"])  # noqa: S104
def test_a_service_listens_beyond_loopback_with_tokens_or_when_told_to_only(prefix: str, host: str) -> None:
    make = MAKERS[prefix]
    with pytest.raises(ValidationError, match=f"{prefix}_AUTH_ISSUER"):
        make(host=host)
    assert make(host=host, auth_issuer="https://issuer.example").host == host
    assert make(host=host, allow_anonymous=True).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_a_service_without_tokens_listens_at_loopback(host: str) -> None:
    assert MAKERS["ORDER"](host=host).host == host


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"tls_keyfile": "k"}, "ORDER_TLS_CERTFILE"),
        ({"kafka_security_protocol": "SASL_SSL"}, "ORDER_KAFKA_SASL_USERNAME"),
        (SCRAM, "ORDER_KAFKA_SASL_PASSWORD_FILE"),
        (
            SCRAM | {"kafka_sasl_password": "a", "kafka_sasl_password_file": "b"},
            "ORDER_KAFKA_SASL_PASSWORD_FILE",
        ),
        ({"kafka_sasl_username": "me"}, "uses no log-in"),
        ({"kafka_ssl_cafile": "ca.pem"}, "uses no certificates"),
        ({"kafka_security_protocol": "TLS"}, "kafka_security_protocol"),
        (SCRAM | {"kafka_sasl_password": "a", "kafka_sasl_mechanism": "GSSAPI"}, "kafka_sasl_mechanism"),
        (
            SCRAM | {"kafka_sasl_password": "a", "kafka_sasl_mechanism": "OAUTHBEARER"},
            "ORDER_KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL",
        ),
        (TOKENS | {"kafka_sasl_oauthbearer_token_endpoint_url": "file:///token"}, "token_endpoint_url"),
        (TOKENS | {"kafka_sasl_mechanism": "PLAIN"}, "ORDER_KAFKA_SASL_MECHANISM=OAUTHBEARER"),
        ({"kafka_sasl_oauthbearer_scope": "kafka"}, "ORDER_KAFKA_SASL_MECHANISM=OAUTHBEARER"),
    ],
    ids=str,
)
def test_settings_that_do_not_fit_together_are_refused(given: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        MAKERS["ORDER"](**given)


def test_a_log_in_is_read_again_each_time_and_shown_nowhere(tmp_path: Path) -> None:
    authority, password = Authority(tmp_path / "authority").make(), tmp_path / "password"
    password.write_text("first\n")
    settings = MAKERS["CATALOG"](
        **SCRAM, kafka_sasl_password_file=password, kafka_ssl_cafile=authority.certificate
    )
    assert settings.kafka_security()["sasl_plain_password"] == "first"  # noqa: S105
    password.write_text("second\n")
    options = settings.kafka_security()
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("me", "second")
    trusting = options["ssl_context"].current()
    assert trusting.verify_mode is ssl.CERT_REQUIRED
    assert trusting.check_hostname
    assert "first" not in repr(settings) + repr(MAKERS["ORDER"](**SCRAM, kafka_sasl_password="first"))  # noqa: S106


@pytest.mark.parametrize("prefix", MAKERS)
def test_with_oauthbearer_a_client_asks_for_tokens_and_sends_no_password(prefix: str) -> None:
    settings = MAKERS[prefix](**TOKENS, kafka_sasl_oauthbearer_scope="kafka")
    options = settings.kafka_security()
    provider = options["sasl_oauth_token_provider"]
    assert options["sasl_mechanism"] == "OAUTHBEARER"
    assert not {"sasl_plain_username", "sasl_plain_password"} & options.keys()
    assert (provider.endpoint, provider.scope) == ("https://issuer.example/token", "kafka")
    assert provider.login() == ("me", "a secret")
    assert "a secret" not in repr(settings) + repr(provider)


def test_without_settings_everything_is_plain() -> None:
    settings = MAKERS["ORDER"]()
    assert settings.kafka_security() == {"security_protocol": "PLAINTEXT"}
    assert settings.server_tls() == {}
    assert settings.client_tls() is True
