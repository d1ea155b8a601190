"""Designs, some of them WRONG on purpose, each beside the right one and as small as the mistake allows. Nothing here is the product.

An order is written to one set of tables, travels through a real topic, and is shown from another table. A design is a
way to publish and a way to apply; where a process dies is part of the scenario, not of the design. Everything that
clients do and see goes into a history for `auditor.history`.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from auditor.history.operation import Action, Operation, Outcome, Seen
from loadgen.recorder import Recorder

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Apply = Callable[["ReadSide", ConsumerRecord], Awaitable[None]]
Tell = Callable[[], None]

TABLES = """
CREATE TABLE orders (order_id text PRIMARY KEY, user_id text, version int, status text);
CREATE TABLE outbox (id bigint GENERATED ALWAYS AS IDENTITY, body text, published boolean NOT NULL DEFAULT false);
CREATE TABLE shown (order_id text PRIMARY KEY, user_id text, version int, status text);
CREATE TABLE next_offset (topic text PRIMARY KEY, next bigint);
"""
_SHOW = (
    "INSERT INTO shown VALUES ($1, $2, $3, $4) ON CONFLICT (order_id) DO UPDATE "
    "SET user_id = excluded.user_id, version = excluded.version, status = excluded.status"
)
GUARDED = f"{_SHOW} WHERE excluded.version > shown.version"
UNGUARDED = _SHOW


class ProcessDiedError(Exception):
    """The process that was at work is gone; another one begins where the stores say."""


def dies() -> None:
    """Here the process dies, if it does."""
    raise ProcessDiedError


def lives() -> None:
    """Nothing happens."""


class WriteSide:
    """Commits orders. What an order's client is told goes into the history."""

    def __init__(
        self, connection: Connection, producer: AIOKafkaProducer, topic: str, notes: Recorder
    ) -> None:
        """The tables are there, the producer is started."""
        self._connection = connection
        self._producer = producer
        self._topic = topic
        self._notes = notes
        self._last = 0

    async def place(self, order_id: str) -> None:
        """Commit a new order and answer."""
        await self._commit(Action.PLACE, order_id, version=1, status="PENDING")

    async def cancel(self, order_id: str) -> None:
        """Commit the order's next version and answer."""
        await self._commit(Action.CANCEL, order_id, version=2, status="CANCELLED")

    async def _commit(self, action: Action, order_id: str, *, version: int, status: str) -> None:
        invoked = self._notes.now()
        async with self._connection.transaction():
            await self.write(self._connection, order_id, version=version, status=status)
        self.answered(action, order_id, invoked=invoked, version=version, status=status)

    async def write(self, connection: Connection, order_id: str, *, version: int, status: str) -> None:
        """Order and event, in the caller's transaction."""
        await connection.execute(
            _SHOW.replace("shown", "orders"), order_id, f"key-{order_id}", version, status
        )
        body = {"order_id": order_id, "user_id": f"key-{order_id}", "version": version, "status": status}
        await connection.execute("INSERT INTO outbox (body) VALUES ($1)", json.dumps(body))

    def answered(
        self, action: Action, order_id: str, *, invoked: float, version: int = 1, status: str = "PENDING"
    ) -> None:
        """The client has its answer."""
        self._notes.record(
            "client", action, invoked=invoked, outcome=Outcome.OK, aggregate=f"orders:{order_id}",
            key=f"key-{order_id}" if action is Action.PLACE else f"key-{order_id}-{action}",
            seen=Seen(version=version, status=status), where="order service",
        )  # fmt: skip

    async def send(self, body: str) -> None:
        """One event, acknowledged."""
        await self._producer.send_and_wait(self._topic, body.encode(), partition=0)

    async def relay_what_is_not_marked(self) -> None:
        """Right: whatever is not marked is published, however late it was committed."""
        for row in await self._connection.fetch(
            "SELECT id, body FROM outbox WHERE NOT published ORDER BY id"
        ):
            await self.send(row["body"])
            await self._connection.execute("UPDATE outbox SET published = true WHERE id = $1", row["id"])

    async def relay_past_the_last_id(self) -> None:
        """WRONG: an id is drawn before its transaction commits, so a lower one may appear after a higher one was seen."""
        rows = await self._connection.fetch(
            "SELECT id, body FROM outbox WHERE id > $1 ORDER BY id", self._last
        )
        for row in rows:
            await self.send(row["body"])
            self._last = row["id"]

    async def dual_write(self, order_id: str, *, between: Callable[[], None]) -> None:
        """WRONG: two stores, no transaction over both. What dies between them leaves one without the other."""
        invoked = self._notes.now()
        body = {"order_id": order_id, "user_id": f"key-{order_id}", "version": 1, "status": "PENDING"}
        await self._connection.execute(_SHOW.replace("shown", "orders"), *body.values())
        self.answered(Action.PLACE, order_id, invoked=invoked)
        between()
        await self.send(json.dumps(body))


class ReadSide:
    """Applies records and shows orders. `dying` is called between the two stores of the designs that have two."""

    def __init__(
        self, connection: Connection, bootstrap: str, topic: str, notes: Recorder, *, statement: str = GUARDED
    ) -> None:
        """`statement` writes a row: `GUARDED` or `UNGUARDED`."""
        self.connection = connection
        self._bootstrap = bootstrap
        self._partition = TopicPartition(topic, 0)
        self._notes = notes
        self._statement = statement
        self._consumer: AIOKafkaConsumer | None = None
        self.dying: Callable[[], None] = lives

    async def read_to_the_end(self, apply: Apply, *, begin: Callable[["ReadSide"], Awaitable[int]]) -> None:
        """A new process: from where `begin` says to the end of the topic, or to its death."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap, group_id=f"g-{self._partition.topic}", enable_auto_commit=False
        )
        consumer.assign([self._partition])
        await consumer.start()
        self._consumer = consumer
        try:
            end = (await consumer.end_offsets([self._partition]))[self._partition]
            consumer.seek(self._partition, await begin(self))
            with suppress(ProcessDiedError):
                while await consumer.position(self._partition) < end:
                    for record in (await consumer.getmany(self._partition, timeout_ms=1_000)).get(
                        self._partition, []
                    ):
                        await apply(self, record)
        finally:
            await consumer.stop()

    async def show(self, record: ConsumerRecord) -> Tell:
        """Write the row. What is returned tells the stream, if the row has changed: once nobody can take that back."""
        body = json.loads(record.value)
        changed = await self.connection.execute(self._statement, *body.values()) == "INSERT 0 1"

        def tell() -> None:
            if changed:
                self._notes.record(
                    "listener", Action.TOLD, invoked=self._notes.now(), outcome=Outcome.OK,
                    aggregate=f"orders:{body['order_id']}", key=body["user_id"],
                    seen=Seen(version=body["version"], status=body["status"]), where="stream",
                )  # fmt: skip

        return tell

    async def commit(self, record: ConsumerRecord) -> None:
        """The offset after a record, in Kafka."""
        await self._reading.commit({self._partition: record.offset + 1})

    async def committed(self) -> int:
        """The offset that Kafka has."""
        return await self._reading.committed(self._partition) or 0

    async def stored(self) -> int:
        """The offset that the database has."""
        found = await self.connection.fetchval(
            "SELECT next FROM next_offset WHERE topic = $1", self._partition.topic
        )
        return int(found or 0)

    async def store(self, record: ConsumerRecord) -> None:
        """The offset after a record, in the database."""
        await self.connection.execute(
            "INSERT INTO next_offset VALUES ($1, $2) ON CONFLICT (topic) DO UPDATE SET next = excluded.next",
            record.topic, record.offset + 1,
        )  # fmt: skip

    async def query(self, order_id: str, *, at_least: int | None = None, honour: bool = True) -> None:
        """A query with a token; a design that does not `honour` it shows whatever is there."""
        invoked = self._notes.now()
        row = await self.connection.fetchrow("SELECT * FROM shown WHERE order_id = $1", order_id)
        stale = (row["version"] if row else 0) < (at_least or 0)
        seen = Seen(version=row["version"], status=row["status"]) if row else None
        outcome = Outcome.UNKNOWN if stale and honour else Outcome.OK if row else Outcome.REFUSED
        self._notes.record(
            "client", Action.QUERY, invoked=invoked, outcome=outcome, aggregate=f"orders:{order_id}",
            at_least=at_least, seen=None if outcome is Outcome.UNKNOWN else seen,
            reason="" if row else "unknown-order", where="catalog",
        )  # fmt: skip

    @property
    def _reading(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            raise RuntimeError("only while it reads")
        return self._consumer

    async def note_final(self) -> None:
        """The state when nothing is on its way any more."""
        invoked = self._notes.now()
        self._notes.record("judge", Action.FINAL, invoked=invoked, outcome=Outcome.OK)
        for row in await self.connection.fetch("SELECT * FROM shown"):
            self._notes.record(
                "judge", Action.FINAL, invoked=invoked, outcome=Outcome.OK, aggregate=f"orders:{row['order_id']}",
                key=row["user_id"], seen=Seen(version=row["version"], status=row["status"]), where="database",
            )  # fmt: skip


async def together(read: ReadSide, record: ConsumerRecord) -> None:
    """Right: rows and next offset in one transaction, so a death leaves both or none."""
    async with read.connection.transaction():
        tell = await read.show(record)
        await read.store(record)
        read.dying()
    tell()


async def offset_first(read: ReadSide, record: ConsumerRecord) -> None:
    """WRONG: the offset says that the row is there when it is not."""
    await read.commit(record)
    read.dying()
    (await read.show(record))()


async def row_first(read: ReadSide, record: ConsumerRecord) -> None:
    """WRONG, unless the row's statement drops what is not newer: the offset does not say that the row is there."""
    (await read.show(record))()
    read.dying()
    await read.commit(record)


def sale(notes: Recorder, *, copies: int) -> Sequence[Operation]:
    """Two instances sell the last piece. With one copy of the stock, its owner's, one of them is refused.

    WRONG with a copy each: what the other has sold is not in it yet.
    """
    stocks: list[dict[str, Any]] = [{"left": 1} for _ in range(copies)]
    notes.record(
        "shop", Action.REGISTER, invoked=notes.now(), outcome=Outcome.OK, aggregate="products:last", quantity=1, price=1,
        seen=Seen(version=1, price=1, available=1, reserved=0),
    )  # fmt: skip
    for number in range(2):
        stock = stocks[number % copies]
        status = "CONFIRMED" if stock["left"] else "REJECTED"
        stock["left"] = max(0, stock["left"] - 1)
        known: dict[str, Any] = {"aggregate": f"orders:order-{number}", "outcome": Outcome.OK}
        notes.record(
            "client", Action.PLACE, invoked=notes.now(), key=f"key-{number}", lines=(("last", 1),),
            seen=Seen(version=1, status="PENDING"), where=f"order-{number + 1}", **known,
        )  # fmt: skip
        notes.record(
            "client", Action.READ, invoked=notes.now(), seen=Seen(version=2, status=status),
            where=f"order-{number + 1}", **known,
        )  # fmt: skip
    return notes.operations
