"""The services' own clients against the secure servers: let in by their settings, and refused what is not theirs."""

from pathlib import Path

import pytest
from aiokafka.errors import KafkaError
from pydantic import SecretStr

from catalog_service.changefeed.topic_consumer import (
    KafkaUnavailableError,
    TopicConsumer,
    UnreadablePartitionError,
)
from catalog_service.monitoring.brokers import Brokers
from catalog_service.read_model.migrate import upgrade
from catalog_service.settings import Settings as CatalogSettings
from order_service.adapters import schema
from order_service.adapters.kafka.consumer import ConsumerError, open_topic
from order_service.adapters.kafka.consumer import TopicConsumer as OrderTopicConsumer
from order_service.adapters.kafka.publisher import kafka_publisher
from order_service.service_layer.outbox_log import LoggedRecord, LogPosition
from order_service.settings import Settings as OrderSettings
from tests.integration.secure.conftest import SecureKafka


def order_settings(kafka: SecureKafka, *, password: str | None = None) -> OrderSettings:
    return OrderSettings(
        instance="order-1",
        database_url="sqlite:///x",
        kafka_bootstrap=kafka.bootstrap,
        kafka_security_protocol="SASL_SSL",
        kafka_sasl_username="order-1",
        kafka_sasl_password=SecretStr(password or kafka.security.passwords["order-1"]),
        kafka_ssl_cafile=kafka.authority.certificate,
    )


def catalog_settings(kafka: SecureKafka) -> CatalogSettings:
    return CatalogSettings(
        database_url=SecretStr("postgresql://x/y"),
        kafka_bootstrap=kafka.bootstrap,
        kafka_security_protocol="SASL_SSL",
        kafka_sasl_username="catalog",
        kafka_sasl_password=SecretStr(kafka.security.passwords["catalog"]),
        kafka_ssl_cafile=kafka.authority.certificate,
    )


async def test_an_order_instance_reads_its_own_inbox_and_no_other(secure_kafka: SecureKafka) -> None:
    security = order_settings(secure_kafka).kafka_security
    async with open_topic(secure_kafka.bootstrap, "inbox.order-1", security=security) as consumer:
        assert consumer.partitions == (0,)
        assert await consumer.begin({}) == {0: 0}
    async with open_topic(secure_kafka.bootstrap, "inbox.order-2", security=security) as consumer:
        await consumer.begin({})
        with pytest.raises(ConsumerError, match="Authorization"):
            await _polled_until_refused(consumer)


async def test_a_consumer_whose_password_has_changed_is_opened_anew(
    secure_kafka: SecureKafka, tmp_path: Path
) -> None:
    password = tmp_path / "password"
    password.write_text(secure_kafka.security.passwords["order-1"])
    settings = order_settings(secure_kafka).model_copy(
        update={"kafka_sasl_password": None, "kafka_sasl_password_file": password}
    )
    security = settings.kafka_security
    async with open_topic(secure_kafka.bootstrap, "inbox.order-1", security=security) as consumer:
        await consumer.check_topic()
        password.unlink()
        await consumer.check_topic()  # it is being replaced
        password.write_text("the next one")
        with pytest.raises(ConsumerError, match="log-in"):
            await consumer.check_topic()


async def _polled_until_refused(consumer: OrderTopicConsumer) -> None:
    while True:
        await consumer.poll(timeout_s=1, limit=1)


async def test_an_order_instance_with_another_password_is_not_let_in(secure_kafka: SecureKafka) -> None:
    security = order_settings(secure_kafka, password=secure_kafka.security.passwords["sink"]).kafka_security
    with pytest.raises(KafkaError):
        async with kafka_publisher(
            secure_kafka.bootstrap, "order-1", identity="outbox.order-1", security=security
        ):
            pass


async def test_an_order_instance_publishes_as_its_own_outbox_and_as_no_other(
    secure_kafka: SecureKafka,
) -> None:
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


async def test_the_catalog_sees_the_brokers_and_reads_the_topics(secure_kafka: SecureKafka) -> None:
    settings = catalog_settings(secure_kafka)
    brokers = Brokers(secure_kafka.bootstrap, security=settings.kafka_security, patience_s=30)
    found = await brokers.brokers()
    await brokers.aclose()
    assert [(each.node_id, each.up) for each in found] == [(1, True)]
    async with TopicConsumer(
        secure_kafka.bootstrap, ["orders", "products"], security=settings.kafka_security
    ) as consumer:
        assert {topic for topic, _ in consumer.assigned()} == {"orders", "products"}


async def test_the_catalog_is_refused_an_inbox(secure_kafka: SecureKafka) -> None:
    settings = catalog_settings(secure_kafka)
    with pytest.raises((UnreadablePartitionError, KafkaUnavailableError), match="Authorization"):
        async with TopicConsumer(secure_kafka.bootstrap, ["inbox.order-1"], security=settings.kafka_security):
            pass


async def test_both_migrations_take_the_address_as_it_is(secure_postgres_dsn: str) -> None:
    await upgrade(secure_postgres_dsn, schema="of_catalog")
    await schema.migrate(secure_postgres_dsn)
