"""Group commit and schema, on both databases."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Connection, inspect

from order_service.adapters import migrations, schema
from order_service.adapters.mappers import MAPPERS, OUTBOX
from order_service.adapters.outbox_reader import OutboxReader
from order_service.adapters.serialization import RecordMaker
from order_service.adapters.storage import Database, open_database
from order_service.domain.errors import ProductExistsError, UnstorableError
from order_service.domain.stock import HoldState, StockAnswer
from order_service.entrypoints.expiry import CHUNK, Expiry
from order_service.service_layer.errors import StorageUnavailableError
from order_service.service_layer.idempotency import KEPT_MS
from order_service.service_layer.message_bus import MessageBus
from order_service.service_layer.outbox_log import LoggedRecord, LogPosition
from order_service.service_layer.unit_of_work import (
    Changes,
    IdentityMap,
    NameReservation,
    Needs,
    Transaction,
)
from tests.integration.order.conftest import MakeUrl
from tests.support import order_database
from tests.support.waiting import wait_until

JANUARY = 1_700_000_000_000


@dataclass(frozen=True)
class Put:
    """A use case for these tests: saves a claim, then does as told."""

    name: str
    error: Exception | None = None
    loads: bool = True

    def needs(self) -> Needs:
        return Needs(names=(self.name,) if self.loads else ())

    def decide(self, tx: Transaction) -> int:
        known = tx.get(NameReservation, self.name)
        count = int(known.fingerprint) + 1 if known else 1
        tx.save(
            NameReservation(name=self.name, instance="order-1", fingerprint=str(count), claimed_at=tx.now)
        )
        if self.error:
            raise self.error
        return count


@pytest.fixture
async def url(make_url: MakeUrl) -> str:
    url = await make_url()
    await schema.migrate(url)
    return url


@pytest.fixture
async def database(url: str) -> Any:
    database = open_database(url, RecordMaker(instance="order-1"))
    yield database
    await database.close()


@pytest.fixture
async def commits(database: Database) -> Any:
    commits = MessageBus(
        storage=database,
        instance="order-1",
        clock=lambda: JANUARY,
        new_id=lambda: "1",
        queue_limit=50,
    )
    task = asyncio.create_task(commits.serve())
    yield commits
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def names(url: str) -> list[str]:
    return [row["name"] for row in await order_database.rows(url, "SELECT name FROM claims ORDER BY name")]


@pytest.mark.guarantees("G-CMD-5")
async def test_use_cases_of_one_commit_see_what_those_before_them_decided(commits: MessageBus) -> None:
    counts = await asyncio.gather(*(commits.run(Put("a"), trace="") for _ in range(20)))
    assert counts == list(range(1, 21))
    assert await commits.run(Put("a"), trace="") == 21


@pytest.mark.guarantees("G-CMD-4")
@pytest.mark.parametrize("error", [ProductExistsError("no"), ZeroDivisionError("a defect")])
async def test_what_a_refused_use_case_saved_is_gone_and_its_neighbours_are_not(
    commits: MessageBus, url: str, error: Exception
) -> None:
    results = await asyncio.gather(
        commits.run(Put("before"), trace=""),
        commits.run(Put("refused", error), trace=""),
        commits.run(Put("after"), trace=""),
        return_exceptions=True,
    )
    assert [results[0], type(results[1]), results[2]] == [1, type(error), 1]
    assert await names(url) == ["after", "before"]


async def test_a_row_that_another_process_wrote_first_harms_only_who_wanted_to_write_it(
    commits: MessageBus, url: str
) -> None:
    await commits.run(Put("taken"), trace="")
    results = await asyncio.gather(
        commits.run(Put("mine"), trace=""),
        commits.run(Put("taken", loads=False), trace=""),  # blind to the row that is there, as in a race
        return_exceptions=True,
    )
    assert results[0] == 1
    assert isinstance(results[1], UnstorableError)
    assert await names(url) == ["mine", "taken"]


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
        return Needs(names=self.names)

    def decide(self, tx: Transaction) -> None:
        for name in self.names:
            tx.save(NameReservation(name=name, instance="order-1", fingerprint=self.mark, claimed_at=tx.now))
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
    commits: MessageBus, database: Database, url: str, count: int
) -> None:
    for mark in ("new", "changed"):
        await commits.run(PutAndSend(count, mark), trace="")
        found = await order_database.rows(url, "SELECT fingerprint FROM claims")
        assert [row["fingerprint"] for row in found] == [mark] * count
    reader = OutboxReader(database=database, instance="order-1")

    async def whole_log() -> Sequence[LoggedRecord]:
        log = await reader.after(LogPosition(), limit=10_000)
        return log if len(log) >= 2 * count else ()

    # Rows are shown once no older transaction is open in the server, and other databases on it have some.
    log = await wait_until(whole_log, what="the log has every row")
    assert [dict(record.headers)["ce_subject"].decode() for record in log] == [
        f"order-2-{name}" for name in PutAndSend(count, "").names * 2
    ]


def claims(name: str) -> Changes:
    rows = [
        NameReservation(name=f"{name}{part}", instance="i", fingerprint="", claimed_at=1) for part in "ab"
    ]
    return Changes(new={NameReservation: rows}, changed={NameReservation: []})


@pytest.mark.guarantees("G-CMD-3")
async def test_a_transaction_that_was_given_up_leaves_nothing_half_done_and_the_next_one_goes_on(
    database: Database, url: str
) -> None:
    needs = Needs(names=("first a",))

    def claim(name: str) -> Callable[[IdentityMap], tuple[None, Changes]]:
        return lambda _loaded: (None, claims(name))

    with pytest.raises(ZeroDivisionError):
        await database.transact(needs, lambda _loaded: (1 // 0, Changes()))
    for turns in range(40):
        deciding = asyncio.create_task(database.transact(needs, claim(f"{turns} ")))
        for _ in range(turns):
            await asyncio.sleep(0)
        deciding.cancel()
        await asyncio.gather(deciding, return_exceptions=True)
    async with asyncio.timeout(60):
        await database.transact(needs, claim("last "))
    written = await names(url)
    assert {"last a", "last b"} <= set(written)
    assert {name[:-1] + "a" for name in written} == {name for name in written if name.endswith("a")}
    assert len(written) % 2 == 0


@dataclass(frozen=True)
class Poison:
    """A use case whose values no database takes."""

    value: Any

    def needs(self) -> Needs:
        return Needs()

    def decide(self, tx: Transaction) -> None:
        tx.save(NameReservation(name="poison", instance="i", fingerprint="", claimed_at=self.value))


@pytest.mark.parametrize("value", [2**63, "\ud800", None, object()])
async def test_what_shares_a_commit_with_a_value_that_cannot_be_stored_is_stored(
    commits: MessageBus, url: str, value: Any
) -> None:
    results = await asyncio.gather(
        *(commits.run(Put(f"good {n}"), trace="") for n in range(5)),
        commits.run(Poison(value), trace=""),
        *(commits.run(Put(f"good {n}"), trace="") for n in range(5, 10)),
        return_exceptions=True,
    )
    refused = results.pop(5)
    assert isinstance(refused, UnstorableError), refused
    assert results == [1] * 10
    assert await names(url) == [f"good {n}" for n in range(10)]
    assert await commits.run(Put("after"), trace="") == 1


async def test_a_nul_in_a_text_harms_none_of_its_neighbours(commits: MessageBus, backend: str) -> None:
    """PostgreSQL takes none in a text; SQLite does."""
    results = await asyncio.gather(
        commits.run(Put("good"), trace=""),
        commits.run(Put("bad\0name"), trace=""),
        commits.run(Put("better"), trace=""),
        return_exceptions=True,
    )
    assert (results[0], results[2]) == (1, 1)
    assert isinstance(results[1], UnstorableError) == (backend == "postgresql")


async def test_while_keys_expire_no_commit_waits_for_more_than_a_few_of_them(
    commits: MessageBus, database: Database, url: str
) -> None:
    expired = [
        {"key": f"{number:06}", "at": 1, "headers": "{}", "body": b"", "fingerprint": "f", "status": 201}
        for number in range(20 * CHUNK)
    ]
    await order_database.execute(
        url,
        "INSERT INTO answers (key, fingerprint, status, headers, body, answered_at)"
        " VALUES (:key, :fingerprint, :status, :headers, :body, :at)",
        *expired,
    )
    left = []

    async def a_commit_has_its_turn(_seconds: float) -> None:
        await commits.run(Put("a"), trace="")
        left.append((await order_database.rows(url, "SELECT count(*) AS n FROM answers"))[0]["n"])

    await Expiry(database=database, clock=lambda: KEPT_MS + 1, sleep=a_commit_has_its_turn).expire()
    assert left == [chunks * CHUNK for chunks in reversed(range(20))]


@pytest.mark.guarantees("G-CMD-2")
async def test_a_commit_is_durable_when_it_returns(database: Database, backend: str) -> None:
    """The setting that decides: a power cut loses nothing that was answered."""
    await database.transact(Needs(), lambda _loaded: (None, Changes()))
    if backend == "sqlite":
        from order_service.adapters.sqlite.storage import SqliteStorage  # noqa: PLC0415

        assert isinstance(database, SqliteStorage)

        def durability(connection: Any) -> list[Any]:
            pragmas = "PRAGMA journal_mode", "PRAGMA synchronous"
            return [connection.execute(pragma).fetchone()[0] for pragma in pragmas]

        assert await database._writer.run(durability) == ["wal", 2]  # noqa: SLF001 - its own connection
    else:
        from order_service.adapters.postgres.storage import PostgresStorage  # noqa: PLC0415

        assert isinstance(database, PostgresStorage)
        async with database._writing.one() as connection:  # noqa: SLF001
            assert await connection.fetchval("SHOW synchronous_commit") == "on"


@pytest.mark.filterwarnings("ignore:Did not recognize type 'xid8'")
async def test_the_migrations_make_the_tables_that_the_code_uses(url: str) -> None:
    def shape(connection: Connection) -> dict[str, set[str]]:
        look = inspect(connection)
        return {
            table: {column["name"] for column in look.get_columns(table)} for table in look.get_table_names()
        }

    found = await order_database.within(url, shape)
    found.pop("alembic_version")
    assert found.pop("outbox") - {"xid"} == {"id", *OUTBOX}
    assert found == {mapper.table: set(mapper.columns) for mapper in MAPPERS.values()}


async def test_migrating_again_changes_nothing(url: str) -> None:
    await schema.migrate(url)
    revision = await order_database.rows(url, "SELECT version_num FROM alembic_version")
    assert revision == [{"version_num": migrations.head()}]
