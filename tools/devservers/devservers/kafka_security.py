"""TLS, SCRAM and access lists of a cluster: what its brokers are configured with, and what a client needs to be let in.

Clients speak SASL_SSL with SCRAM-SHA-512; the brokers themselves do among each other too, and reach the controllers by
mutual TLS. Without an access list nobody but the brokers' own principal may do anything.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest

from devservers.certificates import Authority

BROKER = "kafka-broker"
"""The principal of the brokers among themselves, and of the administrator: it may do everything."""
MECHANISM = "SCRAM-SHA-512"
_ITERATIONS = 4096
_OAUTH = "org.apache.kafka.common.security.oauthbearer"

# Numbers of Kafka's protocol (AclOperation, ResourceType, PatternType, AclPermissionType).
_OPERATIONS = {
    "ALL": 2, "READ": 3, "WRITE": 4, "CREATE": 5, "DELETE": 6, "ALTER": 7, "DESCRIBE": 8, "CLUSTER_ACTION": 9,
    "DESCRIBE_CONFIGS": 10, "ALTER_CONFIGS": 11, "IDEMPOTENT_WRITE": 12,
}  # fmt: skip
_RESOURCES = {"topic": 2, "group": 3, "cluster": 4, "transactional-id": 5}
_PATTERNS = {"literal": 3, "prefixed": 4}
_ALLOW = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Acl:
    """`principal` may do `operations` on what is called `name`, or begins so (`prefixed`). Spelled as Kafka's tools do."""

    principal: str
    operations: Sequence[str]
    resource: str
    name: str
    pattern: str = "literal"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenIssuer:
    """Whose tokens the brokers take as well (OAUTHBEARER): the subject is the principal.

    `keys` is where it publishes its keys over https, vouched for by what is in the Java key store `trusted` (PKCS 12).
    """

    issuer: str
    keys: str
    audience: str
    trusted: Path

    def broker_properties(self) -> dict[str, str]:
        """What a broker is configured with beside its SCRAM."""
        listener = "listener.name.sasl_ssl.oauthbearer"
        return {
            "sasl.enabled.mechanisms": f"{MECHANISM},OAUTHBEARER",
            "sasl.oauthbearer.jwks.endpoint.url": self.keys,
            "sasl.oauthbearer.expected.issuer": self.issuer,
            "sasl.oauthbearer.expected.audience": self.audience,
            f"{listener}.sasl.server.callback.handler.class": f"{_OAUTH}.OAuthBearerValidatorCallbackHandler",
            f"{listener}.sasl.jaas.config": f"{_OAUTH}.OAuthBearerLoginModule required;",
        }

    def java_options(self) -> tuple[str, ...]:
        """What a broker's virtual machine is told: from where it may read keys, and whom to trust there."""
        return (
            f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={self.keys}",
            f"-Djavax.net.ssl.trustStore={self.trusted}",
            "-Djavax.net.ssl.trustStoreType=PKCS12",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSecurity:
    """`passwords` has every principal's; `BROKER` is among them. The certificates are `authority`'s."""

    authority: Authority
    passwords: Mapping[str, str] = field(repr=False)
    tokens: TokenIssuer | None = None

    def broker_properties(
        self, *, name: str, client_port: int, controller_port: int, host: str
    ) -> dict[str, str]:
        """What the broker `name` is configured with, instead of plain listeners."""
        certificate, trusted = self.authority.issue(name), self.authority.certificate
        login = f"username={_quoted(BROKER)} password={_quoted(self.passwords[BROKER])};"
        return {
            "listeners": f"SASL_SSL://{host}:{client_port},CONTROLLER://{host}:{controller_port}",
            "listener.security.protocol.map": "CONTROLLER:SSL,SASL_SSL:SASL_SSL",
            "inter.broker.listener.name": "SASL_SSL",
            "sasl.enabled.mechanisms": MECHANISM,
            "sasl.mechanism.inter.broker.protocol": MECHANISM,
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": (
                f"org.apache.kafka.common.security.scram.ScramLoginModule required {login}"
            ),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(certificate),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(trusted),
            "listener.name.controller.ssl.client.auth": "required",
            "ssl.principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/,DEFAULT",
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "false",
        } | (self.tokens.broker_properties() if self.tokens else {})

    def format_arguments(self) -> str:
        """The words, one a line, by which the format tool makes the principals; for a file, since they hold passwords."""
        return "".join(
            f"--add-scram\n{MECHANISM}=[name={name},iterations={_ITERATIONS},password={password}]\n"
            for name, password in self.passwords.items()
        )

    @property
    def java_options(self) -> tuple[str, ...]:
        """Options of a broker's virtual machine."""
        return self.tokens.java_options() if self.tokens else ()

    def client(self, principal: str = BROKER) -> dict[str, Any]:
        """Options of any of aiokafka's clients, beside the addresses."""
        return {
            "security_protocol": "SASL_SSL",
            "ssl_context": self.authority.client_context(),
            "sasl_mechanism": MECHANISM,
            "sasl_plain_username": principal,
            "sasl_plain_password": self.passwords[principal],
        }

    def java_client(self, principal: str = BROKER) -> dict[str, str]:
        """The same for Kafka's own tools (`--command-config`)."""
        login = f"username={_quoted(principal)} password={_quoted(self.passwords[principal])};"
        return {
            "security.protocol": "SASL_SSL",
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.authority.certificate),
            "sasl.mechanism": MECHANISM,
            "sasl.jaas.config": f"org.apache.kafka.common.security.scram.ScramLoginModule required {login}",
        }


def super_users(brokers: Sequence[str]) -> str:
    """The principals that need no access list: the brokers, by certificate and by password."""
    return ";".join(f"User:{name}" for name in (BROKER, *brokers))


def read_access_lists(file: Path) -> tuple[Acl, ...]:
    """The access lists in a JSON file, an object for each with the fields of `Acl`."""
    return tuple(Acl(**each) for each in json.loads(file.read_text(encoding="utf-8")))


async def allow(admin: AIOKafkaAdminClient, acls: Sequence[Acl]) -> None:
    """Add access lists; those that are there already stay. `admin` has started.

    Raises:
        RuntimeError: the cluster refuses one.
    """
    for acl in acls:
        for operation in acl.operations:
            request = CreateAclsRequest(
                resource_type=_RESOURCES[acl.resource],
                resource_name=acl.name,
                resource_pattern_type_filter=_PATTERNS[acl.pattern],
                principal=f"User:{acl.principal}",
                host="*",
                operation=_OPERATIONS[operation],
                permission_type=_ALLOW,
            )
            # Any broker passes it on to the controller.
            answer = await admin._send_request(request)  # noqa: SLF001 - aiokafka has no method for it
            code, reason = answer.creation_responses[0][:2]
            if code:
                raise RuntimeError(f"the cluster refuses {acl}: {reason or f'error {code}'}")


def java_properties(values: Mapping[str, str]) -> str:
    """The text of a properties file as Java reads it, where a backslash escapes."""
    return "".join(f"{key}={value.replace(chr(92), chr(92) * 2)}\n" for key, value in values.items())


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
