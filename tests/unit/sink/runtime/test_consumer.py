"""A task's consumer between the group that gives it partitions and the store where it claims them."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import NoOffsetForPartitionError

from sink_connector.runtime import beginnings, fetched_batches
from sink_connector.runtime import consumer as module
from sink_connector.runtime.consumer import BrokenConsumerError, PartitionConsumer
from sink_connector.runtime.subscription import Subscription
from sink_connector.sink.offsets import Beginning, Claim, Partition

ONE = TopicPartition("orders", 0)


@dataclass(slots=True)
class Background:
    """One of the parts of a consumer that work behind it."""

    _fetch_task: "asyncio.Future[None] | None" = None
    _sync_task: "asyncio.Future[None] | None" = None


@dataclass(slots=True)
class Kafka:
    """A consumer of aiokafka's, as far as a claim asks it; `fails` is raised where it is to join, `polled` is what a poll gets."""

    fails: BaseException | None = None
    polled: Mapping[TopicPartition, object] | None = None
    _coordinator: None = None
    _fetcher: Background = field(default_factory=Background)
    _client: Background = field(default_factory=Background)
    sought: dict[TopicPartition, int] = field(default_factory=dict)
    is_stopped: bool = False
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None:
        await asyncio.sleep(0)
        if self.fails is not None:
            raise self.fails

    def subscribe(self, **_: object) -> None:
        """The test gives it partitions."""

    async def stop(self) -> None:
        self.is_stopped = True

    async def beginning_offsets(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        self.asked.set()
        await self.answers.wait()
        return dict.fromkeys(partitions, 0)

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        return dict.fromkeys(partitions, 0)

    async def committed(self, _partition: TopicPartition) -> None:
        return None

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.sought[partition] = offset

    def partitions_for_topic(self, _topic: str) -> set[int]:
        return {0}

    async def getmany(self, *_: TopicPartition, **__: int) -> Mapping[TopicPartition, object]:
        if self.polled is not None:
            return self.polled
        self.asked.set()
        await self.answers.wait()
        raise NoOffsetForPartitionError(ONE)


@dataclass(slots=True)
class Store:
    """The database, which answers a claim when it is told to."""

    answers: asyncio.Event = field(default_factory=asyncio.Event)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    claims: int = 0

    async def has_begun(self) -> bool:
        self.asked.set()
        await self.answers.wait()
        return True

    async def claim(self, _partition: Partition, beginning: Beginning) -> Claim:
        self.asked.set()
        await self.answers.wait()
        self.claims += 1
        return Claim(next_offset=beginning.first, epoch=self.claims)


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> Kafka:
    kafka = Kafka()

    async def ids(_client: object, topics: Iterable[str]) -> dict[str, str]:
        return dict.fromkeys(topics, "id")

    monkeypatch.setattr(beginnings, "topic_ids", ids)
    monkeypatch.setattr(module, "AIOKafkaConsumer", lambda **_: kafka)
    monkeypatch.setattr(fetched_batches, "install", lambda _: None)
    return kafka


def source(*, reset: str = "earliest") -> PartitionConsumer:
    options = {"auto_offset_reset": reset, "group_id": "g", "client_id": "c"}
    client: Any = None
    return PartitionConsumer(options=options, client=client, subscription=Subscription(topics=("orders",)))


async def test_a_claim_is_given_up_when_what_it_waits_for_will_not_come(kafka: Kafka) -> None:
    metadata = kafka._client._sync_task = asyncio.get_running_loop().create_future()  # noqa: SLF001 - aiokafka has no name for it
    consumer = source()
    await consumer.start()
    await consumer.on_partitions_assigned([ONE])
    store: Any = Store()
    rewinding = asyncio.create_task(consumer.rewind(store))
    await kafka.asked.wait()
    metadata.set_exception(MemoryError())
    with pytest.raises(BrokenConsumerError, match="MemoryError"):
        await rewinding
    with pytest.raises(BrokenConsumerError):
        await consumer.poll(timeout_ms=1, most=1)
    assert (store.claims, consumer.epochs) == (0, {})


async def test_the_group_goes_on_once_a_claim_under_way_has_ended(kafka: Kafka) -> None:
    """A claim that arrives after the partition was given to another would fence off its new owner."""
    store: Any = Store()
    kafka.answers.set()
    consumer = source()
    await consumer.start()
    await consumer.on_partitions_assigned([ONE])
    rewinding = asyncio.create_task(consumer.rewind(store))
    await store.asked.wait()
    revoking = asyncio.create_task(consumer.on_partitions_revoked([ONE]))
    await asyncio.wait([revoking], timeout=0.05)
    assert not revoking.done()
    store.answers.set()
    await asyncio.gather(revoking, rewinding)
    assert (store.claims, consumer.epochs, kafka.sought) == (1, {}, {})


async def test_no_claim_begins_for_a_partition_that_was_taken_away_meanwhile(kafka: Kafka) -> None:
    store: Any = Store()
    store.answers.set()
    consumer = source()
    await consumer.start()
    await consumer.on_partitions_assigned([ONE])
    rewinding = asyncio.create_task(consumer.rewind(store))
    await kafka.asked.wait()  # where the partition begins
    await consumer.on_partitions_revoked([ONE])
    kafka.answers.set()
    await rewinding
    assert (store.claims, consumer.epochs) == (0, {})


async def test_what_is_assigned_while_there_was_nothing_to_claim_is_claimed_next(kafka: Kafka) -> None:
    store: Any = Store()
    kafka.answers.set()
    consumer = source(reset="latest")
    await consumer.start()
    await consumer.on_partitions_assigned([])
    rewinding = asyncio.create_task(consumer.rewind(store))
    await store.asked.wait()  # whether there were offsets before
    await consumer.on_partitions_revoked([])
    await consumer.on_partitions_assigned([ONE])
    store.answers.set()
    await rewinding
    assert consumer.assigned.is_set()
    await consumer.rewind(store)
    assert (store.claims, consumer.assigned.is_set()) == (1, False)


@pytest.mark.parametrize("is_anew", [True, False], ids=["given anew", "its own"])
async def test_a_poll_under_way_does_not_ask_where_a_partition_given_anew_goes_on(
    kafka: Kafka, *, is_anew: bool
) -> None:
    store: Any = Store()
    store.answers.set()
    kafka.answers.set()
    consumer = source()
    await consumer.start()
    await consumer.on_partitions_assigned([ONE])
    await consumer.rewind(store)
    kafka.asked.clear()
    kafka.answers.clear()
    polling = asyncio.create_task(consumer.poll(timeout_ms=1, most=1))
    await kafka.asked.wait()
    if is_anew:
        await consumer.on_partitions_revoked([ONE])
        await consumer.on_partitions_assigned([ONE])
    kafka.answers.set()
    if is_anew:
        assert (await polling).records == {}
    else:
        with pytest.raises(NoOffsetForPartitionError):
            await polling


async def test_a_poll_ends_when_partitions_are_assigned_though_none_is_claimed_yet(kafka: Kafka) -> None:
    kafka.polled = {}
    consumer = source()
    await consumer.start()
    polling = asyncio.create_task(consumer.poll(timeout_ms=600_000, most=1))
    await asyncio.sleep(0)
    assert not polling.done()
    await consumer.on_partitions_assigned([ONE])
    async with asyncio.timeout(10):
        assert (await polling).records == {}


@pytest.mark.parametrize(
    "fails", [OSError("no broker"), asyncio.CancelledError()], ids=["failed", "cancelled"]
)
async def test_a_consumer_that_cannot_join_is_closed(kafka: Kafka, fails: BaseException) -> None:
    kafka.fails = fails
    consumer = source()
    with pytest.raises(type(fails)):
        await consumer.start()
    assert kafka.is_stopped
    with pytest.raises(RuntimeError):
        _ = consumer.consumer
