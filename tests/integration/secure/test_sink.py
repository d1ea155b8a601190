"""The sink at brokers with log-ins: it is let in by a token as by a password, and where access lists refuse it something
beside the topics that it reads, it says so, loses nothing, and goes on once it may.
"""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from structlog.testing import capture_logs

from devservers.kafka_security import Acl, allow
from tests.integration.secure.conftest import SecureKafka
from tests.support.sink import (
    INT64,
    configuration,
    connected,
    execute,
    rows,
    struct,
    wait_until_failed,
    wait_until_read,
)
from tests.support.topics import is_known
from tests.support.waiting import wait_until

OAUTH = "org.apache.kafka.common.security.oauthbearer"
GOOD, BAD = struct({"id": 1}, id=INT64), b"{"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topics:
    """A topic that the sink may read, with a good and a bad record, and one that it may do nothing with."""

    kafka: SecureKafka
    admin: AIOKafkaAdminClient
    read: str
    other: str

    async def allow(self, *operations: str) -> None:
        """Let the sink do something with the other topic."""
        await allow(
            self.admin, [Acl(principal="sink", operations=operations, resource="topic", name=self.other)]
        )

    async def in_other(self) -> list[bytes | None]:
        """The values of the records in it."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.kafka.bootstrap, enable_auto_commit=False, **self.kafka.security.client()
        )
        await consumer.start()
        try:
            partition = TopicPartition(self.other, 0)
            found: list[bytes | None] = []
            consumer.assign([partition])
            end = (await consumer.end_offsets([partition]))[partition]
            consumer.seek(partition, 0)
            while await consumer.position(partition) < end:
                for batch in (await consumer.getmany(timeout_ms=500)).values():
                    found += [record.value for record in batch]
        finally:
            await consumer.stop()
        return found

    @property
    def security(self) -> dict[str, str]:
        """How the worker and its connectors log in: as `sink`."""
        return {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": "sink",
            "sasl.password": self.kafka.security.passwords["sink"],
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.kafka.authority.certificate),
        }

    def config(self, database: str, **keys: str) -> dict[str, str]:
        """A connector that reads `read`, bad records tolerated."""
        return configuration(
            database, topics=self.read, table__name__format="t", errors__tolerance="all", **keys
        )


@pytest.fixture
async def topics(secure_kafka: SecureKafka) -> AsyncIterator[Topics]:
    name = uuid.uuid4().hex[:8]
    login = secure_kafka.security.client()
    admin = AIOKafkaAdminClient(bootstrap_servers=secure_kafka.bootstrap, **login)
    await admin.start()
    made = Topics(kafka=secure_kafka, admin=admin, read=f"read-{name}", other=f"other-{name}")
    await admin.create_topics([NewTopic(made.read, 1, 1), NewTopic(made.other, 1, 1)])
    for name in (made.read, made.other):
        await wait_until(partial(is_known, admin, name), what="the broker knows the topic")
    await allow(admin, [Acl(principal="sink", operations=["READ"], resource="topic", name=made.read)])
    async with AIOKafkaProducer(bootstrap_servers=secure_kafka.bootstrap, **login) as producer:
        for value in (GOOD, BAD):
            await producer.send_and_wait(made.read, value)
    yield made
    await admin.delete_topics([made.read, made.other])
    await admin.close()


async def test_dead_letters_wait_for_a_topic_that_refuses_them_and_hold_up_no_row(
    topics: Topics, database: str
) -> None:
    await execute(database, "CREATE TABLE t (id bigint)")
    given = topics.config(database, errors__deadletterqueue__topic__name=topics.other)
    async with connected(topics.kafka.bootstrap, given, topics.security) as connector:
        with capture_logs() as logged:
            await wait_until_read(connector, topics.read, 2)
            await wait_until(
                lambda: [each for each in logged if each["event"] == "dead_letter_topic.send_failed"],
                timeout_s=60,
                what="the topic to refuse the dead letter",
            )
        assert await rows(database, "SELECT id FROM t") == [(1,)]
        assert await rows(database, 'SELECT "offset" FROM sink.dead_letters_v1') == [(1,)]
        await topics.allow("WRITE")
        found = await wait_until(topics.in_other, timeout_s=60, every_s=0.5, what="the dead letter to arrive")
    assert found == [BAD]


@pytest.mark.parametrize(
    ("first", "reason"),
    [((), "may not be described"), (("DESCRIBE",), "may not be written to")],
    ids=["not even described", "not written to"],
)
async def test_a_persisted_topic_that_refuses_fails_the_task_and_gets_everything_once_it_may(
    topics: Topics, database: str, first: tuple[str, ...], reason: str
) -> None:
    await execute(database, "CREATE TABLE t (id bigint)")
    await topics.allow(*first)
    given = topics.config(database, persisted__topic__name=topics.other)
    async with connected(topics.kafka.bootstrap, given, topics.security) as connector:
        assert reason in await wait_until_failed(connector, timeout_s=60)
        await topics.allow("WRITE")
        await connector.restart(only_failed=True)
        found = await wait_until(topics.in_other, timeout_s=60, every_s=0.5, what="what was committed")
    assert found == [GOOD]
    assert await rows(database, "SELECT id FROM t") == [(1,)]


@pytest.mark.parametrize("spelling", ["a JAAS entry", "the keys of Kafka 4.1"])
async def test_it_logs_in_with_tokens_in_either_of_connects_spellings(
    topics: Topics, database: str, spelling: str
) -> None:
    programs, trusted = topics.kafka.programs, topics.kafka.authority.certificate
    secret = programs.secrets["sink"]
    entry = f'{OAUTH}.OAuthBearerLoginModule required ssl.truststore.type="PEM" ssl.truststore.location="{trusted}"'
    login = {
        "sasl.mechanism": "OAUTHBEARER",
        "sasl.login.callback.handler.class": f"{OAUTH}.OAuthBearerLoginCallbackHandler",
        "sasl.oauthbearer.token.endpoint.url": programs.endpoint,
        "sasl.jaas.config": f"{entry};",
    }
    if spelling == "a JAAS entry":
        login["sasl.jaas.config"] = f'{entry} clientId="sink" clientSecret="{secret}";'
    else:
        login["sasl.oauthbearer.client.credentials.client.id"] = "sink"
        login["sasl.oauthbearer.client.credentials.client.secret"] = secret
    without_password = {
        name: value for name, value in topics.security.items() if not name.startswith("sasl.")
    }
    await execute(database, "CREATE TABLE t (id bigint)")
    async with connected(
        topics.kafka.bootstrap, topics.config(database), without_password | login
    ) as connector:
        await wait_until_read(connector, topics.read, 2)
    assert await rows(database, "SELECT id FROM t") == [(1,)]
