"""`./demo load` and `./demo audit` on the real stack: what a person sees, and that the auditor sees what is wrong."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeAlias

import asyncpg
import pytest

from auditor import Command, audit
from auditor.journal import read_journal
from auditor.observations import FIELDS
from tests.support.stack import RunningStack

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture(scope="module")
def journal(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a load of 300 orders wrote down."""
    path = tmp_path_factory.mktemp("load") / "journal"
    sent = stack.demo("load", "--orders", "300", "--rate", "100", "--json", "--journal", str(path))
    assert sent.returncode == 0, sent.stdout + sent.stderr
    summary = json.loads(sent.stdout)
    assert summary["ok"] == summary["visible_ms"]["samples"] == 300
    assert summary["failed"] == summary["unknown"] == summary["not_visible"] == 0
    assert 0 < summary["visible_ms"]["p50"] <= summary["visible_ms"]["p99"]
    return path


@pytest.fixture
async def read(stack: RunningStack) -> AsyncIterator[Connection]:
    """The read database, as its owner."""
    connection = await asyncpg.connect(stack.owner_dsn)
    yield connection
    await connection.close()


def test_an_audit_of_a_load_is_clean_and_says_what_it_compared(stack: RunningStack, journal: Path) -> None:
    audited = stack.demo("audit", "--wait", "60", "--journal", str(journal))
    assert audited.returncode == 0, audited.stdout + audited.stderr
    assert "nothing missing, extra, different, old or doubled" in audited.stdout
    report = json.loads(stack.demo("audit", "--journal", str(journal), "--json").stdout)
    assert report["counts"]["commands ok"] == 300
    assert report["counts"]["read orders"] >= 300


_COLUMNS = ", ".join(FIELDS["orders"])
KEEP = [
    f"SELECT jsonb_agg(to_jsonb(t)) FROM {table} t WHERE order_id = $1"  # noqa: S608  names of this file
    for table in ("orders", "order_history")
]
FORGET = [
    "DELETE FROM orders WHERE order_id LIKE '%' || $1",
    "DELETE FROM order_history WHERE order_id = $1",
]
RESTORE = [
    f"INSERT INTO {table} ({_COLUMNS}) SELECT {_COLUMNS} FROM jsonb_populate_recordset(NULL::{table}, $1)"  # noqa: S608
    for table in ("orders", "order_history")
]

# Each is done to the real read database, $1 being an order of the load.
PLANTED = {
    "a row deleted": ("DELETE FROM orders WHERE order_id = $1", {"read-missing", "command-lost"}),
    "a field changed": ("UPDATE orders SET total_cents = total_cents + 1 WHERE order_id = $1", {"read-different"}),
    "an older version": ("UPDATE orders SET version = version - 1 WHERE order_id = $1", {"read-older", "offset-lost"}),
    "an event doubled in the history": (
        """INSERT INTO order_history SELECT order_id, version + 7, user_id, status, lines, total_cents, instance,
           reason, placed_at, updated_at FROM order_history WHERE order_id = $1 AND version = 1""",
        {"history-extra"},
    ),
    "an event lost in the history": (
        "DELETE FROM order_history WHERE order_id = $1 AND version = 1", {"history-missing"},
    ),
    "an order from nowhere": (
        """INSERT INTO orders SELECT 'order-9-' || order_id, version, user_id, status, lines, total_cents, 'order-9-' || instance,
           reason, placed_at, updated_at FROM orders WHERE order_id = $1""",
        {"read-extra", "command-ghost"},
    ),
}  # fmt: skip


@pytest.fixture
def commands(journal: Path) -> list[Command]:
    return list(read_journal(journal))


@pytest.fixture
async def order_id(commands: list[Command], read: Connection) -> AsyncIterator[str]:
    """An order of the load; whatever is done to it in the read database is undone."""
    order_id = str(commands[0].order_id)
    kept = [await read.fetchval(statement, order_id) for statement in KEEP]
    yield order_id
    async with read.transaction():
        for statement in FORGET:
            await read.execute(statement, order_id)
        for statement, rows in zip(RESTORE, kept, strict=True):
            await read.execute(statement, rows)


@pytest.mark.parametrize("bug", PLANTED)
async def test_the_audit_names_a_bug_planted_in_the_read_database(
    stack: RunningStack, commands: list[Command], read: Connection, order_id: str, bug: str
) -> None:
    statement, names = PLANTED[bug]
    await read.execute(statement, order_id)
    report = await audit(stack.target, commands=commands)
    assert names <= report.found, report
    assert order_id in str(report)


async def test_the_command_fails_on_a_difference_and_prints_it(
    stack: RunningStack, read: Connection, order_id: str
) -> None:
    await read.execute("DELETE FROM orders WHERE order_id = $1", order_id)
    audited = stack.demo("audit", "--wait", "0")
    assert audited.returncode == 1, audited.stdout + audited.stderr
    assert f"orders {order_id}: order-1 has version" in audited.stdout


async def test_the_restored_read_database_is_clean_again(
    stack: RunningStack, commands: list[Command]
) -> None:
    report = await audit(stack.target, commands=commands)
    assert report.clean, report
