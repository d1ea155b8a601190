"""What a rebuild works out without touching anything: the connectors of a copy, and how far it is."""

import asyncio
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from auditor import Target
from auditor.observations import Log
from auditor.target import SINK_CONNECTORS
from rebuild import sequence
from rebuild.connect_client import Connector, SinkError
from rebuild.display import Display
from rebuild.pace import CopyProgress, Pace
from rebuild.read_model import RebuildError, SwitchBlockedError
from rebuild.sequence import to_its_end

LOGS = (Log("orders", 0, 0, 100), Log("orders", 1, 20, 20), Log("products", 0, 0, 10))
BEGUN = {("orders", "orders", 0): -1, ("products", "products", 0): 0, ("order-history", "orders", 0): 0}
ALL = {("orders", "orders", 0): 100, ("products", "products", 0): 10, ("order-history", "orders", 0): 100}


def test_a_copy_writes_into_its_own_schema_under_its_own_name_and_tells_nobody() -> None:
    config = {
        "name": "orders",
        "connection.url": "${env:SINK_DATABASE_URL}",
        "notify.channel": "read_model",
        "projection.sums.sql": "INSERT INTO sums SELECT 1 FROM new_orders",
    }
    copy = Connector(name="orders", config=config).copy()
    assert copy.name == "orders-next"
    assert copy.config == {
        "name": "orders-next",
        "connection.url": "${env:SINK_DATABASE_URL}?currentSchema=next",
        "projection.sums.sql": config["projection.sums.sql"],
    }


def test_a_copy_keeps_what_its_url_says_already() -> None:
    connector = Connector(name="x", config={"connection.url": "postgresql://db/read?sslmode=require"})
    assert connector.copy().config["connection.url"].endswith("?sslmode=require&currentSchema=next")


def test_a_connector_whose_password_the_worker_hides_is_not_copied() -> None:
    connector = Connector(name="x", config={"connection.url": "postgresql://me:[hidden]@db/read"})
    with pytest.raises(SinkError, match=r"hides connection\.url"):
        connector.copy()


def test_what_was_never_read_counts_as_nothing_and_what_retention_took_does_not_count() -> None:
    orders, products, history = Pace(SINK_CONNECTORS).look(LOGS, BEGUN, at_s=0)
    assert (orders.done, orders.total, products.done, history.done) == (0, 100, 0, 0)


def test_the_rate_is_that_of_the_last_seconds() -> None:
    pace = Pace(SINK_CONNECTORS)
    for at_s, done in ((0, 0), (2, 10), (4, 40), (8, 100)):
        orders = pace.look(LOGS, BEGUN | {("orders", "orders", 0): done}, at_s=at_s)[0]
    assert orders.per_s == (100 - 40) / (8 - 4)


def test_who_copies_nothing_stands_still_unless_there_is_nothing_to_copy() -> None:
    pace = Pace(SINK_CONNECTORS)
    pace.look(LOGS, BEGUN, at_s=0)
    pace.look(LOGS, BEGUN | {("orders", "orders", 0): 5}, at_s=10)
    offsets = BEGUN | {("orders", "orders", 0): 5, ("products", "products", 0): 10}
    orders, products, history = pace.look(LOGS, offsets, at_s=40)
    assert (orders.still_s, products.still_s, history.still_s) == (30, 0, 40)


async def test_a_copy_of_which_a_part_stands_still_is_given_up_with_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def ends(_target: Target) -> list[Log]:
        return list(LOGS)

    async def nothing(*_arguments: object) -> None:
        await asyncio.sleep(0)

    async def offsets(names: list[str]) -> dict[tuple[str, str, int], int]:
        return {(f"{name}-next", topic, number): at for (name, topic, number), at in copied.items()}

    copied = ALL | {("order-history", "orders", 0): 0}
    parts: Any = SimpleNamespace(begin=nothing, require_healthy=nothing, offsets=offsets)
    monkeypatch.setattr(sequence, "partition_ends", ends)
    monkeypatch.setattr(sequence, "_LOOK_S", 0.01)
    monkeypatch.setattr(sequence, "_STALLED_S", 0.05)
    target = Target(write_databases={}, read_dsn="", bootstrap="")
    site = sequence.Site(owner_dsn="", sink_url="", target=target)
    watching: Any = SimpleNamespace(progressed=lambda _progress: None)
    with pytest.raises(RebuildError, match=r"by order-history: "):
        await sequence._fill(site, [], parts, parts, watching)  # noqa: SLF001 - the step that can stand still


def test_caught_up_is_who_has_what_was_there_a_look_before() -> None:
    pace = Pace(SINK_CONNECTORS)
    pace.look(LOGS, ALL, at_s=0)
    assert not pace.caught_up, "one look cannot tell"
    more = tuple(log._replace(end=log.end + 5) for log in LOGS)
    pace.look(more, ALL, at_s=1)
    assert pace.caught_up
    pace.look(more, ALL, at_s=2)
    assert not pace.caught_up, "nothing came, and five records of each partition are missing"


def test_without_a_terminal_a_step_is_a_line_with_its_time_and_rate() -> None:
    written = StringIO()
    with Display(Console(file=written)) as display:
        display.progressed([CopyProgress(connector="orders", done=1_000, total=4_000, per_s=500.0)])
        display.done("filled from the topics", seconds=2.0)
        display.done("analysed", seconds=0.25)
    assert written.getvalue().splitlines() == [
        "   2.00 s  filled from the topics, 1,000 records at 500/s",
        "   0.25 s  analysed",
    ]


async def _cancelled_in_the_middle_of(outcome: str | Exception) -> str:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def step() -> str:
        begun.set()
        await go_on.wait()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    doing = asyncio.create_task(to_its_end(step()))
    await begun.wait()
    doing.cancel()
    await asyncio.sleep(0)
    assert not doing.done()
    go_on.set()
    return await doing


async def test_a_cancellation_waits_for_a_step_that_must_not_be_left_half_done() -> None:
    assert await _cancelled_in_the_middle_of("done") == "done", "too late"
    with pytest.raises(asyncio.CancelledError):
        await _cancelled_in_the_middle_of(SwitchBlockedError("nothing was done"))
    with pytest.raises(ZeroDivisionError):
        await _cancelled_in_the_middle_of(ZeroDivisionError())
