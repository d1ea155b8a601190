"""Settings, from the environment only (`ORDER_…`)."""

from functools import cached_property
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, StringConstraints, field_validator
from pydantic_settings import SettingsConfigDict

from order_service.security_settings import SecuritySettings

InstanceName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$")]


class Settings(SecuritySettings):
    """One instance of the service; what keeps others out of it is in `SecuritySettings`."""

    model_config = SettingsConfigDict(env_prefix="ORDER_", frozen=True, extra="ignore")

    instance: InstanceName
    """Part of every order id; never changes for one database."""
    database_url: str
    """`sqlite:////abs/path.db` or `postgresql://…?sslmode=…`; a driver's name behind the scheme is passed over."""
    port: int = 8001
    peers: dict[InstanceName, str] = Field(default_factory=dict)
    """Instance → base URL, this one's own included."""
    allowed_hosts: str = ""
    """Comma-separated names by which clients may call this instance, besides its own, its peers', loopback names and
    addresses; `*` allows every name, which lets any web page read the answers (DNS rebinding)."""
    max_connections: int = Field(default=512, gt=0)
    """A connection beyond these is answered with 503 and closed."""
    peer_secret: SecretStr | None = None
    """What instances prove to each other who they are with; without one the routes between them are closed."""
    peer_secret_also: SecretStr | None = None
    """Another that is believed, too: while the secret is being changed, instance by instance."""
    outbox_limit: int = Field(default=100_000, gt=0)
    """Commands are refused with 503 while so many records wait for Kafka."""
    outbox_max_age_s: float = Field(default=60.0, gt=0)
    """The instance is not ready while a record waits for Kafka longer than that, although Kafka can be reached."""
    commands_at_once: int = Field(default=1_000, gt=0)
    """More commands than that are not admitted at one time; the rest is answered with 429."""
    topic_prefix: str = ""
    body_limit: int = Field(default=64 * 1024, gt=0)
    """Bytes of a request body."""
    forward_timeout_s: float = Field(default=3.0, gt=0)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("peer_secret", "peer_secret_also")
    @classmethod
    def _fits_a_header(cls, secret: SecretStr | None) -> SecretStr | None:
        text = secret.get_secret_value() if secret else ""
        if not (text.isascii() and (text.isprintable() or not text.strip())):
            raise ValueError("a secret is sent as a header: printable ASCII only")
        return secret

    @cached_property
    def hosts(self) -> frozenset[str]:
        """The names by which this instance may be called."""
        allowed = {name.strip() for name in self.allowed_hosts.split(",") if name.strip()}
        peers = {urlsplit(url).hostname or "" for url in self.peers.values()} - {""}
        return frozenset({self.instance, *peers, *allowed})

    @property
    def shared_secret(self) -> str | None:
        """The peer secret in clear, None if there is none; an empty one is none."""
        return _clear(self.peer_secret)

    @property
    def other_secret(self) -> str | None:
        """`peer_secret_also` likewise."""
        return _clear(self.peer_secret_also)

    @cached_property
    def other_instances(self) -> dict[str, str]:
        """Instance → base URL without a slash at its end, this one's own left out."""
        return {name: url.rstrip("/") for name, url in self.peers.items() if name != self.instance}


def _clear(secret: SecretStr | None) -> str | None:
    return (secret.get_secret_value().strip() or None) if secret else None
