"""The relay: everything committed, in commit order, whatever stops it; and the trap that `id > last` falls into."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic

import asyncpg
import pytest
from aiokafka.errors import KafkaError, KafkaTimeoutError
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from devservers.ports import free_ports
from order_service.adapters import schema
from order_service.adapters.kafka.publisher import kafka_publisher
from order_service.adapters.outbox_reader import OutboxReader
from order_service.adapters.postgres.storage import STATEMENTS
from order_service.adapters.serialization import RecordMaker
from order_service.adapters.storage import open_database
from order_service.bootstrap import republish_log
from order_service.entrypoints.outbox_relay import PRODUCER_LIFE_S, Relay
from order_service.service_layer.backlog import Backlog
from order_service.service_layer.outbox_log import LoggedRecord, LogPosition, Refused
from tests.conftest import MakeDatabase, MakeTopic
from tests.integration.order.conftest import MakeCluster, MakeUrl
from tests.support import order_database
from tests.support.order_cluster import OrderCluster, Record, payload
from tests.support.waiting import wait_until

RECORDS = RecordMaker(instance="order-1")


@dataclass
class Heard:
    """Records what is published; fails as often as it is told, before or after taking the records."""

    records: list[LoggedRecord] = field(default_factory=list)
    fail_before: int = 0
    fail_after: int = 0
    opened: int = 0

    async def publish(self, records: Sequence[LoggedRecord]) -> None:
        if self.fail_before:
            self.fail_before -= 1
            raise KafkaTimeoutError
        self.records.extend(records)
        if self.fail_after:
            self.fail_after -= 1
            raise KafkaTimeoutError

    async def missing(self, _topic: str) -> str | None:
        return None

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["Heard"]:
        self.opened += 1
        yield self

    @property
    def keys(self) -> list[str]:
        return [record.key.decode() for record in self.records]


class NaiveReader(OutboxReader):
    """The planted bug: the last id seen stands for everything before it."""

    async def after(self, position: LogPosition, *, limit: int) -> list[LoggedRecord]:
        STATEMENTS["naive"] = (
            "SELECT 0, id, topic, key, value, headers FROM outbox WHERE id > $1 ORDER BY id LIMIT $2"
        )
        rows = await self.database.rows("naive", position.id, limit)
        return [LoggedRecord(LogPosition(0, id_), t, k, v, []) for _, id_, t, k, v, _ in rows]


def write(connection: Connection, *keys: str) -> None:
    for key in keys:
        row = {"key": key.encode(), "value": b"v"}
        connection.execute(
            text("INSERT INTO outbox (topic, key, value, headers) VALUES ('t', :key, :value, '{}')"), row
        )


@contextlib.asynccontextmanager
async def relaying(
    reader: OutboxReader, heard: Heard, *, time: Callable[[], float] = monotonic
) -> AsyncIterator[Relay]:
    async def nothing(_position: LogPosition) -> None:
        pass

    async def not_aside(refused: Sequence[Refused]) -> None:
        raise AssertionError(refused)

    async def at_once(_seconds: float) -> None:
        await asyncio.sleep(0.01)

    relay = Relay(
        name="test",
        reader=reader,
        backlog=Backlog(limit=100),
        publishers=heard.open,
        note=nothing,
        set_aside=not_aside,
        sleep=at_once,
        time=time,
    )
    task = asyncio.create_task(relay.serve())
    try:
        yield relay
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.guarantees("G-RELAY-1")
@pytest.mark.parametrize(("reader", "lost"), [(OutboxReader, False), (NaiveReader, True)])
async def test_a_row_that_becomes_visible_after_a_higher_id_is_not_passed_over(
    make_database: MakeDatabase, reader: type[OutboxReader], *, lost: bool
) -> None:
    """Two writers on PostgreSQL: the first takes its id, the second takes the next one and commits before it."""
    url = (await make_database()).replace("postgresql://", "postgresql+asyncpg://")
    await schema.migrate(url)
    writers, database, heard = create_async_engine(url), open_database(url, RECORDS), Heard()
    async with relaying(reader(database=database, instance="order-1"), heard) as relay:
        async with writers.connect() as slow, writers.connect() as quick:
            await slow.run_sync(write, "first id")
            await quick.run_sync(write, "second id")
            await quick.commit()
            relay.backlog.committed(1)
            if lost:
                await wait_until(lambda: heard.keys == ["second id"], what="the naive relay runs ahead")
            await slow.commit()
            relay.backlog.committed(1)
        async with writers.begin() as third:
            await third.run_sync(write, "third id")
        relay.backlog.committed(1)
        await wait_until(lambda: "third id" in heard.keys, what="the last row is published")
    expected = ["second id", "third id"] if lost else ["first id", "second id", "third id"]
    assert heard.keys == expected
    await writers.dispose()
    await database.close()


@pytest.mark.guarantees("G-RELAY-3")
async def test_rows_of_many_concurrent_writers_are_published_once_and_in_commit_order_per_key(
    make_url: MakeUrl,
) -> None:
    url = await make_url()
    await schema.migrate(url)
    heard = Heard()
    database = open_database(url, RECORDS)

    async def commit(*keys: str) -> None:
        await order_database.within(url, lambda connection: write(connection, *keys))

    async def writer(number: int) -> None:
        for step in range(15):
            await commit(f"{number}:{step}", f"{number}:{step}+")

    async with relaying(OutboxReader(database=database, instance="order-1"), heard) as relay:
        await asyncio.gather(*(writer(number) for number in range(4)))
        relay.backlog.committed(1)
        await wait_until(lambda: len(heard.keys) >= 120, what="everything is published")
    assert len(set(heard.keys)) == len(heard.keys) == 120
    for number in range(4):
        mine = [key for key in heard.keys if key.startswith(f"{number}:")]
        assert mine == [f"{number}:{step}{end}" for step in range(15) for end in ("", "+")]
    await database.close()


@pytest.mark.guarantees("G-RELAY-3")
@pytest.mark.parametrize(("heard", "copies"), [(Heard(fail_before=1), 1), (Heard(fail_after=1), 2)])
async def test_after_a_failure_it_goes_back_to_what_was_acknowledged_with_a_new_producer(
    make_url: MakeUrl, heard: Heard, copies: int
) -> None:
    url = await make_url()
    await schema.migrate(url)
    heard = replace(heard, records=[])
    database = open_database(url, RECORDS)
    await order_database.within(url, lambda connection: write(connection, *"abc"))
    async with relaying(OutboxReader(database=database, instance="order-1"), heard) as relay:
        await wait_until(lambda: relay.position.id == 3, what="all is acknowledged")
    assert heard.keys == list("abc") * copies
    assert heard.opened == 2
    await database.close()


async def test_a_producer_is_replaced_before_brokers_forget_whose_it_is(make_url: MakeUrl) -> None:
    url = await make_url()
    await schema.migrate(url)
    heard, database, days = Heard(), open_database(url, RECORDS), [0]

    def time() -> float:
        return monotonic() + days[0] * PRODUCER_LIFE_S

    async def publish(relay: Relay, key: str, *, day: int) -> None:
        await order_database.within(url, lambda connection: write(connection, key))
        relay.backlog.committed(1)
        await wait_until(lambda: len(heard.keys) == day, what=f"{key} is published")
        assert heard.opened == day
        days[0] = day
        await wait_until(lambda: heard.opened == day + 1, what="another producer")

    async with relaying(OutboxReader(database=database, instance="order-1"), heard, time=time) as relay:
        for day, key in enumerate("abc", start=1):
            await publish(relay, key, day=day)
    assert heard.keys == list("abc")
    await database.close()


@pytest.mark.guarantees("G-RELAY-1")
async def test_what_was_committed_while_the_relay_was_away_is_published_when_it_is_back(
    make_cluster: MakeCluster,
) -> None:
    cluster = await make_cluster()
    await cluster[1].start(without=lambda task: task.startswith("relay"))
    await cluster[1].product("tea")
    for _ in range(5):
        await cluster[1].placed(("tea", 1))
    assert await cluster.records("orders") == []
    await cluster[1].stop()
    await cluster[1].start()

    def all_are_there(records: list[Record]) -> bool:
        return len({payload(record)["order_id"] for record in records}) == 5

    await cluster.records("orders", until=all_are_there)


@pytest.mark.guarantees("G-RELAY-3")
async def test_two_relays_on_one_outbox_keep_the_order_of_every_key(make_cluster: MakeCluster) -> None:
    """The old instance has not ended when the new one starts: the same database, two processes."""
    cluster = await make_cluster()
    await cluster.start()
    await cluster[1].product("tea")
    twin = type(cluster[1])(settings=cluster[1].settings.model_copy(update={"port": free_ports(1)[0]}))
    await twin.start()
    for price in range(1, 11):
        instance = cluster[1] if price % 2 else twin
        answer = await instance.http.post("/products/tea/price", json={"unit_price_cents": price})
        assert answer.status_code == 200
    await twin.close()

    async def read_to_the_newest() -> list[int]:  # records may come twice, so that eleven need not be all
        versions = [payload(record)["version"] for record in await cluster.records("products")]
        return versions if versions[-1:] == [11] else []

    versions = await wait_until(read_to_the_newest, what="the newest is the last, which compaction keeps")
    newest = 0
    applied = []
    for version in versions:  # as every consumer does: an older one than the newest seen is dropped
        if version > newest:
            applied.append(version)
            newest = version
    assert applied == list(range(1, 12))


async def test_a_long_outbox_on_postgresql_is_read_along_its_index(make_database: MakeDatabase) -> None:
    """A sort would read all that waits for each batch, and an outbox grows long when Kafka is away."""
    dsn = await make_database()
    url = dsn.replace("postgresql://", "postgresql+asyncpg://")
    await schema.migrate(url)
    connection = await asyncpg.connect(dsn)
    await connection.execute("SET enable_sort = off")
    await connection.execute("SET enable_bitmapscan = off")
    explained = await connection.fetch("EXPLAIN " + STATEMENTS["outbox_after"], 1, 1, 100)
    await connection.close()
    found = "\n".join(row[0] for row in explained)
    assert "Index Scan using outbox_commit_order" in found
    assert "Sort" not in found


async def test_a_republished_log_is_the_log(cluster: OrderCluster) -> None:
    await cluster[1].product("tea")
    for price in range(3):
        await cluster[1].http.post("/products/tea/price", json={"unit_price_cents": price})
    first = await cluster.records("products", at_least=4)
    assert await republish_log(cluster[1].settings, topics=["products"]) == (4, 0)
    second = (await cluster.records("products", at_least=8))[-4:]
    assert [(r.key, r.value, r.headers) for r in second] == [(r.key, r.value, r.headers) for r in first]


async def test_what_kafka_refuses_is_an_error_of_its_own_and_not_one_in_a_group(
    make_topic: MakeTopic, kafka_bootstrap: str
) -> None:
    """The relay goes on after a `KafkaError`; what it does not recognize ends the process."""
    topic = await make_topic(config={"max.message.bytes": "500"})
    record = LoggedRecord(LogPosition(0, 1), topic, b"key", b"v" * 1_000, [])
    async with kafka_publisher(kafka_bootstrap, "test", identity=topic) as publisher:
        with pytest.raises(KafkaError):
            await publisher.publish([record])
