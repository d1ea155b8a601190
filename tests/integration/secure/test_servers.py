"""The servers of a secure stack: whom they let in, and that a client can tell them from others."""

import asyncio
import ssl
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError

from devservers.certificates import Authority
from devservers.kafka import brokers_seen
from tests.integration.secure.conftest import SecureKafka


async def test_a_plain_client_gets_nothing_from_the_brokers(secure_kafka: SecureKafka) -> None:
    assert await brokers_seen(secure_kafka.bootstrap) == frozenset()
    assert await brokers_seen(secure_kafka.bootstrap, secure_kafka.security) == {1}


async def test_a_client_without_a_password_gets_nothing_from_the_brokers(secure_kafka: SecureKafka) -> None:
    login = secure_kafka.security.client("order-1") | {"sasl_plain_password": "another"}
    client = AIOKafkaClient(bootstrap_servers=secure_kafka.bootstrap, **login)
    with pytest.raises(KafkaError):
        await client.bootstrap()
    await client.close()


async def test_a_client_that_trusts_another_authority_does_not_talk_to_the_brokers(
    secure_kafka: SecureKafka, tmp_path: Path
) -> None:
    other = Authority(tmp_path / "other").make()
    login = secure_kafka.security.client() | {"ssl_context": other.client_context()}
    client = AIOKafkaClient(bootstrap_servers=secure_kafka.bootstrap, **login)
    with pytest.raises(KafkaError):
        await client.bootstrap()
    await client.close()


async def test_a_principal_writes_what_its_access_list_says_and_nothing_else(
    secure_kafka: SecureKafka,
) -> None:
    login = secure_kafka.security.client("order-1")
    async with AIOKafkaProducer(
        bootstrap_servers=secure_kafka.bootstrap, enable_idempotence=True, acks="all", **login
    ) as producer:
        await producer.send_and_wait("orders", b"order", key=b"1")
        await producer.send_and_wait("inbox.order-2", b"message", key=b"1")
        with pytest.raises(TopicAuthorizationFailedError):
            await producer.send_and_wait("inbox.order-1", b"forged", key=b"1")


@pytest.mark.parametrize("principal", ["catalog", "sink", "stranger"])
async def test_a_foreign_principal_is_refused_to_write_orders(
    secure_kafka: SecureKafka, principal: str
) -> None:
    login = secure_kafka.security.client(principal)
    async with AIOKafkaProducer(bootstrap_servers=secure_kafka.bootstrap, **login) as producer:
        with pytest.raises(TopicAuthorizationFailedError):
            await producer.send_and_wait("orders", b"forged", key=b"1")


async def test_a_stranger_is_refused_to_read_orders(secure_kafka: SecureKafka) -> None:
    login = secure_kafka.security.client("stranger")
    consumer = AIOKafkaConsumer("orders", bootstrap_servers=secure_kafka.bootstrap, **login)
    try:
        with pytest.raises(TopicAuthorizationFailedError):
            await consumer.start()
    finally:
        await consumer.stop()


async def test_postgres_speaks_tls_alone_and_is_verified(secure_postgres_dsn: str) -> None:
    connection = await asyncpg.connect(secure_postgres_dsn)
    assert await connection.fetchval("SELECT inet_client_addr() IS NULL")  # past the Unix socket
    await connection.close()
    address = secure_postgres_dsn.partition("?")[0]
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        await asyncpg.connect(address, ssl=False)


async def test_postgres_is_not_believed_under_another_authority(
    secure_postgres_dsn: str, tmp_path: Path
) -> None:
    other = Authority(tmp_path / "other").make()
    address = secure_postgres_dsn.partition("?")[0]
    with pytest.raises(ssl.SSLCertVerificationError):
        await asyncpg.connect(f"{address}?sslmode=verify-full&sslrootcert={other.certificate}")


async def test_whom_a_pool_trusts_is_read_again_for_each_connection(
    secure_postgres_dsn: str, authority: Authority, tmp_path: Path
) -> None:
    trusted, known = tmp_path / "ca.pem", authority.certificate.read_bytes()
    trusted.write_bytes(known)
    address = f"{secure_postgres_dsn.partition('?')[0]}?sslmode=verify-full&sslrootcert={trusted}"
    async with asyncpg.create_pool(address, min_size=0, max_size=2) as pool, pool.acquire():
        trusted.write_bytes(Authority(tmp_path / "other").make().certificate.read_bytes())
        with pytest.raises(ssl.SSLCertVerificationError):
            await pool.acquire()
        trusted.write_bytes(known)
        async with pool.acquire() as second:
            assert await second.fetchval("SELECT 1") == 1


@pytest.mark.parametrize(
    ("hosts", "life", "reason"),
    [
        (("127.0.0.1",), timedelta(seconds=-1), "expired"),
        (("elsewhere.example",), timedelta(days=1), "not valid for"),
    ],
    ids=["expired", "of another host"],
)
async def test_a_certificate_that_does_not_hold_is_refused(
    tmp_path: Path, hosts: tuple[str, ...], life: timedelta, reason: str
) -> None:
    authority = Authority(tmp_path / "authority").make()
    serving = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serving.load_cert_chain(authority.issue("server", hosts=hosts, life=life))
    server = await asyncio.start_server(lambda _, __: None, "127.0.0.1", 0, ssl=serving)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(ssl.SSLCertVerificationError, match=reason):
        await asyncio.open_connection("127.0.0.1", port, ssl=authority.client_context())
    server.close()
