"""Whatever is written into the workers' storage topics, the workers stay, and the entries around it count."""

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaProducer

from sink_connector.cluster.change_signal import ChangeSignal
from sink_connector.cluster.compacted_topic import CompactedTopic, ensure_topic
from sink_connector.cluster.config_store import ConfigStore
from sink_connector.cluster.metrics import ENTRIES_SKIPPED
from sink_connector.config.worker import StorageTopic
from sink_connector.errors import LogError
from sink_connector.serving import background
from tests.contract.sink.record_connect_rest import delete_topics
from tests.support.record_batches import RawRecord, send_raw
from tests.support.sink_worker import Group
from tests.support.waiting import wait_until

WriteRecord = tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]

DEEP = b'{"properties":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}"
STRANGE: list[WriteRecord] = [
    (b"connector-bad", b'{"properties":5}', []),
    (b"connector-bad", b'{"properties":{"a":[1]}}', []),
    (b"connector-bad", b"5", []),
    (b"connector-bad", b"null", []),
    (b"connector-bad", DEEP, []),
    (b"connector-bad", b"\xff\xfe", []),
    (b"\xff\xfe", b"{}", []),
    (b"", b"", []),
    (b"commit-good", b'{"tasks":1e400}', []),
    (b"target-state-good", b'{"state":"FLYING"}', []),
    (b"status-task-good-0", b'{"state":"RUNNING"}', []),
    (b"status-task-good-x", b"{}", []),
    (b"status-connector-good", b"[]", []),
    (b"connector-bad", b'{"properties":' + b"9" * 10_000 + b"}", []),
]


async def write(bootstrap: str, topic: str, entries: Iterable[WriteRecord]) -> None:
    """Each in a batch of its own."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        for key, value, headers in entries:
            await producer.send_and_wait(topic, value, key=key, headers=headers, partition=0)
    finally:
        await producer.stop()


def connector(name: str) -> WriteRecord:
    return (f"connector-{name}".encode(), json.dumps({"properties": {"name": name}}).encode(), [])


@asynccontextmanager
async def opened(bootstrap: str, name: str) -> AsyncIterator[ConfigStore]:
    topic = StorageTopic(setting="config.storage.topic", name=name, partitions=1, replication_factor=1)
    log = CompactedTopic(topic, client={"bootstrap_servers": bootstrap})
    store = ConfigStore(log, ChangeSignal())
    try:
        await store.open()
        async with background(log.follow()) as (following,):
            yield store
            assert not following.done()
    finally:
        await log.close()


def skipped(topic: str) -> float:
    value: Any = ENTRIES_SKIPPED.labels(topic)._value.get()  # noqa: SLF001 - the only way to read a counter
    return float(value)


async def test_entries_that_mean_nothing_are_skipped_whether_they_were_there_or_come(
    kafka_bootstrap: str,
) -> None:
    topic = Group(bootstrap=kafka_bootstrap).topics[0]
    async with opened(kafka_bootstrap, topic):
        pass
    try:
        await write(kafka_bootstrap, topic, [connector("before"), *STRANGE, connector("between")])
        async with opened(kafka_bootstrap, topic) as store:
            assert store.names == ["before", "between"]
            there = skipped(topic)
            assert there > 5
            await write(kafka_bootstrap, topic, [*STRANGE, connector("after")])
            await wait_until(lambda: "after" in store.names, what="the entry behind them")
            assert store.names == ["after", "before", "between"]
            assert skipped(topic) > there
            await store.put("own", {"name": "own"})
            assert "own" in store.names
    finally:
        await delete_topics(kafka_bootstrap, [topic])


UNREADABLE = [RawRecord(b"connector-strange", b'{"properties":{}}', [(b"\xff\xfe", b"1")])]


async def test_a_header_name_that_is_not_utf8_is_passed_over(kafka_bootstrap: str) -> None:
    topic = Group(bootstrap=kafka_bootstrap).topics[0]
    async with opened(kafka_bootstrap, topic):
        pass
    try:
        await write(kafka_bootstrap, topic, [connector("before")])
        await send_raw(kafka_bootstrap, topic, UNREADABLE)
        await write(kafka_bootstrap, topic, [connector("between")])
        async with opened(kafka_bootstrap, topic) as store:
            assert {"before", "between"} <= set(store.names)
            await send_raw(kafka_bootstrap, topic, UNREADABLE)
            await write(kafka_bootstrap, topic, [connector("after")])
            await wait_until(lambda: "after" in store.names, what="the entry behind it")
            await store.put("own", {"name": "own"})
            assert "own" in store.names
    finally:
        await delete_topics(kafka_bootstrap, [topic])


@pytest.mark.parametrize("ended", ["fetching", "metadata of reading", "sending", "metadata of sending"])
async def test_clients_that_work_no_more_are_replaced(kafka_bootstrap: str, ended: str) -> None:
    """As after a want of memory, which ends the tasks behind a client one by one, and tells nobody."""
    topic = Group(bootstrap=kafka_bootstrap).topics[0]
    try:
        async with opened(kafka_bootstrap, topic) as store:
            await store.put("before", {"name": "before"})
            log = cast(CompactedTopic, store.log)
            reading, sending = log._consumer, log._producer  # noqa: SLF001
            assert reading is not None
            assert sending is not None
            {
                "fetching": reading._fetcher._fetch_task,  # noqa: SLF001
                "metadata of reading": reading._client._sync_task,  # noqa: SLF001
                "sending": sending._sender.sender_task,  # noqa: SLF001
                "metadata of sending": sending.client._sync_task,  # noqa: SLF001
            }[ended].cancel()
            await write(kafka_bootstrap, topic, [connector("after")])
            await wait_until(lambda: "after" in store.names, what="what another worker wrote")
            await wait_until(lambda: log._producer not in {sending, None}, what="clients of its own")  # noqa: SLF001
            await wait_until(partial(taken, store), what="what it writes itself")
            assert store.names == ["after", "before", "own"]
    finally:
        await delete_topics(kafka_bootstrap, [topic])


async def taken(store: ConfigStore) -> bool:
    try:
        await store.put("own", {"name": "own"})
    except LogError:  # while the clients are replaced
        return False
    return True


async def test_a_topic_is_made_with_the_brokers_own_numbers(kafka_bootstrap: str) -> None:
    name = Group(bootstrap=kafka_bootstrap).topics[1]
    topic = StorageTopic(setting="status.storage.topic", name=name, partitions=-1, replication_factor=-1)
    try:
        assert await ensure_topic(topic, client={"bootstrap_servers": kafka_bootstrap})
    finally:
        await delete_topics(kafka_bootstrap, [name])
