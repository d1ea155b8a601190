"""What the environment says; read once by `__main__`, handed on as values."""

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, PostgresDsn, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from catalog_service.security_settings import SecuritySettings, is_loopback


class MigrationSettings(BaseSettings):
    """What `catalog-service migrate` needs: the owner of the read schema, who alone may change it, and its name.

    A schema other than `public` is created if it is missing: `./demo rebuild` fills a copy of the read model there.
    """

    model_config = SettingsConfigDict(env_prefix="CATALOG_", frozen=True)

    migration_database_url: SecretStr
    migration_schema: str = Field(default="public", min_length=1)
    log_level: str = "INFO"


class Settings(SecuritySettings):
    """What `catalog-service serve` needs. Times are seconds; what keeps others out is in `SecuritySettings`.

    `allowed_hosts` are comma-separated names by which clients may call the service, besides loopback names and addresses;
    `*` allows every name, which lets any web page read the answers (DNS rebinding). Streams are connections too, so
    `max_connections` (beyond which 503 is answered) leaves room above `max_streams`.
    `guide` is the folder in which `./demo docs` built the guide; it may appear while the service runs.
    With `auth_client_id` visitors of the page can sign in at `auth_issuer`: as this client (with `auth_client_secret` a
    confidential one), for `auth_scope`. `auth_redirect_url` is this service's `/session/callback` as the browser reaches it,
    where that is not https on the host it asked.
    `trace_url` is where a trace can be looked at, with `{trace_id}` in its place: answers and the page then lead there.
    `playground_url` is the control of a playground (`./demo up --playground`), on this machine and without `auth_issuer`.
    `stream_memory` changes are remembered for streams that resume; a reader `stream_buffer` changes behind is cut off.
    """

    model_config = SettingsConfigDict(env_prefix="CATALOG_", frozen=True)

    database_url: SecretStr
    port: int = Field(default=8000, ge=0, le=65535)
    order_services: dict[str, str] = Field(default_factory=dict)
    sink_url: str = "http://127.0.0.1:8083"
    sink_user: str | None = None
    sink_password: SecretStr | None = None
    auth_client_id: str | None = None
    auth_client_secret: SecretStr | None = None
    auth_scope: str = "openid"
    auth_redirect_url: str | None = None
    playground_url: str | None = None
    topic_prefix: str = ""
    allowed_hosts: str = ""
    guide: Path | None = None
    trace_url: str | None = Field(default=None, pattern=r"^https?://[^\s]+\{trace_id\}[^\s]*$")
    log_level: str = "INFO"

    pool_size: int = Field(default=8, ge=1)
    statement_timeout: float = Field(default=3.0, gt=0)
    max_waiters: int = Field(default=1_000, ge=1)
    max_wait: float = Field(default=30.0, gt=0)
    max_streams: int = Field(default=600, ge=1)
    streams_per_client: int = Field(default=20, ge=1)
    max_connections: int = Field(default=1_024, ge=1)
    stream_memory: int = Field(default=20_000, ge=1)
    stream_buffer: int = Field(default=2_000, ge=1)
    stream_heartbeat: float = Field(default=10.0, gt=0)

    @model_validator(mode="after")
    def _nobody_else_may_play(self) -> Self:
        """Whoever sees the page of a playground may stop every part."""
        if self.playground_url is not None:
            control = urlsplit(self.playground_url).hostname or ""
            if self.auth_issuer or not (is_loopback(self.host) and is_loopback(control)):
                raise ValueError(
                    "CATALOG_PLAYGROUND_URL is for a service at loopback without CATALOG_AUTH_ISSUER"
                )
        return self

    @property
    def hosts(self) -> frozenset[str]:
        """The names by which the service may be called."""
        return frozenset(name.strip() for name in self.allowed_hosts.split(",") if name.strip())

    @property
    def sink_login(self) -> tuple[str, str] | None:
        """User and password for the sink's REST, if there is a user."""
        if self.sink_user is None:
            return None
        return self.sink_user, self.sink_password.get_secret_value() if self.sink_password else ""


def checked_dsn(dsn: SecretStr) -> str:
    """The DSN in clear, for the one place that connects.

    Raises:
        pydantic.ValidationError: it is not a PostgreSQL DSN.
    """
    return str(PostgresDsn(dsn.get_secret_value()))
