"""What happens to a wrong design and to the right one beside it: the same load, the same mishap, and what the checks find."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import asyncpg
from aiokafka import AIOKafkaProducer

from auditor.history.checks import examine_history
from auditor.history.operation import Action, Outcome
from auditor.history.violation import Violation
from demo.anomalies.designs import (
    GUARDED,
    TABLES,
    UNGUARDED,
    Apply,
    Connection,
    ProcessDiedError,
    ReadSide,
    WriteSide,
    lives,
    offset_first,
    row_first,
    sale,
    together,
)
from loadgen.recorder import Recorder

ORDER = "one"


@dataclass(slots=True, kw_only=True)
class Shop:
    """A write side, a topic, a read side, and what their clients have noted; `told` hears what happens besides."""

    dsn: str
    bootstrap: str
    topic: str
    connection: Connection
    write: WriteSide
    notes: Recorder
    told: Callable[[str], None] = lambda _line: None
    read: ReadSide = field(init=False)

    def __post_init__(self) -> None:
        self.shows_with(GUARDED)

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, *, dsn: str, bootstrap: str, topic: str, notes: Recorder, told: Callable[[str], None]
    ) -> "AsyncIterator[Shop]":
        """With tables in an empty database and a topic of one partition."""
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute(TABLES)
            notes.record("listener", Action.SNAPSHOT, invoked=0, outcome=Outcome.OK, where="stream")
            async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
                yield cls(
                    dsn=dsn,
                    bootstrap=bootstrap,
                    topic=topic,
                    connection=connection,
                    write=WriteSide(connection, producer, topic, notes),
                    notes=notes,
                    told=told,
                )
        finally:
            await connection.close()

    def shows_with(self, statement: str) -> None:
        """Another read side, with this statement."""
        self.read = ReadSide(self.connection, self.bootstrap, self.topic, self.notes, statement=statement)

    def dies(self) -> None:
        """The process dies here."""
        self.told("the process dies; another one begins where the stores say")
        raise ProcessDiedError

    async def apply(self, apply: Apply, *, dying: Callable[[], None] = lives) -> None:
        """One process of the read side: to the end of the topic, or to its death."""
        self.read.dying = dying
        begin = ReadSide.stored if apply is together else ReadSide.committed
        await self.read.read_to_the_end(apply, begin=begin)

    async def drain(self, apply: Apply = together) -> None:
        """Nothing is on its way any more."""
        await self.apply(apply)
        await self.read.note_final()

    @property
    def violations(self) -> tuple[Violation, ...]:
        """What the checks of histories find."""
        return examine_history(self.notes.operations)


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """`run` carries the scenario out with the wrong design or the right one; `found` are the checks that must find the wrong."""

    name: str
    wrong: str
    right: str
    mishap: str
    run: Callable[[Shop, bool], Awaitable[None]]
    found: frozenset[str]


async def _dual_write(shop: Shop, is_wrong: bool) -> None:  # noqa: FBT001 - as `Anomaly.run` is called, all below too
    if is_wrong:
        with suppress(ProcessDiedError):
            await shop.write.dual_write(ORDER, between=shop.dies)
    else:
        await shop.write.place(ORDER)
        shop.told("the process dies; another one relays what is not marked")
        await shop.write.relay_what_is_not_marked()
    await shop.drain()


async def _last_id(shop: Shop, is_wrong: bool) -> None:  # noqa: FBT001
    relay = shop.write.relay_past_the_last_id if is_wrong else shop.write.relay_what_is_not_marked
    slow = await asyncpg.connect(shop.dsn)
    try:
        transaction = slow.transaction()
        await transaction.start()
        invoked = shop.notes.now()
        await shop.write.write(slow, "slow", version=1, status="PENDING")
        shop.told("one transaction has drawn id 1 and is not committed; another one draws id 2")
        await shop.write.place("quick")
        await relay()
        await transaction.commit()
        shop.write.answered(Action.PLACE, "slow", invoked=invoked)
    finally:
        await slow.close()
    await relay()
    await shop.drain()


def _between_row_and_offset(wrong: Apply) -> Callable[[Shop, bool], Awaitable[None]]:
    async def run(shop: Shop, is_wrong: bool) -> None:  # noqa: FBT001
        apply = wrong if is_wrong else together
        shop.shows_with(UNGUARDED)
        await shop.write.place(ORDER)
        await shop.write.relay_what_is_not_marked()
        await shop.apply(apply, dying=shop.dies)
        await shop.drain(apply)

    return run


async def _no_guard(shop: Shop, is_wrong: bool) -> None:  # noqa: FBT001
    shop.shows_with(UNGUARDED if is_wrong else GUARDED)
    await shop.write.place(ORDER)
    await shop.write.cancel(ORDER)
    await shop.write.relay_what_is_not_marked()
    await shop.apply(together)
    await shop.read.query(ORDER)
    first = await shop.connection.fetchval("SELECT body FROM outbox ORDER BY id LIMIT 1")
    shop.told("a relay that died before it had marked the first record sends it again")
    await shop.write.send(first)
    await shop.apply(together)
    await shop.read.query(ORDER)
    await shop.drain()


async def _no_token(shop: Shop, is_wrong: bool) -> None:  # noqa: FBT001
    await shop.write.place(ORDER)
    shop.told("the client asks for its order before the event has gone its way")
    await shop.read.query(ORDER, at_least=1, honour=not is_wrong)
    await shop.write.relay_what_is_not_marked()
    await shop.drain()


async def _stock_on_a_copy(shop: Shop, is_wrong: bool) -> None:  # noqa: FBT001
    shop.told("two instances sell the last piece, each by its own copy" if is_wrong else "both ask its owner")
    sale(shop.notes, copies=2 if is_wrong else 1)


ANOMALIES = (
    Anomaly(
        name="dual-write", run=_dual_write, found=frozenset({"one-effect-per-key"}),
        wrong="the order is committed, then its event is sent: two stores, no transaction over both",
        right="an outbox: order and event in one transaction, a relay sends what is not marked",
        mishap="the process dies between the two",
    ),
    Anomaly(
        name="last-id", run=_last_id, found=frozenset({"one-effect-per-key"}),
        wrong="a relay that asks the outbox for `id > last`",
        right="a relay that asks for what is not published yet",
        mishap="a transaction with a lower id commits after one with a higher id was published",
    ),
    Anomaly(
        name="offset-first", run=_between_row_and_offset(offset_first), found=frozenset({"one-effect-per-key"}),
        wrong="the offset is committed to Kafka before the row is written",
        right="row and offset in one transaction of the database",
        mishap="the process dies between the two",
    ),
    Anomaly(
        name="row-first", run=_between_row_and_offset(row_first), found=frozenset({"stream"}),
        wrong="the offset is committed to Kafka after the row, which nothing guards",
        right="row and offset in one transaction of the database",
        mishap="the process dies between the two",
    ),
    Anomaly(
        name="no-version-guard", run=_no_guard, found=frozenset({"stream", "monotonic-reads"}),
        wrong="the row is overwritten by whatever comes",
        right="the row is overwritten by a later version only",
        mishap="a record is sent again after its successor",
    ),
    Anomaly(
        name="no-token", run=_no_token, found=frozenset({"read-your-writes"}),
        wrong="a query shows what is there, whatever the client's token asks for",
        right="a query waits for the version of its token, and says so when it is not there in time",
        mishap="none: the read side is a little behind, as it always is",
    ),
    Anomaly(
        name="stock-on-a-copy", run=_stock_on_a_copy, found=frozenset({"stock"}),
        wrong="each instance decides by its own copy of the stock",
        right="the owner of the product alone decides",
        mishap="two instances sell at the same moment",
    ),
)  # fmt: skip
BY_NAME = {anomaly.name: anomaly for anomaly in ANOMALIES}
