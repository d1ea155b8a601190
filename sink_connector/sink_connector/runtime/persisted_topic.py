"""`persisted.topic.name`: a topic of what was committed, filled after each commit, at least once.

How far each partition was sent is kept in `sink.persisted`. What was committed and not sent by a worker that died is read
again from Kafka by the next one that claims the partition, before it delivers anything.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    CorruptRecordException,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    OffsetOutOfRangeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
)
from asyncpg import Connection, Record

from sink_connector.config.connector import ConnectorConfig
from sink_connector.data import sql_files
from sink_connector.data.write_record import SourceRecord
from sink_connector.errors import FatalError, FencedError, WentBackError
from sink_connector.producers import close_producer
from sink_connector.runtime import record_batches
from sink_connector.runtime.closing import close_consumer
from sink_connector.runtime.conversion import RecordConverter
from sink_connector.runtime.kafka_options import client_options
from sink_connector.runtime.retry import KAFKA_REFUSES
from sink_connector.runtime.topic_ids import topic_ids
from sink_connector.sink.batch import Batch, place_of
from sink_connector.sink.buffer import Buffer
from sink_connector.sink.offsets import Partition, Position
from sink_connector.sink.session import Session
from sink_connector.sink.table_naming import TableNaming

SQL = sql_files.load("persisted_topic.sql", package=__package__)
PREFIX = "__sink."
SEND_S = 20.0  # shorter than the time after which the server ends a transaction that waits
STOP_S = 1.5
AT_ONCE = 500  # records of one round of catching up
LONGEST_REQUEST = 64 * 1024 * 1024  # how much the topic takes is the broker's to say
MAY_NOT_WRITE = (TopicAuthorizationFailedError, ClusterAuthorizationFailedError)
OF_A_GROUP = {"group_id", "group_instance_id", "auto_offset_reset"}


class PersistedTopic:
    """Sends what one task has committed. Everything here may be done again after a failure: a record is then sent twice.

    While it sends it holds the partitions' offsets: another worker that claims them waits, and sends later ones later.
    """

    def __init__(
        self,
        config: ConnectorConfig,
        session: Session,
        *,
        consumer: Mapping[str, Any],
        naming: TableNaming,
        convert: RecordConverter,
    ) -> None:
        self._config = config
        self._topic = config.persisted_topic
        self._session = session
        self._consumer = {name: value for name, value in consumer.items() if name not in OF_A_GROUP}
        self._client = client_options(consumer)
        self._naming = naming
        self._convert = convert
        self._producer: AIOKafkaProducer | None = None
        self._partitions = 1

    async def send(self, batch: Batch) -> None:
        """Send the records of a batch that was committed, in the order of each partition.

        Raises `FencedError` when another writer has claimed one of the partitions, `WentBackError` when the database lacks
        what was committed (its dead letters, too), `FatalError` when the topic is not there, may not be written to or does
        not take a record, aiokafka's errors when Kafka cannot be used now.
        """
        producer = await self._started()
        async with self._held(batch.positions) as connection:
            partitions = [
                [each.topic for each in batch.positions],
                [each.partition for each in batch.positions],
            ]
            dead = {tuple(row) for row in await connection.fetch(SQL["dead"], self._config.name, *partitions)}
            records = sorted(
                (entry.source for entries in batch.entries.values() for entry in entries), key=place_of
            )
            kept = [each for each in records if (each.topic, each.partition, each.offset) not in dead]
            await self._produce(producer, kept)
            await connection.execute(
                SQL["move"],
                self._config.name,
                *partitions,
                [position.next_offset for position in batch.positions.values()],
            )

    async def catch_up(self, epochs: Mapping[TopicPartition, int]) -> None:
        """Send what was committed of these partitions before they were claimed. Raises as `send` does."""
        await self._started()
        if not epochs:
            return
        positions = {Partition(*partition): Position(0, epoch) for partition, epoch in epochs.items()}
        connection = await self._session.connection()
        await connection.execute(SQL["begin"], self._config.name, *_columns(positions))
        for partition, (sent, committed) in (await self._progress(positions)).items():
            if sent < committed:
                await self._read_again(partition, sent, committed, positions[partition].epoch)

    async def close(self) -> None:
        """What is not sent by now is sent by the next task that has the partition."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await close_producer(producer, within_s=STOP_S)

    async def _progress(self, positions: Mapping[Partition, Position]) -> dict[Partition, tuple[int, int]]:
        connection = await self._session.connection()
        rows = await connection.fetch(SQL["hold"], self._config.name, *_columns(positions))
        return {Partition(row["topic"], row["partition"]): (row["sent"], row["committed"]) for row in rows}

    @asynccontextmanager
    async def _held(self, positions: Mapping[Partition, Position]) -> AsyncIterator[Connection]:
        connection = await self._session.connection()
        async with connection.transaction():
            held = await connection.fetch(SQL["hold"], self._config.name, *_columns(positions))
            lacking = len(positions) - len(held)
            if lacking and not await connection.fetchval(
                SQL["is_behind"], self._config.name, *_columns(positions)
            ):
                raise FencedError(f"{lacking} of {len(positions)} partitions were claimed by another writer")
            if lacking or any(_lacks(row, positions) for row in held):
                raise WentBackError("the database lacks what was committed and is to be sent")
            yield connection

    async def _produce(self, producer: AIOKafkaProducer, records: Sequence[SourceRecord]) -> None:
        try:
            async with asyncio.timeout(SEND_S):
                answers = [await self._sent(producer, record) for record in records]
                await asyncio.gather(*answers)
        except TimeoutError:
            await self.close()
            raise KafkaTimeoutError(
                f"topic {self._topic} did not take what was committed within {SEND_S:.0f} s"
            ) from None
        except MAY_NOT_WRITE as error:
            # Who may write to no topic at all gets no id as a producer, which is not asked for again.
            await self.close()
            raise FatalError(f"persisted.topic.name: topic {self._topic} may not be written to") from error
        except (MessageSizeTooLargeError, RecordListTooLargeError) as error:
            raise FatalError(
                f"persisted.topic.name: topic {self._topic} does not take so large a record; raise its max.message.bytes"
            ) from error
        except KafkaError as error:
            await self.close()  # a producer that failed may never send again; the next one is new
            if isinstance(error, KAFKA_REFUSES):
                raise
            raise KafkaError(f"topic {self._topic} did not take what was committed: {error!r}") from error

    async def _sent(self, producer: AIOKafkaProducer, record: SourceRecord) -> Any:
        return await producer.send(
            self._topic,
            record.value,
            key=record.key,
            partition=record.partition % self._partitions,
            headers=[*record.headers, *self._coordinates(record)],
        )

    def _coordinates(self, record: SourceRecord) -> Iterable[tuple[str, bytes]]:
        values = {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "timestamp": record.timestamp,
            "connector": self._config.name,
        }
        return [(PREFIX + name, str(value).encode()) for name, value in values.items()]

    async def _read_again(self, partition: Partition, sent: int, committed: int, epoch: int) -> None:
        place = TopicPartition(*partition)
        consumer = AIOKafkaConsumer(**self._consumer, auto_offset_reset="none", enable_auto_commit=False)
        try:
            await consumer.start()
            consumer.assign([place])
            consumer.seek(place, sent)
            while sent < committed:
                found = [
                    each for each in await self._fetched(consumer, place, sent) if each.offset < committed
                ]
                reached = min(committed, await consumer.position(place))
                await self.send(await self._converted(partition, found, Position(reached, epoch)))
                sent = reached
        finally:
            await close_consumer(consumer, within_s=STOP_S)

    async def _fetched(
        self, consumer: AIOKafkaConsumer, place: TopicPartition, sent: int
    ) -> Sequence[ConsumerRecord]:
        try:
            polled = await consumer.getmany(place, timeout_ms=1_000, max_records=AT_ONCE)
        except OffsetOutOfRangeError as error:
            raise FatalError(
                f"persisted.topic.name: records of {place.topic}, partition {place.partition}, from offset {sent} on were "
                "removed before they were sent; delete the partition's row in sink.persisted to go on without them"
            ) from error
        except (UnicodeDecodeError, CorruptRecordException) as error:
            if not record_batches.install() and isinstance(error, CorruptRecordException):
                raise  # not for the name of a header, then
            consumer.seek(place, sent)
            return []
        return list(polled.get(place, ()))

    async def _converted(
        self, partition: Partition, found: Sequence[ConsumerRecord], position: Position
    ) -> Batch:
        """As it was converted when it was committed: what a transform drops is not sent, nor what no row came of."""
        if not found:
            return Batch(positions={partition: position})
        await self._convert.prepare(partition.topic, found)
        buffer = Buffer(self._config, self._naming, self._convert)
        buffer.add({partition: found}, {partition: position.epoch})
        batch = buffer.take()
        batch.positions = {partition: position}
        return batch

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                **self._client, acks="all", enable_idempotence=True, max_request_size=LONGEST_REQUEST
            )
            await producer.start()
            self._producer = producer
            if not await topic_ids(producer.client, [self._topic]):
                raise FatalError(
                    f"persisted.topic.name: there is no topic {self._topic}, or it may not be described; make it before"
                )
            self._partitions = len(await producer.partitions_for(self._topic))
        return self._producer


def _lacks(row: Record, positions: Mapping[Partition, Position]) -> bool:
    return bool(row["committed"] < positions[Partition(row["topic"], row["partition"])].next_offset)


def _columns(positions: Mapping[Partition, Position]) -> tuple[list[str], list[int], list[int]]:
    return (
        [partition.topic for partition in positions],
        [partition.partition for partition in positions],
        [position.epoch for position in positions.values()],
    )
