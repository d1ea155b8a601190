"""Records into Kafka, in order, with a bound on every wait."""

import asyncio
import contextlib
import time
import zlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTopicError,
    KafkaConnectionError,
    KafkaError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    RecordListTooLargeError,
    RecordTooLargeError,
    TopicAuthorizationFailedError,
)

from order_service import telemetry
from order_service.service_layer.outbox_log import LoggedRecord

REQUEST_TIMEOUT_MS = 8_000
SEND_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 2.0
TOPIC_LOOKS = 3
TOPIC_PAUSE_S = 0.1

OF_THE_RECORDS = (MessageSizeTooLargeError, RecordListTooLargeError, RecordTooLargeError)
OF_THE_TOPIC = (InvalidTopicError, PolicyViolationError, TopicAuthorizationFailedError)


class RefusedError(KafkaError):  # type: ignore[misc]  # aiokafka has no types
    """Kafka does not take these records of one topic; others it may take.

    With `whole_topic` it is the topic: it does not exist or is closed to this service. Else one of the records is too
    large, the only one if there is one.
    """

    def __init__(self, records: Sequence[LoggedRecord], reason: str, *, whole_topic: bool) -> None:
        """`records`: at least one, all of one topic."""
        super().__init__(reason)
        self.records = records
        self.reason = reason
        self.whole_topic = whole_topic


class Publisher(Protocol):
    """Where the relay publishes. After any exception the publisher is to be replaced: its order is no longer sure."""

    async def publish(self, records: Sequence[LoggedRecord]) -> None:
        """Returns when all of them are acknowledged by all in-sync replicas."""

    async def missing(self, topic: str) -> str | None:
        """Why nothing can be published to the topic; None when it is there."""


@dataclass(frozen=True, slots=True)
class KafkaPublisher:
    """An idempotent producer: its own retries neither double nor reorder, and what comes late of an earlier one is refused.

    Records are packed into batches here: a future per record costs more than everything else on their way.
    """

    producer: AIOKafkaProducer

    async def publish(self, records: Sequence[LoggedRecord]) -> None:
        """Publish all of them, in order within each partition.

        Raises:
            RefusedError: some will not be taken, whoever sends them.
            KafkaError, TimeoutError: within `SEND_TIMEOUT_S`; any of the records may be in Kafka then.
        """
        began_ns = time.time_ns()
        async with asyncio.timeout(SEND_TIMEOUT_S):
            partitions = {
                topic: await self._partitions(topic, records) for topic in {r.topic for r in records}
            }
            by_partition: dict[tuple[str, int], list[LoggedRecord]] = defaultdict(list)
            for record in records:
                partition = partition_of(record.key, partitions[record.topic])
                by_partition[record.topic, partition].append(record)
            # The first error as it is; a group of them nobody would recognize.
            await asyncio.gather(
                *(self._send(topic, partition, share) for (topic, partition), share in by_partition.items())
            )
        if telemetry.is_on():
            for (topic, partition), share in by_partition.items():
                _record_sent(topic, partition, share, began_ns)

    async def missing(self, topic: str) -> str | None:
        """Why nothing can be published to the topic. Raises `KafkaError` when no broker can tell."""
        client = self.producer.client
        client.add_topic(topic)
        for look in range(TOPIC_LOOKS):
            if look:
                await asyncio.sleep(TOPIC_PAUSE_S)
            told = await client.force_metadata_update()
            if client.cluster.partitions_for_topic(topic):
                return None
            if not told:
                raise KafkaConnectionError("no broker tells which topics there are")
        if topic in client.cluster.unauthorized_topics:
            return f"not allowed to write to topic {topic}"
        return f"topic {topic} does not exist"

    async def _partitions(self, topic: str, records: Sequence[LoggedRecord]) -> int:
        known = self.producer.client.cluster.partitions_for_topic(topic)
        if not known:
            if reason := await self.missing(topic):
                concerned = [record for record in records if record.topic == topic]
                raise RefusedError(concerned, reason, whole_topic=True)
            known = self.producer.client.cluster.partitions_for_topic(topic)
        return len(known)

    async def _send(self, topic: str, partition: int, records: Sequence[LoggedRecord]) -> None:
        """One batch after the other: within a partition the order is the outbox's."""
        acknowledgements = []
        batch, now_ms = self.producer.create_batch(), time.time_ns() // 1_000_000
        begin = 0
        for index, record in enumerate(records):
            fits = batch.append(key=record.key, value=record.value, timestamp=now_ms, headers=record.headers)
            if fits is None:
                sent = await self.producer.send_batch(batch, topic, partition=partition)
                acknowledgements.append(_acknowledged(sent, records[begin:index]))
                batch, begin = self.producer.create_batch(), index
                batch.append(key=record.key, value=record.value, timestamp=now_ms, headers=record.headers)
        sent = await self.producer.send_batch(batch, topic, partition=partition)
        acknowledgements.append(_acknowledged(sent, records[begin:]))
        await asyncio.gather(*acknowledgements)


def _record_sent(topic: str, partition: int, records: Sequence[LoggedRecord], began_ns: int) -> None:
    """In the trace of each record, what the brokers took to acknowledge it; sent again, it is there again."""
    attributes: telemetry.Attributes = {
        "messaging.system": "kafka",
        "messaging.operation.type": "send",
        "messaging.operation.name": "send",
        "messaging.destination.name": topic,
        "messaging.destination.partition.id": str(partition),
        "messaging.batch.message_count": len(records),
    }
    for record in records:
        trace = dict(record.headers).get("traceparent", b"").decode()
        if telemetry.is_sampled(trace):
            telemetry.record(
                f"send {topic}", parent=trace, began_ns=began_ns, kind="producer", attributes=attributes
            )


async def _acknowledged(sent: asyncio.Future[object], records: Sequence[LoggedRecord]) -> None:
    try:
        await sent
    except OF_THE_RECORDS as error:
        raise RefusedError(records, repr(error), whole_topic=False) from error
    except OF_THE_TOPIC as error:
        raise RefusedError(records, repr(error), whole_topic=True) from error


def partition_of(key: bytes, partitions: int) -> int:
    """As librdkafka's `consistent` partitioner; Java's murmur2 is a hundred times slower in Python."""
    return zlib.crc32(key) % partitions


@contextlib.asynccontextmanager
async def kafka_publisher(
    bootstrap: str, client_id: str, *, identity: str, security: Callable[[], Mapping[str, Any]] = dict
) -> AsyncIterator[KafkaPublisher]:
    """A publisher with a fresh producer, whose log-in `security` gives.

    Of one `identity` there is one producer: once the newest has written to a partition, brokers refuse there what an
    earlier one sends or has sent (`ProducerFenced`), however late it arrives.
    """
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        client_id=client_id,
        acks="all",
        transactional_id=identity,
        linger_ms=0,
        max_batch_size=256 * 1024,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        retry_backoff_ms=50,
        metadata_max_age_ms=30_000,
        **security(),
    )
    try:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await producer.start()
        _leave_transactions(producer)
        yield KafkaPublisher(producer)
    finally:
        await _close(producer)


def _leave_transactions(producer: AIOKafkaProducer) -> None:
    """Keep the producer id that belongs to the identity, and its epoch, which is what fences; commit in no transaction.

    A transaction would cost two round trips and a marker in every partition for each batch, and nothing here reads by
    them. Brokers ask for no transaction: they compare the epochs of all batches of a producer id (docs/adr/0023).
    """
    producer._txn_manager.transactional_id = None  # noqa: SLF001 - aiokafka has no option for it


async def _close(producer: AIOKafkaProducer) -> None:
    """Stop it within a bound; what it has not sent by then is given up.

    aiokafka's `stop` waits until everything is sent, and its sender goes on trying when nobody waits any more. In a task of
    its own, as it takes its caller's cancellation for that of a task it ends, and it is lost.
    """

    async def stop() -> None:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await producer.stop()

    (failure,) = await asyncio.gather(stop(), return_exceptions=True)
    if failure is not None:
        sender = producer._sender.sender_task  # noqa: SLF001 - `stop` got no further
        if sender is not None:
            sender.cancel()
        with contextlib.suppress(Exception):
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await producer.client.close()
