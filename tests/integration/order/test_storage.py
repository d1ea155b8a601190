"""Group commit and schema, on both databases."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Connection, func, inspect, select, text

from order_service.adapters import bulk, schema, tables
from order_service.adapters.bulk import Rows, Statement
from order_service.adapters.database import Database, open_database
from order_service.adapters.errors import StorageUnavailableError
from order_service.adapters.outbox_reader import LogPosition, OutboxReader
from order_service.adapters.serialization import RecordMaker
from order_service.domain.errors import ProductExistsError
from order_service.domain.stock import HoldState, StockAnswer
from order_service.service_layer.message_bus import MessageBus
from order_service.service_layer.unit_of_work import NameReservation, Needs, Transaction
from tests.integration.order.conftest import MakeUrl

JANUARY = 1_700_000_000_000


@dataclass(frozen=True)
class Put:
    """A use case for these tests: saves a claim, then does as told."""

    name: str
    error: Exception | None = None
    loads: bool = True

    def needs(self) -> Needs:
        return Needs(claims=(self.name,) if self.loads else ())

    def decide(self, tx: Transaction) -> int:
        known = tx.claim(self.name)
        count = int(known.fingerprint) + 1 if known else 1
        tx.save_claim(
            NameReservation(name=self.name, instance="order-1", fingerprint=str(count), claimed_at=tx.now)
        )
        if self.error:
            raise self.error
        return count


@pytest.fixture
async def database(make_url: MakeUrl) -> Any:
    url = await make_url()
    await schema.migrate(url)
    database = open_database(url)
    yield database
    await database.close()


@pytest.fixture
async def commits(database: Database) -> Any:
    commits = MessageBus(
        database=database,
        records=RecordMaker(instance="order-1"),
        clock=lambda: JANUARY,
        new_id=lambda: "1",
        queue_limit=50,
    )
    task = asyncio.create_task(commits.serve())
    yield commits
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def names(database: Database) -> list[str]:
    query = select(tables.claims.c.name).order_by("name")
    return await database.read(lambda connection: list(connection.execute(query).scalars()))


async def test_use_cases_of_one_commit_see_what_those_before_them_decided(commits: MessageBus) -> None:
    counts = await asyncio.gather(*(commits.run(Put("a"), trace="") for _ in range(20)))
    assert counts == list(range(1, 21))
    assert await commits.run(Put("a"), trace="") == 21


@pytest.mark.parametrize("error", [ProductExistsError("no"), ZeroDivisionError("a defect")])
async def test_what_a_refused_use_case_saved_is_gone_and_its_neighbours_are_not(
    commits: MessageBus, database: Database, error: Exception
) -> None:
    results = await asyncio.gather(
        commits.run(Put("before"), trace=""),
        commits.run(Put("refused", error), trace=""),
        commits.run(Put("after"), trace=""),
        return_exceptions=True,
    )
    assert [results[0], type(results[1]), results[2]] == [1, type(error), 1]
    assert await names(database) == ["after", "before"]


async def test_a_row_that_another_process_wrote_first_harms_only_who_wanted_to_write_it(
    commits: MessageBus, database: Database
) -> None:
    await commits.run(Put("taken"), trace="")
    results = await asyncio.gather(
        commits.run(Put("mine"), trace=""),
        commits.run(Put("taken", loads=False), trace=""),  # blind to the row that is there, as in a race
        return_exceptions=True,
    )
    assert results[0] == 1
    assert isinstance(results[1], StorageUnavailableError)
    assert await names(database) == ["mine", "taken"]


async def test_more_than_can_wait_is_turned_away(commits: MessageBus) -> None:
    results = await asyncio.gather(
        *(commits.run(Put(str(n)), trace="") for n in range(80)), return_exceptions=True
    )
    turned_away = [result for result in results if isinstance(result, StorageUnavailableError)]
    assert len(turned_away) == 30


@dataclass(frozen=True)
class PutAndSend:
    """Saves so many claims and sends as many messages, in this order."""

    count: int
    mark: str

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{number:04}" for number in reversed(range(self.count)))

    def needs(self) -> Needs:
        return Needs(claims=self.names)

    def decide(self, tx: Transaction) -> None:
        for name in self.names:
            tx.save_claim(
                NameReservation(name=name, instance="order-1", fingerprint=self.mark, claimed_at=tx.now)
            )
            tx.send(
                StockAnswer(
                    order_id=f"order-2-{name}",
                    order_version=1,
                    instance="order-2",
                    home="order-1",
                    held=HoldState.RESERVED,
                    reason=None,
                )
            )


@pytest.mark.parametrize("count", [1, 31, 700])
async def test_however_many_rows_a_commit_has_all_are_written_and_the_log_keeps_their_order(
    commits: MessageBus, database: Database, count: int
) -> None:
    for mark in ("new", "changed"):
        await commits.run(PutAndSend(count, mark), trace="")
        query = select(tables.claims.c.fingerprint)
        marks = await database.read(lambda connection, query=query: connection.execute(query).scalars().all())
        assert marks == [mark] * count
    log = await OutboxReader(database=database, instance="order-1").after(LogPosition(), limit=10_000)
    assert [dict(record.headers)["ce_subject"].decode() for record in log] == [
        f"order-2-{name}" for name in PutAndSend(count, "").names * 2
    ]


async def test_a_transaction_that_was_given_up_leaves_nothing_half_done_and_the_next_one_goes_on(
    database: Database,
) -> None:
    reads = [bulk.select(database.dialect, tables.claims, ["first a"], key="name")]

    def claim(name: str) -> Callable[[list[Rows]], tuple[None, list[Statement]]]:
        rows = [
            {"name": f"{name}{part}", "instance": "i", "fingerprint": "", "claimed_at": 1} for part in "ab"
        ]
        return lambda _found: (None, list(bulk.insert(database.dialect, tables.claims, rows)))

    with pytest.raises(ZeroDivisionError):
        await database.decide(reads, lambda _found: (1 // 0, []))
    for turns in range(40):
        deciding = asyncio.create_task(database.decide(reads, claim(f"{turns} ")))
        for _ in range(turns):
            await asyncio.sleep(0)
        deciding.cancel()
        await asyncio.gather(deciding, return_exceptions=True)
    async with asyncio.timeout(5):
        await database.decide(reads, claim("last "))
    written = await names(database)
    assert {"last a", "last b"} <= set(written)
    assert {name[:-1] + "a" for name in written} == {name for name in written if name.endswith("a")}
    assert len(written) % 2 == 0


async def test_a_commit_is_durable_when_it_returns(database: Database) -> None:
    """The setting that decides: a power cut loses nothing that was answered."""

    def durability(connection: Connection) -> list[Any]:
        if connection.dialect.name == "sqlite":
            pragmas = "PRAGMA journal_mode", "PRAGMA synchronous"
            return [connection.exec_driver_sql(pragma).scalar_one() for pragma in pragmas]
        return [connection.execute(select(func.current_setting("synchronous_commit"))).scalar_one()]

    assert await database.transact(durability) in (["wal", 2], ["on"])


@pytest.mark.filterwarnings("ignore:Did not recognize type 'xid8'")
async def test_the_migrations_make_the_tables_that_the_code_uses(database: Database) -> None:
    def shape(connection: Connection) -> dict[str, set[tuple[str, bool]]]:
        look = inspect(connection)
        return {
            table: {(column["name"], bool(column["nullable"])) for column in look.get_columns(table)}
            for table in look.get_table_names()
        }

    found = await database.read(shape)
    found.pop("alembic_version")
    found["outbox"].discard(("xid", False))
    assert found == {
        table.name: {(column.name, bool(column.nullable)) for column in table.columns}
        for table in tables.metadata.sorted_tables
    }


async def test_migrating_again_changes_nothing(make_url: MakeUrl) -> None:
    url = await make_url()
    await schema.migrate(url)
    await schema.migrate(url)
    database = open_database(url)
    query = text("SELECT version_num FROM alembic_version")
    revision = await database.read(lambda connection: connection.execute(query).scalar_one())
    await database.close()
    assert revision == schema.head()
