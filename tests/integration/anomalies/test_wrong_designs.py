"""Designs that lose, double or turn back orders: the history's checks name what each does, and clear the right one.

The variants are in `tests/support/anomalies.py`. Kafka and PostgreSQL are real.
"""

from collections.abc import AsyncIterator
from contextlib import suppress

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from auditor.history.checks import examine_history
from auditor.history.operation import Action, Outcome
from loadgen.recorder import Recorder
from tests.conftest import MakeTopic
from tests.support.anomalies import (
    GUARDED,
    TABLES,
    UNGUARDED,
    Apply,
    Connection,
    ProcessDiedError,
    ReadSide,
    WriteSide,
    dies,
    lives,
    offset_first,
    row_first,
    sale,
    together,
)

CLEAN: frozenset[str] = frozenset()


class Shop:
    """A write side, a topic, a read side, and what their clients have noted."""

    def __init__(
        self, connection: Connection, producer: AIOKafkaProducer, bootstrap: str, topic: str
    ) -> None:
        self.notes = Recorder()
        self.notes.record("listener", Action.SNAPSHOT, invoked=0, outcome=Outcome.OK)
        self.connection = connection
        self.write = WriteSide(connection, producer, topic, self.notes)
        self.read = ReadSide(connection, bootstrap, topic, self.notes)
        self._where = (bootstrap, topic)

    def showing_with(self, statement: str) -> None:
        """Another read side, with this statement."""
        self.read = ReadSide(self.connection, *self._where, self.notes, statement=statement)

    async def drained(self, apply: Apply = together) -> frozenset[str]:
        """Read what there is, and the names of the checks that find something."""
        begin = ReadSide.stored if apply is together else ReadSide.committed
        self.read.dying = lives
        await self.read.read_to_the_end(apply, begin=begin)
        await self.read.note_final()
        return self.found()

    def found(self) -> frozenset[str]:
        return frozenset(violation.check for violation in examine_history(self.notes.operations))


@pytest.fixture
async def shop(kafka_bootstrap: str, database: str, make_topic: MakeTopic) -> AsyncIterator[Shop]:
    topic = await make_topic()
    connection = await asyncpg.connect(database)
    await connection.execute(TABLES)
    try:
        async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, acks="all") as producer:
            yield Shop(connection, producer, kafka_bootstrap, topic)
    finally:
        await connection.close()


async def test_a_dual_write_loses_what_its_process_died_before_sending__an_outbox_does_not(
    shop: Shop,
) -> None:
    with suppress(ProcessDiedError):
        await shop.write.dual_write("dual", between=dies)
    assert await shop.drained() == {"one-effect-per-key"}


async def test_an_outbox_publishes_what_its_process_died_before_sending(shop: Shop) -> None:
    await shop.write.place("outbox")  # committed and answered; the process dies, and another one relays
    await shop.write.relay_what_is_not_marked()
    assert await shop.drained() == CLEAN


@pytest.mark.parametrize(("marks", "found"), [(False, {"one-effect-per-key"}), (True, CLEAN)])
async def test_a_relay_past_the_last_id_loses_what_commits_late__one_that_marks_does_not(
    shop: Shop, database: str, *, marks: bool, found: frozenset[str]
) -> None:
    relay = shop.write.relay_what_is_not_marked if marks else shop.write.relay_past_the_last_id
    slow = await asyncpg.connect(database)
    try:
        transaction = slow.transaction()
        await transaction.start()
        invoked = shop.notes.now()
        await shop.write.write(slow, "slow", version=1, status="PENDING")  # draws the lower id
        await shop.write.place("quick")
        await relay()
        await transaction.commit()
        shop.write.answered(Action.PLACE, "slow", invoked=invoked)
    finally:
        await slow.close()
    await relay()
    assert await shop.drained() == found


@pytest.mark.parametrize(
    ("apply", "statement", "found"),
    [
        (offset_first, GUARDED, {"one-effect-per-key"}),
        (row_first, UNGUARDED, {"stream"}),
        (row_first, GUARDED, CLEAN),
        (together, UNGUARDED, CLEAN),
    ],
    ids=["offset before row", "row before offset, no guard", "row before offset, guarded", "one transaction"],
)
async def test_a_process_dies_between_a_row_and_its_offset(
    shop: Shop, apply: Apply, statement: str, found: frozenset[str]
) -> None:
    shop.showing_with(statement)
    await shop.write.place("one")
    await shop.write.relay_what_is_not_marked()
    shop.read.dying = dies
    # `together` dies inside of its transaction: what it told before was rolled back with the row, and nobody heard it.
    heard = len(shop.notes.operations)
    await shop.read.read_to_the_end(apply, begin=ReadSide.stored if apply is together else ReadSide.committed)
    if apply is together:
        del shop.notes.operations[heard:]
    assert await shop.drained(apply) == found


@pytest.mark.parametrize(
    ("statement", "found"), [(UNGUARDED, {"stream", "monotonic-reads"}), (GUARDED, CLEAN)]
)
async def test_without_a_version_guard_a_record_that_is_sent_again_sets_an_order_back(
    shop: Shop, statement: str, found: frozenset[str]
) -> None:
    shop.showing_with(statement)
    await shop.write.place("one")
    await shop.write.cancel("one")
    await shop.write.relay_what_is_not_marked()
    await shop.read.read_to_the_end(together, begin=ReadSide.stored)
    await shop.read.query("one")
    first = await shop.connection.fetchval("SELECT body FROM outbox ORDER BY id LIMIT 1")
    await shop.write.send(first)  # a relay that died before it had marked the record
    await shop.read.read_to_the_end(together, begin=ReadSide.stored)
    await shop.read.query("one")
    assert await shop.drained() == found


@pytest.mark.parametrize(("honour", "found"), [(False, {"read-your-writes"}), (True, CLEAN)])
async def test_a_query_whose_token_is_not_honoured_does_not_show_the_clients_own_order(
    shop: Shop, *, honour: bool, found: frozenset[str]
) -> None:
    await shop.write.place("one")
    await shop.read.query("one", at_least=1, honour=honour)
    await shop.write.relay_what_is_not_marked()
    assert await shop.drained() == found


@pytest.mark.parametrize(("copies", "found"), [(2, {"stock"}), (1, CLEAN)])
def test_stock_decided_on_a_copy_is_sold_twice__at_its_owner_it_is_not(
    copies: int, found: frozenset[str]
) -> None:
    history = sale(Recorder(), copies=copies)
    assert {violation.check for violation in examine_history(history)} == found
