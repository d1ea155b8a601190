"""A task's share of the topics: the consumer, and which partitions may be delivered from.

aiokafka activates an assignment before its listener has run, and swallows what the listener raises. So the listener
only takes notes; `rewind` claims and seeks, and until a partition went through it, nothing is returned from it.
"""

import asyncio
import contextlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import (
    CorruptRecordException,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    RecordTooLargeError,
)

from sink_connector.data.write_record import KafkaRecord
from sink_connector.errors import FatalError
from sink_connector.runtime import fetched_batches, group_member, record_batches
from sink_connector.runtime.beginnings import Beginnings
from sink_connector.runtime.closing import background, check_whole
from sink_connector.runtime.missing_topics import MissingTopics
from sink_connector.runtime.predecessors import Predecessors
from sink_connector.runtime.subscription import Subscription, WholeName
from sink_connector.runtime.topic_ids import topic_ids
from sink_connector.sink.offsets import OffsetStore, Partition, TopicRecreatedError

NOTHING = TopicPartition("", -1)
STOP_S = 3.0
CLAIM_S = 3.0  # a database that answers later than that is away


class BrokenConsumerError(KafkaError):  # type: ignore[misc] # aiokafka has no types
    """The consumer works no more, whatever is asked of it again; a new one will."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """Records of one poll, and the generation of the assignment under which they were polled.

    `unreadable` are those of the records, by partition and offset, that have a header whose name is not UTF-8.
    """

    generation: int
    records: dict[TopicPartition, list[KafkaRecord]]
    unreadable: frozenset[tuple[TopicPartition, int]] = frozenset()


class PartitionConsumer(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka has no types
    """The consumer of one task.

    With `succeeds`, `client_id` is this task's and no other's: a member of that name in the group is one that this task left
    when it was killed, and is taken out.

    `generation` changes whenever partitions are taken away: what was polled before is then no longer this task's to write. `assigned` is set while partitions wait for `rewind`.
    """

    def __init__(
        self,
        *,
        options: Mapping[str, Any],
        client: AIOKafkaClient,
        subscription: Subscription,
        succeeds: bool = False,
    ) -> None:
        self._options = dict(options)
        self._reset = self._options.pop("auto_offset_reset")
        self._client = client
        self._subscription = subscription
        self._beginnings = Beginnings(client=client, subscription=subscription, reset=self._reset)
        self._succeeds = succeeds
        self._succeeding: asyncio.Task[None] | None = None
        self._consumer: AIOKafkaConsumer | None = None
        self._missing: MissingTopics | None = None
        self._unclaimed: set[TopicPartition] = set()
        self._epochs: dict[TopicPartition, int] = {}
        self._begun: dict[TopicPartition, int] = {}  # where the database said that each goes on
        self._next: dict[TopicPartition, int] = {}  # offset of the first record not returned yet
        self._ids: dict[str, str] = {}  # of the topics as they were when their partitions were claimed
        self._showing: asyncio.Task[None] | None = None
        self._claiming = asyncio.Lock()  # held while a claim is with the database
        self.assigned = asyncio.Event()
        self.generation = 0

    @property
    def consumer(self) -> AIOKafkaConsumer:
        """The consumer that was started. Raises `RuntimeError` before `start` and after `stop`."""
        if self._consumer is None:
            raise RuntimeError("the source is not started")
        return self._consumer

    @property
    def epochs(self) -> Mapping[TopicPartition, int]:
        """The claimed partitions with the epoch to write them with."""
        return self._epochs

    @property
    def begun(self) -> Mapping[TopicPartition, int]:
        """The claimed partitions with the offset that each was claimed at."""
        return self._begun

    async def start(self) -> None:
        """Connect and join the group; the first assignment comes later. Raises aiokafka's errors."""
        consumer = AIOKafkaConsumer(**self._options, auto_offset_reset="none", enable_auto_commit=False)
        self._consumer = consumer
        try:
            await self._join(consumer)
        except BaseException:  # cancelled too: nobody would close it
            await self.stop()
            raise

    async def _join(self, consumer: AIOKafkaConsumer) -> None:
        await consumer.start()
        fetched_batches.install(consumer)
        predecessors = None
        if self._succeeds:
            group, client_id = self._options["group_id"], self._options["client_id"]
            predecessors = await Predecessors.find(self._client, group=group, client_id=client_id)
        pattern = self._subscription.pattern
        if pattern is None:
            consumer.subscribe(topics=list(self._subscription.topics), listener=self)
            self._missing = MissingTopics(consumer, self._subscription.topics, monotonic=time.monotonic)
        else:
            # What `subscribe(pattern=…)` does, but for its `re.compile`: a match must end in time.
            consumer._subscription.subscribe_pattern(pattern=WholeName(pattern), listener=self)  # noqa: SLF001
            consumer._client.set_topics([])  # noqa: SLF001
        if predecessors is not None and predecessors.members:
            self._succeeding = asyncio.create_task(predecessors.remove())

    async def stop(self) -> None:
        """Leave the group at once; brokers that do not answer are not waited for."""
        consumer, self._consumer = self._consumer, None
        if self._succeeding is not None:
            self._succeeding.cancel()
        await self.on_partitions_revoked(())
        if consumer is not None:
            await group_member.leave(consumer, within_s=STOP_S)

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:  # noqa: ARG002 - all of them, always
        """Give up every partition: what was polled of them is another consumer's to write."""
        self.generation += 1
        self._epochs.clear()
        self._begun.clear()
        self._next.clear()
        self._ids.clear()
        self._unclaimed.clear()
        self.assigned.clear()
        if self._showing is not None:
            # Kafka would answer it after the group has changed, with "no longer your generation", which aiokafka takes
            # to be said of the new one: it would forget its membership and join anew, and so have the group change again.
            self._showing.cancel()
        await self._until_claimed()

    async def _until_claimed(self) -> None:
        """Let a claim that is with the database end before the group goes on, which gives the partition to another.

        It would be later than the other's own claim otherwise, and fence it off.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLAIM_S), self._claiming:
                pass

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Note what is to be claimed by `rewind`; nothing is delivered from it before."""
        self._unclaimed = set(assigned)
        self.assigned.set()

    async def rewind(self, store: OffsetStore) -> None:
        """Claim the partitions newly assigned and seek to their stored offsets. May be called again after a failure.

        Raises what the store raises, `FatalError` when a topic was created anew or a stored offset is gone, and
        `BrokenConsumerError`.
        """
        claiming = asyncio.create_task(self._claim(store))
        try:
            await asyncio.wait([claiming, *background(self.consumer)], return_when=asyncio.FIRST_COMPLETED)
            if not claiming.done():  # it may wait for what will not come
                self._check()
            await claiming
        finally:
            claiming.cancel()

    async def _claim(self, store: OffsetStore) -> None:
        generation = self.generation
        waiting = sorted(self._unclaimed)
        if self._reset != "earliest" and not await store.has_begun():
            await store.begin(await self._beginnings.of_all(self.consumer))
        for partition, beginning in (await self._beginnings.of(self.consumer, waiting)).items():
            async with self._claiming:
                is_mine = generation == self.generation
                claimed = await store.claim(Partition(*partition), beginning) if is_mine else None
            if claimed is None or generation != self.generation:
                break
            self.consumer.seek(partition, claimed.next_offset)
            self._next[partition] = self._begun[partition] = claimed.next_offset
            self._epochs[partition] = claimed.epoch
            self._ids[partition.topic] = beginning.topic_id
            self._unclaimed.discard(partition)
        if generation == self.generation:  # an assignment that came meanwhile has set it again, for itself
            self.assigned.clear()

    async def check_topics(self) -> None:
        """Raise `TopicRecreatedError` when a topic is not the one whose records were claimed."""
        claimed = dict(self._ids)
        for topic, found in (await topic_ids(self._client, claimed)).items():
            if found != claimed[topic]:
                raise TopicRecreatedError(topic, stored=claimed[topic], found=found)

    async def show_progress(self, offsets: Mapping[Partition, int]) -> bool:
        """Commit offsets of claimed partitions to the consumer group, where tools look for them; whether that was done.

        Nothing here ever reads them back but the very first claim. Raises aiokafka's errors.
        """
        places = {TopicPartition(*partition): offset for partition, offset in offsets.items()}
        mine = {partition: offset for partition, offset in places.items() if partition in self._epochs}
        if not mine:
            return False
        showing = self._showing = asyncio.create_task(self.consumer.commit(mine))
        try:
            await asyncio.wait([showing])
        finally:
            showing.cancel()
        if showing.cancelled():
            return False
        showing.result()
        return True

    async def poll(self, *, timeout_ms: int, most: int) -> Polled:
        """Records of claimed partitions, in the order of each; empty after `timeout_ms`, or when others are assigned.

        Raises `FatalError` when Kafka no longer has the offset to go on from, and `BrokenConsumerError`.
        """
        self._check()
        if self._missing is not None:
            self._missing.look()
        generation = self.generation
        if not self._epochs:
            return await self._until_assigned(timeout_ms)
        try:
            polled = await self.consumer.getmany(*self._epochs, timeout_ms=timeout_ms, max_records=most)
        except NoOffsetForPartitionError:
            if generation == self.generation:
                raise
            polled = {}  # given to this task anew while it waited: the place is known once it is claimed
        except OffsetOutOfRangeError as error:
            raise FatalError(
                f"the stored offset is not in the topic any more: {error}; its records were removed before they were "
                "read. Set or delete the connector's offsets to go on from another place"
            ) from error
        except RecordTooLargeError as error:
            raise FatalError(
                f"a record is larger than consumer.override.max.partition.fetch.bytes: {error}"
            ) from error
        except (UnicodeDecodeError, CorruptRecordException) as error:
            if not record_batches.install() and isinstance(error, CorruptRecordException):
                raise  # not for the name of a header, then
            self._fetch_again()
            polled = {}
        return self._polled(polled)

    async def _until_assigned(self, timeout_ms: int) -> Polled:
        """Nothing is claimed: an assignment is what there is to wait for, and it is not kept waiting."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_ms / 1000):
                await self.assigned.wait()
        await self.keep_alive()
        return self._polled({})

    def _check(self) -> None:
        try:
            check_whole(self.consumer)
        except KafkaError as error:
            raise BrokenConsumerError(str(error)) from error

    def _fetch_again(self) -> None:
        """Go back to where the last poll ended: what this one had taken from any partition is lost."""
        for partition, offset in self._next.items():
            self.consumer.seek(partition, offset)

    def _polled(self, found: Mapping[TopicPartition, list[KafkaRecord]]) -> Polled:
        records = {partition: each for partition, each in found.items() if partition in self._epochs}
        for partition, each in records.items():
            self._next[partition] = each[-1].offset + 1
        unreadable: frozenset[tuple[TopicPartition, int]] = frozenset()
        if record_batches.TolerantRecords.unreadable:
            unreadable = record_batches.unreadable(records)
        return Polled(generation=self.generation, records=records, unreadable=unreadable)

    def give_up(self) -> None:
        """Deliver nothing any more until the next assignment: another writer has claimed a partition of ours."""
        self.generation += 1
        self._epochs.clear()
        self._next.clear()

    def claim_again(self) -> None:
        """Deliver nothing any more until `rewind` has claimed anew what is claimed: its stored offsets went back."""
        self._unclaimed |= self._epochs.keys()
        self.give_up()
        self.assigned.set()

    async def claim_assignment(self) -> bool:
        """Have what the group has given to this consumer claimed anew, if it is in the group; whether it is.

        A claim that was sent before its sender lost the partition, and reached the database late, has fenced this one off.
        """
        generation = self.generation
        if not await group_member.is_member(self.consumer) or generation != self.generation:
            return False
        self._unclaimed = set(self.consumer.assignment())
        self.assigned.set()
        return True

    async def keep_alive(self) -> None:
        """Tell the group that this consumer is alive although it cannot take more records now."""
        await self.consumer.getmany(NOTHING, timeout_ms=0)

    def lag(self, partition: TopicPartition, next_offset: int) -> int | None:
        """Records between an offset and the end of the partition, as of the last fetch."""
        if partition not in self.consumer.assignment():
            return None
        end = self.consumer.highwater(partition)
        return None if end is None else max(0, end - next_offset)
