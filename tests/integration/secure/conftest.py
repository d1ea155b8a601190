"""A Kafka with SASL_SSL and access lists and a PostgreSQL that speaks TLS alone, under one authority, for a session."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from devservers.certificates import Authority
from devservers.kafka_cluster import KafkaCluster
from devservers.kafka_security import BROKER, Acl, KafkaSecurity, allow
from devservers.postgres_server import PostgresServer

PRINCIPALS = (BROKER, "order-1", "catalog", "sink", "stranger")
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
class SecureKafka:
    """A running cluster of one broker with `TOPICS` and `ACLS`."""

    bootstrap: str
    security: KafkaSecurity

    @property
    def authority(self) -> Authority:
        return self.security.authority


@pytest.fixture(scope="session")
def authority(session_directory: Path) -> Authority:
    return Authority(session_directory / "authority").make()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def secure_kafka(session_directory: Path, authority: Authority) -> AsyncIterator[SecureKafka]:
    security = KafkaSecurity(
        authority=authority, passwords={name: f'{name}-"\\password' for name in PRINCIPALS}
    )
    async with KafkaCluster(
        directory=session_directory / "secure-kafka", brokers=1, security=security
    ) as kafka:
        admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap, **security.client())
        await admin.start()
        await admin.create_topics([NewTopic(name, 1, 1) for name in TOPICS])
        await allow(admin, ACLS)
        await admin.close()
        yield SecureKafka(bootstrap=kafka.bootstrap, security=security)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def secure_postgres_dsn(session_directory: Path, authority: Authority) -> AsyncIterator[str]:
    """The administrator's, with `sslmode=verify-full`."""
    async with PostgresServer(
        directory=session_directory / "secure-postgres", authority=authority
    ) as postgres:
        yield postgres.admin_dsn
