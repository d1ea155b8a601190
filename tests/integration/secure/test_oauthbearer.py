"""Clients that log in at the brokers with a token of an issuer: by their settings, as themselves, and nobody else."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError
from pydantic import HttpUrl, SecretStr

from catalog_service.changefeed.topic_consumer import (
    KafkaUnavailableError,
    TopicConsumer,
    UnreadablePartitionError,
)
from catalog_service.settings import Settings as CatalogSettings
from devservers.issuer import DevelopmentIssuer
from order_service.adapters.kafka.publisher import kafka_publisher
from order_service.client_credentials import ClientCredentials
from order_service.service_layer.outbox_log import LoggedRecord, LogPosition
from order_service.settings import Settings as OrderSettings
from tests.integration.secure.conftest import AUDIENCE, SecureKafka


def login(kafka: SecureKafka, principal: str, *, secret: str | None = None) -> dict[str, Any]:
    """The settings of a service that make it log in with tokens."""
    return {
        "kafka_bootstrap": kafka.bootstrap,
        "kafka_security_protocol": "SASL_SSL",
        "kafka_sasl_mechanism": "OAUTHBEARER",
        "kafka_sasl_username": principal,
        "kafka_sasl_password": SecretStr(secret or kafka.programs.secrets[principal]),
        "kafka_sasl_oauthbearer_token_endpoint_url": HttpUrl(kafka.programs.endpoint),
        "kafka_ssl_cafile": kafka.authority.certificate,
        "tls_cafile": kafka.authority.certificate,
    }


def order_settings(kafka: SecureKafka, *, secret: str | None = None) -> OrderSettings:
    return OrderSettings(
        instance="order-1", database_url="sqlite:///x", **login(kafka, "order-1", secret=secret)
    )


def catalog_settings(kafka: SecureKafka) -> CatalogSettings:
    return CatalogSettings(database_url=SecretStr("postgresql://x/y"), **login(kafka, "catalog"))


def with_token(kafka: SecureKafka, token: str) -> dict[str, Any]:
    """The options of a client to whom an endpoint gives this token."""
    given = httpx.MockTransport(lambda _: httpx.Response(200, json={"access_token": token}))
    return {
        "bootstrap_servers": kafka.bootstrap,
        "security_protocol": "SASL_SSL",
        "ssl_context": kafka.authority.client_context(),
        "sasl_mechanism": "OAUTHBEARER",
        "sasl_oauth_token_provider": ClientCredentials(
            endpoint="https://issuer.example", login=lambda: ("", ""), transport=given
        ),
    }


async def test_an_order_instance_publishes_as_the_subject_of_its_token(secure_kafka: SecureKafka) -> None:
    security = order_settings(secure_kafka).kafka_security
    async with kafka_publisher(
        secure_kafka.bootstrap, "order-1", identity="outbox.order-1", security=security
    ) as publisher:
        await publisher.publish([LoggedRecord(LogPosition(0, 1), "orders", b"key", b"value", [])])
    with pytest.raises(KafkaError, match="ransactional"):
        async with kafka_publisher(
            secure_kafka.bootstrap, "order-1", identity="outbox.order-2", security=security
        ):
            pass


async def test_an_order_instance_with_another_secret_gets_no_token_and_is_not_let_in(
    secure_kafka: SecureKafka,
) -> None:
    security = order_settings(secure_kafka, secret=secure_kafka.programs.secrets["sink"]).kafka_security
    with pytest.raises(KafkaError) as refused:
        async with kafka_publisher(
            secure_kafka.bootstrap, "order-1", identity="outbox.order-1", security=security
        ):
            pass
    assert secure_kafka.programs.secrets["sink"] not in str(refused.value)


async def test_the_catalog_reads_with_a_token_what_its_access_list_says(secure_kafka: SecureKafka) -> None:
    security = catalog_settings(secure_kafka).kafka_security
    topics = ["orders", "products"]
    async with TopicConsumer(secure_kafka.bootstrap, topics, security=security) as consumer:
        assert {topic for topic, _ in consumer.assigned()} == set(topics)
    with pytest.raises((UnreadablePartitionError, KafkaUnavailableError), match="Authorization"):
        async with TopicConsumer(secure_kafka.bootstrap, ["inbox.order-1"], security=security):
            pass


async def test_a_good_token_of_somebody_without_access_lists_opens_nothing(secure_kafka: SecureKafka) -> None:
    token = secure_kafka.programs.issuer.token("stranger", audience=AUDIENCE)
    async with AIOKafkaProducer(**with_token(secure_kafka, token)) as producer:
        with pytest.raises(TopicAuthorizationFailedError):
            await producer.send_and_wait("orders", b"forged", key=b"1")


async def test_the_brokers_believe_no_other_token(
    secure_kafka: SecureKafka, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    issuer = secure_kafka.programs.issuer
    other = DevelopmentIssuer(url=issuer.url, key_file=tmp_path / "other.jwk")
    other.make_key()
    foreign = DevelopmentIssuer(url="https://else.example", key_file=issuer.key_file)
    expired = -int(timedelta(hours=1).total_seconds())
    for token in (
        other.token("order-1", audience=AUDIENCE),
        foreign.token("order-1", audience=AUDIENCE),
        issuer.token("order-1", audience="shop"),
        issuer.token("order-1", audience=AUDIENCE, life_s=expired),
        issuer.token("order-1", audience=AUDIENCE).rpartition(".")[0] + ".",
    ):
        client = AIOKafkaClient(**with_token(secure_kafka, token))
        with caplog.at_level("ERROR", logger="aiokafka"), pytest.raises(KafkaError):
            await client.bootstrap()
        await client.close()
        assert "the broker refuses the token" in caplog.text
        assert token not in caplog.text
        caplog.clear()
