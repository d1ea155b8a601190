"""How a service keeps others out and proves to others who it is: the part of its settings that every service has."""

import ssl
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, HttpUrl, SecretStr, model_validator
from pydantic_settings import BaseSettings

from .tls_files import client_context

if TYPE_CHECKING:
    from .client_credentials import ClientCredentials

LOOPBACK = "localhost"


class SecuritySettings(BaseSettings):
    """TLS and tokens of the service's own HTTP, and how it logs in at the brokers.

    `tls_certfile` and `tls_keyfile` make it speak https; one file may hold both. `tls_cafile` is what it trusts when it
    asks others over https, the system's authorities without it.

    With `auth_issuer` every request needs an access token (JWT) of that OpenID Connect issuer for `auth_audience`;
    `auth_roles_claim` is where its roles are, a dotted path (`realm_access.roles`). Without one the service listens at
    loopback addresses only, unless `allow_anonymous` says that something before it keeps others out.

    `kafka_…` are named as the options of Kafka's clients; certificates and keys are PEM files. All files are read again
    for new connections, so that what is in them may change. With OAUTHBEARER user name and password are the
    client id and secret that `kafka_sasl_oauthbearer_token_endpoint_url` gives tokens for (client credentials grant); over
    https it is trusted as `tls_cafile` says.
    """

    host: str = "127.0.0.1"
    tls_certfile: Path | None = None
    tls_keyfile: Path | None = None
    tls_cafile: Path | None = None
    auth_issuer: str | None = None
    auth_audience: str = "shop"
    auth_roles_claim: str = "roles"
    auth_leeway: float = Field(default=10.0, ge=0)
    allow_anonymous: bool = False

    kafka_bootstrap: str
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] = "SCRAM-SHA-512"
    kafka_sasl_username: str | None = None
    kafka_sasl_password: SecretStr | None = None
    kafka_sasl_password_file: Path | None = None
    kafka_sasl_oauthbearer_token_endpoint_url: HttpUrl | None = None
    kafka_sasl_oauthbearer_scope: str | None = None
    kafka_ssl_cafile: Path | None = None
    kafka_ssl_certfile: Path | None = None
    kafka_ssl_keyfile: Path | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        prefix = self.model_config.get("env_prefix", "")
        if not (self.auth_issuer or self.allow_anonymous or is_loopback(self.host)):
            raise ValueError(
                f"{prefix}HOST={self.host} is open to others: set {prefix}AUTH_ISSUER, or "
                f"{prefix}ALLOW_ANONYMOUS=true where something else keeps them out"
            )
        if self.tls_keyfile and not self.tls_certfile:
            raise ValueError(f"{prefix}TLS_KEYFILE needs {prefix}TLS_CERTFILE")
        self._check_kafka_login(prefix)
        if not self.kafka_security_protocol.endswith("SSL") and (
            self.kafka_ssl_cafile or self.kafka_ssl_certfile or self.kafka_ssl_keyfile
        ):
            raise ValueError(
                f"{prefix}KAFKA_SECURITY_PROTOCOL={self.kafka_security_protocol} uses no certificates"
            )
        return self

    def _check_kafka_login(self, prefix: str) -> None:
        logs_in = self.kafka_security_protocol.startswith("SASL")
        asks_for_tokens = logs_in and self.kafka_sasl_mechanism == "OAUTHBEARER"
        endpoint = self.kafka_sasl_oauthbearer_token_endpoint_url
        if logs_in:
            if not self.kafka_sasl_username:
                raise ValueError(f"{self.kafka_security_protocol} needs {prefix}KAFKA_SASL_USERNAME")
            if (self.kafka_sasl_password is None) == (self.kafka_sasl_password_file is None):
                raise ValueError(
                    f"{self.kafka_security_protocol} needs one of {prefix}KAFKA_SASL_PASSWORD and "
                    f"{prefix}KAFKA_SASL_PASSWORD_FILE"
                )
        elif self.kafka_sasl_username or self.kafka_sasl_password or self.kafka_sasl_password_file:
            raise ValueError(f"{prefix}KAFKA_SECURITY_PROTOCOL={self.kafka_security_protocol} uses no log-in")
        if asks_for_tokens and endpoint is None:
            raise ValueError(f"OAUTHBEARER needs {prefix}KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL")
        if not asks_for_tokens and (endpoint or self.kafka_sasl_oauthbearer_scope):
            raise ValueError(
                f"{prefix}KAFKA_SASL_OAUTHBEARER_… needs {prefix}KAFKA_SASL_MECHANISM=OAUTHBEARER"
            )

    def kafka_security(self) -> Mapping[str, Any]:
        """The options of one of aiokafka's clients that say how it is let in. Raises `OSError` for a file that is missing."""
        options: dict[str, Any] = {"security_protocol": self.kafka_security_protocol}
        if self.kafka_security_protocol.endswith("SSL"):
            options["ssl_context"] = client_context(
                self.kafka_ssl_cafile, self.kafka_ssl_certfile, self.kafka_ssl_keyfile
            )
        if self.kafka_security_protocol.startswith("SASL"):
            options["sasl_mechanism"] = self.kafka_sasl_mechanism
            if self.kafka_sasl_oauthbearer_token_endpoint_url:
                options["sasl_oauth_token_provider"] = self._kafka_tokens(
                    str(self.kafka_sasl_oauthbearer_token_endpoint_url)
                )
            else:
                options["sasl_plain_username"] = self.kafka_sasl_username
                options["sasl_plain_password"] = self._kafka_password()
        return options

    def server_tls(self) -> Mapping[str, Any]:
        """The options of uvicorn that make it speak https; none without a certificate."""
        return (
            {"ssl_certfile": self.tls_certfile, "ssl_keyfile": self.tls_keyfile} if self.tls_certfile else {}
        )

    def client_tls(self) -> ssl.SSLContext | bool:
        """What an httpx client takes as `verify`."""
        return client_context(self.tls_cafile) if self.tls_cafile else True

    @property
    def certificate_files(self) -> Mapping[str, Path | None]:
        """The files with certificates, by setting."""
        return {
            "tls_certfile": self.tls_certfile,
            "tls_cafile": self.tls_cafile,
            "kafka_ssl_cafile": self.kafka_ssl_cafile,
            "kafka_ssl_certfile": self.kafka_ssl_certfile,
        }

    def _kafka_tokens(self, endpoint: str) -> "ClientCredentials":
        from .client_credentials import ClientCredentials  # noqa: PLC0415 - a migration asks nobody for tokens

        return ClientCredentials(
            endpoint=endpoint,
            login=lambda: (self.kafka_sasl_username or "", self._kafka_password()),
            scope=self.kafka_sasl_oauthbearer_scope,
            verify=self.client_tls(),
        )

    def _kafka_password(self) -> str:
        if self.kafka_sasl_password_file:
            return self.kafka_sasl_password_file.read_text(encoding="utf-8").strip()
        return self.kafka_sasl_password.get_secret_value() if self.kafka_sasl_password else ""


def is_loopback(host: str) -> bool:
    """Whether `host` names this machine to itself alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == LOOPBACK
