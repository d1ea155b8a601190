"""A log in a compacted topic: durable, and the same for all workers of a group."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import CorruptRecordException, KafkaError, TopicAlreadyExistsError, for_code

from sink_connector.cluster.keyed_log import Apply, LogEntry, Value
from sink_connector.cluster.metrics import ENTRIES_SKIPPED
from sink_connector.config.worker import StorageTopic
from sink_connector.errors import FatalError, LogError
from sink_connector.new_topics import new_topic
from sink_connector.producers import close_producer
from sink_connector.runtime.closing import background, close_consumer

log = structlog.get_logger()

POLL_MS = 200
RETRY_S = 1.0
CLOSE_S = 5.0
PATIENCE_S = 20.0  # a broker that died is replaced as leader within it


async def ensure_topic(topic: StorageTopic, *, client: Mapping[str, Any]) -> list[int]:
    """Create the topic when it is missing; its partitions. Raises `FatalError` for one that would lose entries or their order."""
    admin = AIOKafkaAdminClient(**client)
    await admin.start()
    try:
        new = new_topic(
            topic.name,
            partitions=topic.partitions,
            replication=topic.replication_factor,
            configs={"cleanup.policy": "compact"},
        )
        answer = await admin.create_topics([new])
        for _, code, *rest in answer.topic_errors:
            if code and for_code(code) is not TopicAlreadyExistsError:
                raise FatalError(
                    f"{topic.setting}: {topic.name} cannot be created: {rest[0] if rest else for_code(code)}"
                )
        await _check_policy(admin, topic)
        return await _partitions(admin, topic)
    finally:
        await admin.close()


async def _partitions(admin: AIOKafkaAdminClient, topic: StorageTopic) -> list[int]:
    while True:
        (described,) = await admin.describe_topics([topic.name])
        found = sorted(each["partition"] for each in described["partitions"])
        if found:
            break
        await asyncio.sleep(POLL_MS / 1000)  # a topic just made is not known to every broker at once
    if len(found) > 1 and topic.partitions == 1:
        raise FatalError(
            f"{topic.setting}: {topic.name} has {len(found)} partitions; it must have one, or workers would see its entries "
            "in different orders"
        )
    return found


async def _check_policy(admin: AIOKafkaAdminClient, topic: StorageTopic) -> None:
    (answer,) = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name)])
    settings = {entry[0]: entry[1] for resource in answer.resources for entry in resource[4]}
    if "delete" in settings.get("cleanup.policy", "compact"):
        raise FatalError(
            f"{topic.setting}: {topic.name} has cleanup.policy={settings['cleanup.policy']}; it must be compact, or Kafka "
            "throws away what the workers still need"
        )


class CompactedTopic:
    """Reads the whole topic on `open`, then follows it; a key's entries keep their order, because a key has one partition.

    An entry that cannot be read or applied is skipped, logged and counted: whoever may write to the topic must not be able
    to stop the workers with it.
    """

    def __init__(self, topic: StorageTopic, *, client: Mapping[str, Any]) -> None:
        """`client` are aiokafka's options for any client of the cluster; nothing is connected yet."""
        self._topic = topic
        self._client = client
        self._apply: Apply = lambda _: None
        self._positions: dict[TopicPartition, int] = {}
        self._moved = asyncio.Condition()
        self._consumer: AIOKafkaConsumer | None = None
        self._producer: AIOKafkaProducer | None = None

    async def open(self, apply: Apply) -> None:
        """Returns when everything the topic holds is applied.

        Raises:
            KafkaError: Then it may be called again.
            FatalError: The topic would lose entries or their order.
        """
        self._apply = apply
        numbers = await ensure_topic(self._topic, client=self._client)
        self._positions = {TopicPartition(self._topic.name, number): 0 for number in numbers}
        consumer = await self._connect()
        ends = await consumer.end_offsets(list(self._positions))
        while any(self._positions[partition] < end for partition, end in ends.items()):
            await self._poll()

    async def follow(self) -> None:
        """Apply what is written from now on, until cancelled; clients that work no more are replaced."""
        while True:
            try:
                if self._has_ended():
                    log.warning("storage_topic.clients_replaced", topic=self._topic.name)
                    await self._connect()
                await self._poll()
            except KafkaError as error:
                log.warning("storage_topic.read_failed", topic=self._topic.name, error=str(error))
                await asyncio.sleep(RETRY_S)

    async def close(self) -> None:
        """Close the clients."""
        producer, self._producer = self._producer, None
        consumer, self._consumer = self._consumer, None
        if producer is not None:
            await close_producer(producer, within_s=CLOSE_S)
        if consumer is not None:
            await close_consumer(consumer, within_s=CLOSE_S)

    async def _connect(self) -> AIOKafkaConsumer:
        """Have new clients, which read on where the last ones ended."""
        await self.close()
        # Not idempotent: an entry sent twice says the same, and a producer without a sequence cannot get stuck on one.
        producer = AIOKafkaProducer(**self._client, acks="all", enable_idempotence=False)
        consumer = AIOKafkaConsumer(
            **self._client,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",  # a topic that was made anew is read as a whole
        )
        self._producer, self._consumer = producer, consumer
        await producer.start()
        await consumer.start()
        consumer.assign(list(self._positions))
        for partition, position in self._positions.items():
            consumer.seek(partition, position)
        return consumer

    def _has_ended(self) -> bool:
        """Whether a task behind one of the clients has ended, or there are none; aiokafka begins no other."""
        if self._producer is None or self._consumer is None:
            return True
        sending = self._producer._sender.sender_task, self._producer.client._sync_task  # noqa: SLF001 - only ever logged
        return any(task is None or task.done() for task in (*sending, *background(self._consumer)))

    async def write(self, key: str, value: Value | None) -> None:
        """See `Log`."""
        if self._producer is None:
            raise LogError(
                f"{key} could not be written to {self._topic.name}: its clients are being replaced"
            )
        data = None if value is None else json.dumps(value, ensure_ascii=False).encode()
        try:
            async with asyncio.timeout(PATIENCE_S):
                sent = await self._producer.send_and_wait(self._topic.name, data, key=key.encode())
                await self._applied({TopicPartition(sent.topic, sent.partition): sent.offset + 1})
        except (KafkaError, TimeoutError) as error:
            raise LogError(f"{key} could not be written to {self._topic.name}: {error!r}") from error

    async def catch_up(self) -> None:
        """See `Log`."""
        if self._consumer is None:
            raise LogError(f"{self._topic.name} could not be read to its end: its clients are being replaced")
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._applied(await self._consumer.end_offsets(list(self._positions)))
        except (KafkaError, TimeoutError) as error:
            raise LogError(f"{self._topic.name} could not be read to its end: {error!r}") from error

    async def _poll(self) -> None:
        assert self._consumer is not None  # noqa: S101 - `_connect` comes first
        try:
            polled = await self._consumer.getmany(timeout_ms=POLL_MS)
        except (
            UnicodeDecodeError,
            CorruptRecordException,
        ) as error:  # the name of a header that is not UTF-8
            await self._skip_unreadable(error)
            return
        for records in polled.values():
            for record in records:
                self._read(record)
        for partition in self._consumer.assignment():
            self._positions[partition] = await self._consumer.position(partition)
        async with self._moved:
            self._moved.notify_all()

    async def _skip_unreadable(self, error: Exception) -> None:
        """Read one record of each partition, or pass over the offset that cannot be read.

        aiokafka decodes what it has fetched as far as it is asked for, and says not which record it failed at.
        """
        assert self._consumer is not None  # noqa: S101 - as above
        for partition in self._consumer.assignment():
            position = await self._consumer.position(partition)
            self._consumer.seek(partition, position)  # what was fetched is of no more use
            try:
                polled = await self._consumer.getmany(partition, timeout_ms=POLL_MS, max_records=1)
            except (UnicodeDecodeError, CorruptRecordException):
                self._consumer.seek(partition, position + 1)
                self._skipped(position, error)
            else:
                for record in polled.get(partition, ()):
                    self._read(record)

    def _read(self, record: ConsumerRecord) -> None:
        try:
            value = None if record.value is None else json.loads(record.value)
            self._apply(LogEntry((record.key or b"").decode(), value, record.offset))
        except MemoryError:
            raise  # the process is short of it, which says nothing of the entry
        except Exception as error:  # noqa: BLE001 - an entry may be anything, and the rest of the topic counts all the same
            self._skipped(record.offset, error)

    def _skipped(self, offset: int, error: Exception) -> None:
        ENTRIES_SKIPPED.labels(self._topic.name).inc()
        log.warning(
            "storage_topic.entry_skipped", topic=self._topic.name, offset=offset, error=repr(error)[:500]
        )

    async def _applied(self, ends: Mapping[TopicPartition, int]) -> None:
        async with self._moved:
            await self._moved.wait_for(
                lambda: all(self._positions.get(partition, 0) >= end for partition, end in ends.items())
            )
