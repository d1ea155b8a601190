"""What `./demo up --secure` adds: an authority, a principal for each part, access lists, tokens."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiokafka.admin import AIOKafkaAdminClient

from demo.home import REPOSITORY, Home
from devservers.certificates import Authority
from devservers.issuer import DevelopmentIssuer
from devservers.kafka_security import (
    BROKER,
    MECHANISM,
    Acl,
    KafkaSecurity,
    allow,
    java_properties,
    read_access_lists,
)
from devservers.ports import HOST, ORDER_INSTANCES, Ports
from devservers.private_files import kept_password, private_directory, write_private

AUDIENCE = "shop"
STAFF = "shop:staff"
USERS: Mapping[str, tuple[str, ...]] = {"ada": (), "bob": (), "staff": (STAFF,)}
"""Who there is in a demo, and with which roles; anybody else is a user without any."""
ORDERS = tuple(f"order-{n}" for n in range(1, ORDER_INSTANCES + 1))
ACCESS_LISTS = REPOSITORY / "infra" / "kafka" / "access-lists.json"
SINK_USER = "operator"
PAGE_CLIENT = "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSecurity:
    """The secrets and certificates of a secure stack, kept in its home."""

    home: Home
    authority: Authority
    kafka: KafkaSecurity
    issuer: DevelopmentIssuer
    sink_password: str = field(repr=False)

    @classmethod
    def of(cls, *, home: Home, ports: Ports) -> "StackSecurity":
        """Make what is not there yet."""
        # Others may look for the authority's certificate, which is for everybody, and for nothing else.
        authority = Authority(private_directory(home.secrets / "tls")).make()
        names = (BROKER, *ORDERS, "catalog", "sink")
        passwords = {name: kept_password(home.secrets / f"kafka_{name}") for name in names}
        issuer = DevelopmentIssuer(url=f"https://{HOST}:{ports.issuer}", key_file=home.secrets / "issuer.jwk")
        issuer.make_key()
        security = cls(
            home=home,
            authority=authority,
            kafka=KafkaSecurity(authority=authority, passwords=passwords),
            issuer=issuer,
            sink_password=kept_password(home.secrets / "sink_operator"),
        )
        write_private(security._sink_users, f"{SINK_USER}={security.sink_password}\n")
        return security

    def token(self, user: str, *, life_s: int = 3_600) -> str:
        """An access token of `user`."""
        return self.issuer.token(user, audience=AUDIENCE, roles=USERS.get(user, ()), life_s=life_s)

    @property
    def client_context(self) -> ssl.SSLContext:
        """Trusts this stack alone."""
        return self.authority.client_context()

    @property
    def staff_headers(self) -> dict[str, str]:
        """What a request of the demo's own tools carries."""
        return {"authorization": f"Bearer {self.token('staff')}"}

    @property
    def sink_login(self) -> tuple[str, str]:
        """User and password for the sink's REST."""
        return SINK_USER, self.sink_password

    def acls(self) -> tuple[Acl, ...]:
        """Who may do what in Kafka; whatever is not here nobody may."""
        return read_access_lists(ACCESS_LISTS)

    async def apply_acls(self, bootstrap: str) -> None:
        """Add `acls` to the cluster."""
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, **self.kafka.client())
        await admin.start()
        try:
            await allow(admin, self.acls())
        finally:
            await admin.close()

    def service_env(self, part: str, prefix: str) -> dict[str, str]:
        """The settings of a service that make it part of this."""
        return {
            f"{prefix}TLS_CERTFILE": str(self.authority.issue(part)),
            f"{prefix}TLS_CAFILE": str(self.authority.certificate),
            f"{prefix}AUTH_ISSUER": self.issuer.url,
            f"{prefix}AUTH_AUDIENCE": AUDIENCE,
            f"{prefix}KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            f"{prefix}KAFKA_SASL_MECHANISM": MECHANISM,
            f"{prefix}KAFKA_SASL_USERNAME": part,
            f"{prefix}KAFKA_SASL_PASSWORD_FILE": str(self.home.secrets / f"kafka_{part}"),
            f"{prefix}KAFKA_SSL_CAFILE": str(self.authority.certificate),
        }

    def login_words(self, catalog_url: str) -> tuple[str, ...]:
        """The issuer's arguments: who may log in, and that the page may have them do it."""
        port = urlsplit(catalog_url).port
        pages = (f"https://{name}:{port}/session/callback" for name in (HOST, "localhost"))
        people = ("=".join((user, *roles)) for user, roles in USERS.items())
        return (
            *("--audience", AUDIENCE, "--client", PAGE_CLIENT),
            *(word for page in pages for word in ("--redirect", page)),
            *(word for person in people for word in ("--user", person)),
        )

    def catalog_env(self) -> dict[str, str]:
        """The same for the catalog, which asks the sink how it is."""
        return self.service_env("catalog", "CATALOG_") | {
            "CATALOG_AUTH_CLIENT_ID": PAGE_CLIENT,
            "CATALOG_SINK_USER": SINK_USER,
            "CATALOG_SINK_PASSWORD": self.sink_password,
        }

    def topics_env(self) -> dict[str, str]:
        """How the job that makes the topics reaches Kafka."""
        login = self.kafka_login()
        return {
            "KAFKA_SSL_CAFILE": login["cafile"],
            "KAFKA_SASL_USERNAME": login["username"],
            "KAFKA_SASL_PASSWORD": login["password"],
        }

    def staff_env(self) -> dict[str, str]:
        """How the job that registers the products is let in."""
        return {"SHOP_CAFILE": str(self.authority.certificate), "SHOP_TOKEN": self.token("staff")}

    def sink_env(self, *, port: int) -> dict[str, str]:
        """The same for the sink's worker, as a Connect worker spells it."""
        return self.sink_client_env() | {
            "PGSSLMODE": "verify-full",
            "PGSSLROOTCERT": str(self.authority.certificate),
            "SINK_LISTENERS": f"https://{HOST}:{port}",
            "SINK_LISTENERS_HTTPS_SSL_KEYSTORE_TYPE": "PEM",
            "SINK_LISTENERS_HTTPS_SSL_KEYSTORE_LOCATION": str(self.authority.issue("sink")),
            "SINK_REST_EXTENSION_CLASSES": (
                "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension"
            ),
            "SINK_REST_BASIC_AUTH_FILE": str(self._sink_users),
        }

    def sink_client_env(self) -> dict[str, str]:
        """How a command of the sink reaches Kafka."""
        return {
            "SINK_SECURITY_PROTOCOL": "SASL_SSL",
            "SINK_SASL_MECHANISM": MECHANISM,
            "SINK_SASL_USERNAME": "sink",
            "SINK_SASL_PASSWORD": self.kafka.passwords["sink"],
            "SINK_SSL_TRUSTSTORE_TYPE": "PEM",
            "SINK_SSL_TRUSTSTORE_LOCATION": str(self.authority.certificate),
        }

    def deploy_env(self) -> dict[str, str]:
        """How `sink-connector deploy` is let in."""
        return {
            "SINK_DEPLOY_USER": SINK_USER,
            "SINK_DEPLOY_PASSWORD": self.sink_password,
            "SINK_DEPLOY_CAFILE": str(self.authority.certificate),
        }

    def kafka_login(self) -> dict[str, str]:
        """How an auditor reaches Kafka, as part of its target."""
        return {
            "cafile": str(self.authority.certificate),
            "username": BROKER,
            "password": self.kafka.passwords[BROKER],
        }

    def java_client_file(self) -> Path:
        """The file that Kafka's own tools take as `--command-config`."""
        file = self.home.secrets / "kafka_tools.properties"
        write_private(file, java_properties(self.kafka.java_client()))
        return file

    def curl_home(self, user: str) -> Path:
        """A folder that makes curl speak https to this stack as `user` when `CURL_HOME` names it; the token is renewed."""
        folder = private_directory(self.home.root / "client")
        lines = (
            "proto-default = https",
            f'cacert = "{self.authority.certificate}"',
            f'header = "authorization: Bearer {self.token(user)}"',
        )
        write_private(folder / ".curlrc", "".join(f"{line}\n" for line in lines))
        return folder

    @property
    def _sink_users(self) -> Path:
        return self.home.secrets / "sink_users.properties"


def kafka_options(security: StackSecurity | None) -> dict[str, Any]:
    """The options of aiokafka's clients for the administrator."""
    return security.kafka.client() if security else {}


def http_options(security: StackSecurity | None) -> dict[str, Any]:
    """The options of httpx's clients for the staff."""
    return {"verify": security.client_context, "headers": security.staff_headers} if security else {}
