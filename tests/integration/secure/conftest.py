"""A Kafka with SASL_SSL and access lists and a PostgreSQL that speaks TLS alone, under one authority, for a session.

The brokers take passwords (SCRAM) and the tokens of an issuer (OAUTHBEARER).
"""

import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from devservers.certificates import Authority
from devservers.issuer import DISCOVERY, KEYS, TOKEN, DevelopmentIssuer
from devservers.kafka_cluster import KafkaCluster
from devservers.kafka_security import BROKER, Acl, KafkaSecurity, TokenIssuer, allow
from devservers.ports import free_ports
from devservers.postgres_server import PostgresServer
from devservers.private_files import write_private
from devservers.process import ChildProcess, minimal_environment
from tests.support.topics import is_known
from tests.support.waiting import wait_until

PRINCIPALS = (BROKER, "order-1", "catalog", "sink", "stranger")
AUDIENCE = "kafka"
TOPICS = ("orders", "products", "inbox.order-1", "inbox.order-2")
ACLS = (
    Acl(principal="order-1", operations=("WRITE", "DESCRIBE"), resource="topic", name="orders"),
    Acl(principal="order-1", operations=("WRITE", "READ", "DESCRIBE"), resource="topic", name="products"),
    Acl(principal="order-1", operations=("READ",), resource="topic", name="inbox.order-1"),
    Acl(principal="order-1", operations=("WRITE",), resource="topic", name="inbox.order-2"),
    Acl(principal="order-1", operations=("WRITE",), resource="transactional-id", name="outbox.order-1"),
    Acl(principal="catalog", operations=("READ",), resource="topic", name="orders"),
    Acl(principal="catalog", operations=("READ",), resource="topic", name="products"),
    Acl(principal="sink", operations=("READ",), resource="topic", name="orders"),
    Acl(principal="sink", operations=("READ",), resource="group", name="connect-", pattern="prefixed"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramIssuer:
    """A running issuer that gives each of `PRINCIPALS` a token for its secret."""

    issuer: DevelopmentIssuer
    secrets: dict[str, str]

    @property
    def endpoint(self) -> str:
        return f"{self.issuer.url}{TOKEN}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecureKafka:
    """A running cluster of one broker with `TOPICS` and `ACLS`, which believes `programs`."""

    bootstrap: str
    security: KafkaSecurity
    programs: ProgramIssuer

    @property
    def authority(self) -> Authority:
        return self.security.authority


@pytest.fixture(scope="session")
def authority(session_directory: Path) -> Authority:
    return Authority(session_directory / "authority").make()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def programs(session_directory: Path, authority: Authority) -> AsyncIterator[ProgramIssuer]:
    [port] = free_ports(1)
    issuer = DevelopmentIssuer(
        url=f"https://127.0.0.1:{port}", key_file=session_directory / "programs-issuer.jwk"
    )
    issuer.make_key()
    secrets = {name: f"{name}: a secret of its own" for name in PRINCIPALS}
    file = session_directory / "programs.json"
    write_private(file, json.dumps(secrets))
    words = ("--url", issuer.url, "--port", str(port), "--key", issuer.key_file, "--programs", file)
    certificate = authority.issue("programs-issuer")
    child = await ChildProcess.start(
        (sys.executable, "-m", "devservers.issuer", *map(str, words), "--certificate", str(certificate)),
        log=session_directory / "programs-issuer.log",
        env=minimal_environment(),
        cwd=session_directory,
    )
    try:
        async with httpx.AsyncClient(verify=authority.client_context(), trust_env=False) as client:

            async def serves() -> bool:
                try:
                    return (await client.get(f"{issuer.url}{DISCOVERY}")).is_success
                except httpx.TransportError:
                    return False

            await wait_until(serves, what="the issuer serves")
        yield ProgramIssuer(issuer=issuer, secrets=secrets)
    finally:
        await child.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def secure_kafka(
    session_directory: Path, authority: Authority, programs: ProgramIssuer
) -> AsyncIterator[SecureKafka]:
    security = KafkaSecurity(
        authority=authority,
        passwords={name: f'{name}-"\\password' for name in PRINCIPALS},
        tokens=TokenIssuer(
            issuer=programs.issuer.url,
            keys=f"{programs.issuer.url}{KEYS}",
            audience=AUDIENCE,
            trusted=authority.java_trust_store(),
        ),
    )
    async with KafkaCluster(
        directory=session_directory / "secure-kafka", brokers=1, security=security
    ) as kafka:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap, **security.client())
        await admin.start()
        await admin.create_topics([NewTopic(name, 1, 1) for name in TOPICS])
        for name in TOPICS:
            await wait_until(partial(is_known, admin, name), what="the broker knows the topic")
        await allow(admin, ACLS)
        await admin.close()
        yield SecureKafka(bootstrap=kafka.bootstrap, security=security, programs=programs)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def secure_postgres_dsn(session_directory: Path, authority: Authority) -> AsyncIterator[str]:
    """The administrator's, with `sslmode=verify-full`."""
    async with PostgresServer(
        directory=session_directory / "secure-postgres", authority=authority
    ) as postgres:
        yield postgres.admin_dsn
