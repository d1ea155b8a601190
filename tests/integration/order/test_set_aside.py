"""What the relay has passed is sent once it can be, whatever a hand has made of the rows around it."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any

import pytest

from order_service.adapters import schema
from order_service.adapters.kafka.publisher import RefusedError
from order_service.adapters.outbox_reader import OutboxReader
from order_service.adapters.serialization import RecordMaker
from order_service.adapters.storage import open_database
from order_service.entrypoints import outbox_relay
from order_service.entrypoints.outbox_relay import Relay
from order_service.entrypoints.republish import republish
from order_service.service_layer.backlog import Backlog
from order_service.service_layer.message_bus import MessageBus
from order_service.service_layer.outbox_log import LoggedRecord, LogPosition, Refused
from order_service.service_layer.use_cases.mark_relayed import MarkRelayed, SetRecordsAside
from tests.integration.order.conftest import MakeUrl
from tests.support import order_database
from tests.support.waiting import wait_until

NONE_SUCH = "no topic!"


@dataclass
class Brokers:
    """A publisher whose topics are these; like Kafka's it refuses what is for any other."""

    topics: set[str] = field(default_factory=lambda: {"t", "u"})
    closed: set[str] = field(default_factory=set)
    """Of these topics, those that take nothing though they are there."""
    keys: list[str] = field(default_factory=list)
    opened: int = 0

    async def publish(self, records: Sequence[LoggedRecord]) -> None:
        for record in records:
            if record.topic not in self.topics - self.closed:
                raise RefusedError([record], "no such topic", whole_topic=True)
        self.keys += [record.key.decode() for record in records]

    async def missing(self, topic: str) -> str | None:
        return None if topic in self.topics else f"topic {topic} does not exist"

    def open(self) -> AbstractAsyncContextManager["Brokers"]:
        self.opened += 1
        return contextlib.nullcontext(self)


@dataclass
class Outbox:
    """A database with a relay before it that can be started again."""

    url: str
    brokers: Brokers
    relay: Relay
    reader: OutboxReader

    async def write(self, key: str, *, topic: str = "t", headers: str = "{}") -> None:
        await self.change(
            "INSERT INTO outbox (topic, key, value, headers) VALUES (:topic, :key, :value, :headers)",
            topic=topic,
            key=key.encode(),
            value=b"v",
            headers=headers,
        )

    async def change(self, statement: str, **parameters: Any) -> None:
        await order_database.execute(self.url, statement, parameters)

    async def aside(self) -> list[dict[str, Any]]:
        return await order_database.rows(self.url, "SELECT topic, reason FROM set_aside ORDER BY id")

    async def are_aside(self, count: int) -> list[dict[str, Any]]:
        async def found() -> tuple[list[dict[str, Any]]] | None:
            aside = await self.aside()
            return (aside,) if len(aside) == count else None

        return (await wait_until(found, what=f"{count} records are set aside") or ([],))[0]

    async def sent(self, *keys: str) -> None:
        await wait_until(lambda: set(keys) <= set(self.brokers.keys), what=f"{keys} are sent")

    @contextlib.asynccontextmanager
    async def relaying(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.relay.serve())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def outbox(make_url: MakeUrl, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Outbox]:
    for name in ("SET_ASIDE_EVERY_S", "UNREADABLE_EVERY_S", "IDLE_S"):
        monkeypatch.setattr(outbox_relay, name, 0.05, raising=False)
    monkeypatch.setattr(outbox_relay, "BATCH", 3)
    url = await make_url()
    await schema.migrate(url)
    database = open_database(url, RecordMaker(instance="order-1"))
    commits = MessageBus(
        storage=database,
        instance="order-1",
        clock=lambda: 1,
        new_id=lambda: "1",
        queue_limit=50,
    )

    async def note(position: LogPosition) -> None:
        await commits.run(MarkRelayed("test", position), trace="")

    async def set_aside(refused: Sequence[Refused]) -> None:
        await commits.run(SetRecordsAside(tuple(refused)), trace="")

    brokers, reader = Brokers(), OutboxReader(database=database, instance="order-1")
    relay = Relay(
        name="test",
        reader=reader,
        backlog=Backlog(limit=100),
        publishers=brokers.open,
        note=note,
        set_aside=set_aside,
    )
    committing = asyncio.create_task(commits.serve())
    yield Outbox(url, brokers, relay, reader)
    committing.cancel()
    await asyncio.gather(committing, return_exceptions=True)
    await database.close()


async def test_a_record_whose_topic_was_mended_is_sent_to_it(outbox: Outbox) -> None:
    async with outbox.relaying():
        await outbox.write("mended", topic=NONE_SUCH)
        await outbox.are_aside(1)
        await outbox.change("UPDATE outbox SET topic = 't'")
        await outbox.sent("mended")
        await outbox.are_aside(0)


async def test_a_record_mended_to_a_topic_that_is_not_there_keeps_no_other_from_being_sent(
    outbox: Outbox,
) -> None:
    outbox.brokers.topics = set()
    async with outbox.relaying():
        for topic in (NONE_SUCH, "t", "u", "\\no topic either", "zzz"):
            await outbox.write(topic, topic=topic)
        await outbox.are_aside(5)
        await outbox.change(
            "UPDATE outbox SET topic = 'nowhere' WHERE topic IN (:a, :b)", a=NONE_SUCH, b="\\no topic either"
        )
        outbox.brokers.topics = {"t", "u", "zzz"}
        await outbox.sent("t", "u", "zzz")
        opened = outbox.brokers.opened
        await outbox.are_aside(2)
        await outbox.write("behind")
        await outbox.sent("behind")
        assert outbox.brokers.opened == opened
        outbox.brokers.topics.add("nowhere")
        await outbox.are_aside(0)


async def test_unreadable_rows_hide_none_that_is_behind_them(outbox: Outbox) -> None:
    async with outbox.relaying():
        for number in range(7):
            await outbox.write(f"spoilt {number}", headers="no JSON")
        await outbox.are_aside(7)
        await outbox.write("mended", headers="no JSON")
        await outbox.are_aside(8)
        await outbox.change("UPDATE outbox SET headers = '{}' WHERE id = (SELECT max(id) FROM outbox)")
        await outbox.sent("mended")
        await outbox.are_aside(7)


async def test_a_topic_that_takes_nothing_keeps_those_behind_it_waiting_for_a_round_only(
    outbox: Outbox,
) -> None:
    outbox.brokers.topics = set()
    async with outbox.relaying():
        for topic in ("a", "t", "u"):
            await outbox.write(topic, topic=topic)
        await outbox.are_aside(3)
        outbox.brokers.topics, outbox.brokers.closed = {"a", "t", "u"}, {"a"}
        await outbox.sent("t", "u")
        assert [each["topic"] for each in await outbox.are_aside(1)] == ["a"]


async def test_a_row_mended_while_its_topic_was_closed_goes_before_what_came_later(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox.brokers.topics = set()
    async with outbox.relaying():
        await outbox.write("first", headers="no JSON")
        await outbox.write("second")
        await outbox.are_aside(2)
        monkeypatch.setattr(outbox_relay, "UNREADABLE_EVERY_S", 3600.0)
        await outbox.change("UPDATE outbox SET headers = '{}'")
        outbox.brokers.topics = {"t"}
        await outbox.sent("first", "second")
    assert outbox.brokers.keys == ["first", "second"]


async def test_unreadable_rows_are_read_seldom(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_relay, "UNREADABLE_EVERY_S", 3600.0)
    outbox.brokers.topics = set()
    async with outbox.relaying():
        await outbox.write("spoilt", headers="no JSON")
        await outbox.write("refused")
        await outbox.are_aside(2)
        outbox.brokers.topics = {"t"}
        await outbox.are_aside(1)
    assert outbox.brokers.keys == ["refused"]
    after = LogPosition(-1, 0)
    assert not await outbox.reader.set_aside("t", after=after, limit=5, unreadable=False)
    assert len(await outbox.reader.set_aside("t", after=after, limit=5, unreadable=True)) == 1


async def test_a_topic_of_any_length_is_set_aside(outbox: Outbox) -> None:
    long = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789 é", k=100_000))  # noqa: S311 - text
    async with outbox.relaying():
        await outbox.write("long", topic=long)
        await outbox.write("behind")
        await outbox.sent("behind")
        (aside,) = await outbox.are_aside(1)
    assert len(aside["topic"]) == 250


@pytest.mark.parametrize("backend", ["sqlite"])
async def test_what_a_hand_has_made_of_the_row_aside_does_not_make_its_record_unreadable(
    outbox: Outbox, backend: str
) -> None:
    outbox.brokers.topics = set()
    async with outbox.relaying():
        for key in ("1", "2", "3", "4"):
            await outbox.write(key)
        await outbox.are_aside(4)
        await outbox.change("UPDATE set_aside SET xid = 'x' WHERE id = 1")
        await outbox.change("UPDATE set_aside SET xid = x'ff', record = x'ff' WHERE id = 2")
        await outbox.change("UPDATE set_aside SET xid = -5, reason = x'ff' WHERE id = 3")
        outbox.brokers.topics = {"t"}
        await outbox.are_aside(0)
    assert sorted(outbox.brokers.keys) == ["1", "2", "3", "4"]


@pytest.mark.parametrize(("xid", "id_"), [(0, 1_000), (7_000_000_000, 1), (0, 9_000_000_000_000_000_000)])
async def test_a_position_where_no_relay_can_be_silences_none(
    outbox: Outbox, backend: str, xid: int, id_: int
) -> None:
    if backend != "sqlite":
        xid = xid or 7_000_000_000
    await outbox.write("old")
    await outbox.change(
        "INSERT INTO relay_position (relay, xid, id) VALUES ('test', :xid, :id)", xid=xid, id=id_
    )
    async with outbox.relaying():
        await outbox.sent("old")
        await outbox.write("new")
        await outbox.sent("new")
        await outbox.relay.mark_now()
    stored = await outbox.reader.relayed("test")
    assert stored == outbox.relay.position
    assert stored.id == 2


async def test_what_cannot_be_sent_again_is_counted(outbox: Outbox) -> None:
    await outbox.write("1")
    await outbox.write("spoilt", headers="no JSON")
    await outbox.write("other", topic="u")

    async def readable() -> bool:
        """A transaction that is open anywhere on the server hides what came after it."""
        return len(await outbox.reader.after(LogPosition(), limit=3)) == 3

    await wait_until(readable, what="all rows can be read")
    told = await republish(outbox.reader, outbox.brokers, wanted=lambda topic: topic == "t")
    assert (told.published, told.unreadable) == (1, 1)
    assert outbox.brokers.keys == ["1"]
