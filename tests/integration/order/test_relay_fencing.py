"""What arrives late of a producer that was given up or killed: the brokers refuse it, so that it cannot be what compaction keeps."""

import uuid
from collections.abc import Sequence

import pytest
from aiokafka.errors import ProducerFenced

from order_service.adapters.kafka.publisher import kafka_publisher
from order_service.service_layer.outbox_log import LoggedRecord, LogPosition
from tests.conftest import MakeTopic
from tests.support.order_cluster import reader
from tests.support.waiting import wait_until


def versions(topic: str, *numbers: int) -> list[LoggedRecord]:
    """Versions of one aggregate, as an outbox has them."""
    return [LoggedRecord(LogPosition(0, n), topic, b"tea", str(n).encode(), []) for n in numbers]


async def stored(bootstrap: str, topic: str, *, count: int) -> Sequence[int]:
    """The versions in the topic, once there are `count`."""
    found: list[int] = []
    async with reader(bootstrap, topic) as consumer:

        async def enough() -> bool:
            for batch in (await consumer.getmany(timeout_ms=100)).values():
                found.extend(int(record.value) for record in batch)
            return len(found) >= count

        await wait_until(enough, what=f"{count} records")
    return found


@pytest.mark.guarantees("G-RELAY-7")
async def test_a_late_request_of_a_producer_that_was_given_up_is_refused(
    make_topic: MakeTopic, kafka_bootstrap: str
) -> None:
    """The brokers cannot tell a request that is late from one that is sent late, so it is sent late here."""
    topic, identity = await make_topic(), f"outbox.{uuid.uuid4().hex}"
    async with kafka_publisher(kafka_bootstrap, "given up", identity=identity) as given_up:
        await given_up.publish(versions(topic, 1))
        async with kafka_publisher(kafka_bootstrap, "newest", identity=identity) as newest:
            await given_up.publish(versions(topic, 2))  # in time: the newest has not written yet
            await newest.publish(versions(topic, 2, 3))
            with pytest.raises(ProducerFenced):
                await given_up.publish(versions(topic, 2))
            await newest.publish(versions(topic, 4))
    assert await stored(kafka_bootstrap, topic, count=5) == [1, 2, 2, 3, 4]


async def test_without_a_common_identity_an_old_version_would_be_the_last(
    make_topic: MakeTopic, kafka_bootstrap: str
) -> None:
    """The planted bug: two producers that brokers do not know to be of one outbox."""
    topic = await make_topic()
    identities = [f"outbox.{uuid.uuid4().hex}" for _ in range(2)]
    async with (
        kafka_publisher(kafka_bootstrap, "given up", identity=identities[0]) as given_up,
        kafka_publisher(kafka_bootstrap, "newest", identity=identities[1]) as newest,
    ):
        await newest.publish(versions(topic, 1, 2))
        await given_up.publish(versions(topic, 1))
    assert await stored(kafka_bootstrap, topic, count=3) == [1, 2, 1]
