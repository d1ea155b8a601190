"""The one module that knows aiokafka's consumer: records and offsets of whole topics, without a consumer group."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.fetcher import READ_UNCOMMITTED
from aiokafka.errors import (
    BrokerNotAvailableError,
    IllegalStateError,
    KafkaError,
    KafkaTimeoutError,
    ReplicaNotAvailableError,
    UnknownError,
)

from catalog_service.changefeed import record_batches
from catalog_service.changefeed.closing import check_whole, close_consumer

_PATIENCE_S = 2.0
_POLL_MS = 200
_NOBODY = -1

# Over by themselves, though aiokafka does not call them retriable; IllegalStateError: partitions were assigned anew.
_UNAVAILABLE = (
    OSError,
    TimeoutError,
    BrokerNotAvailableError,
    IllegalStateError,
    KafkaTimeoutError,
    ReplicaNotAvailableError,
    UnknownError,
)

Assigned = tuple[str, int]
"""Kafka's name of a topic, and the number of one of its partitions."""


class KafkaUnavailableError(Exception):
    """Kafka does not answer, or not yet: it is worth trying again."""


class UnreadablePartitionError(Exception):
    """What Kafka answers cannot be read, and trying again will not help by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record as it lies in Kafka. Names of headers that are not UTF-8 hold surrogates; times are milliseconds."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    timestamp_ms: int


class TopicConsumer:
    """Reads every partition of `topics`, those made later included. An async context manager.

    Positions are the caller's: a partition that has just been assigned hands nothing over before `seek`.

    Raises (every method that awaits, entering included):
        KafkaUnavailableError: no answer in time.
        UnreadablePartitionError: an answer that cannot be read, or is refused.
    """

    def __init__(
        self, bootstrap: str, topics: Collection[str], *, security: Callable[[], Mapping[str, Any]] = dict
    ) -> None:
        """Connects to nothing yet. `security` gives the log-in. Raises `OSError` when it cannot be read."""
        record_batches.install()
        self._consumer = AIOKafkaConsumer(
            *topics,
            bootstrap_servers=bootstrap,
            group_id=None,
            client_id="catalog",
            auto_offset_reset="latest",  # until it is placed; nothing is handed over before that
            isolation_level="read_committed",  # as the sink: what a transaction took back is never in a row
            # At rest two fetches a second of each broker. It may not wait longer: a broker answers one question of a
            # connection after the other, and those for the ends come too.
            fetch_max_wait_ms=500,
            metadata_max_age_ms=5_000,  # a topic made after the start is found soon
            **security(),
        )
        self._sought: Any = None

    async def __aenter__(self) -> Self:
        """Find the topics and connect to their brokers."""
        try:
            await self._consumer.start()
        except BaseException as error:
            await close_consumer(self._consumer, within_s=_PATIENCE_S)
            if isinstance(error, Exception):
                raise _translated(error) from error
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop within a bound."""
        await close_consumer(self._consumer, within_s=_PATIENCE_S)

    def assigned(self) -> frozenset[Assigned]:
        """The partitions that exist, as far as Kafka has told."""
        return frozenset((each.topic, each.partition) for each in self._consumer.assignment())

    async def poll(self) -> Sequence[Record]:
        """The next records, in order per partition; none after a fifth of a second without any."""
        try:
            check_whole(self._consumer)
            fetched = await self._consumer.getmany(timeout_ms=_POLL_MS)
        except Exception as error:
            raise _translated(error) from error
        return [
            Record(
                topic=each.topic,
                partition=each.partition,
                offset=each.offset,
                key=each.key,
                value=each.value,
                headers=each.headers,
                timestamp_ms=each.timestamp,
            )
            for records in fetched.values()
            for each in records
        ]

    def seek(self, partition: Assigned, offset: int) -> None:
        """Go on reading `partition` at `offset`; what was fetched before comes again."""
        self._consumer.seek(TopicPartition(*partition), offset)
        self._sought = self._assignment()

    def position(self, partition: Assigned) -> int | None:
        """The offset of the next record to come, those behind it that are no records (a transaction's end) left out.

        None where nobody has said where to begin: aiokafka begins by itself at the end, and again with every assignment.
        """
        assignment = self._assignment()
        if assignment is not self._sought:
            return None
        state = assignment.state_value(TopicPartition(*partition))
        return int(state.position) if state is not None and state.has_valid_position else None

    def pause_only(self, partitions: Collection[Assigned]) -> None:
        """Fetch nothing of `partitions`, and all the others."""
        wanted = {TopicPartition(*each) for each in partitions}
        paused = self._consumer.paused()
        self._consumer.pause(*wanted - paused)
        self._consumer.resume(*paused - wanted)

    async def first_offsets(self, partitions: Collection[Assigned]) -> Mapping[Assigned, int]:
        """The offset of the first record that Kafka still has."""
        return await self._offsets(self._consumer.beginning_offsets, partitions)

    async def end_offsets(self, partitions: Collection[Assigned]) -> Mapping[Assigned, int]:
        """The offset after the last record, those of open transactions included: what stands behind them is not read yet."""
        asking = copy(self._consumer._fetcher)  # noqa: SLF001 - aiokafka has one level for both questions
        asking._isolation_level = READ_UNCOMMITTED  # noqa: SLF001 - likewise
        timeout_ms = _PATIENCE_S * 1000
        return await self._offsets(lambda asked: asking.end_offsets(asked, timeout_ms), partitions)

    async def offsets_since(
        self, partitions: Collection[Assigned], *, time_ms: int
    ) -> Mapping[Assigned, int | None]:
        """The offset of the first record whose time is `time_ms` or later; None where there is none."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                found = await self._consumer.offsets_for_times(
                    {TopicPartition(*each): time_ms for each in partitions}
                )
        except Exception as error:
            raise _translated(error) from error
        return {(each.topic, each.partition): None if at is None else at.offset for each, at in found.items()}

    def leaders(self) -> Mapping[Assigned, int]:
        """The broker that leads each partition, as Kafka has last told; a partition without one is left out."""
        cluster = self._consumer._client.cluster  # noqa: SLF001 - aiokafka tells it nowhere else
        found = {each: cluster.leader_for_partition(TopicPartition(*each)) for each in self.assigned()}
        return {partition: leader for partition, leader in found.items() if leader not in {None, _NOBODY}}

    async def _offsets(
        self,
        ask: Callable[[list[TopicPartition]], Awaitable[Mapping[TopicPartition, int]]],
        partitions: Collection[Assigned],
    ) -> Mapping[Assigned, int]:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                found = await ask([TopicPartition(*each) for each in partitions])
        except Exception as error:
            raise _translated(error) from error
        return {(each.topic, each.partition): offset for each, offset in found.items()}

    def _assignment(self) -> Any:
        return self._consumer._subscription.subscription.assignment  # noqa: SLF001 - a new object for each assignment


def _translated(error: Exception) -> Exception:
    """What an error of aiokafka means for the reader."""
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if isinstance(error, _UNAVAILABLE) or (isinstance(error, KafkaError) and error.retriable):
        return KafkaUnavailableError(said)
    return UnreadablePartitionError(said)
