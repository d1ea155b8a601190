"""A write database that a hand has spoilt: the audit goes on, and does not call it clean."""

import shutil
import sqlite3
from pathlib import Path
from uuid import uuid4

import pytest

from auditor.report import Report, examine
from auditor.scratch import Scratch
from auditor.sources.databases import snapshot
from auditor.sources.rows import write_facts
from auditor.target import Target
from tests.support.order_api import migrated_file

TABLES = ("orders", "products", "offers", "outbox", "positions", "dead_letters", "set_aside")
BY_TYPE = {"TEXT": "'text'", "JSON": "'[]'", "BLOB": "x'7b7d'"}
BY_NAME = {"topic": "'orders'", "headers": "'{}'", "source": "'products/0'", "record": "'products/0/1'"}
SPOILT = (
    "x'ff00'",
    "'text'",
    "1.5",
    "9e999",
    "CAST(x'ff' AS TEXT)",
    "'products/99999999999999999999'",
    f"'products/{'9' * 5_000}/{'9' * 5_000}'",
)


def sound_row(file: Path, table: str) -> dict[str, str]:
    """Each column with a value of its type, as SQL writes it."""
    with sqlite3.connect(file) as database:
        columns = database.execute("SELECT name, type FROM pragma_table_info(?)", (table,)).fetchall()
    return {name: BY_NAME.get(name) or BY_TYPE.get(type_, "1") for name, type_ in columns}


def put(file: Path, table: str, values: dict[str, str]) -> bool:
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA ignore_check_constraints = 1")
        try:
            database.execute(
                f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(values.values())})"  # noqa: S608
            )
        except sqlite3.IntegrityError:  # a row's number is one, even here
            return False
    return True


async def audited(file: Path, directory: Path) -> Report:
    target = Target(write_databases={"order-1": f"sqlite:///{file}"}, read_dsn="", bootstrap="")
    with Scratch(directory / f"{uuid4()}.db") as facts:
        facts.add(target.readers())
        async with snapshot(target.write_databases["order-1"]) as database:
            async for block in write_facts(database, instance="order-1", target=target):
                facts.add(block)
        facts.settle()
        return examine(facts)


@pytest.mark.parametrize("spoilt", SPOILT, ids=lambda text: text[:20])
@pytest.mark.parametrize("table", TABLES)
async def test_a_row_of_any_values_is_a_finding_and_no_crash(tmp_path: Path, table: str, spoilt: str) -> None:
    sound = await migrated_file(tmp_path)
    row = sound_row(sound, table)
    for column in row:
        file = tmp_path / "spoilt.db"
        shutil.copyfile(sound, file)
        if put(file, table, row | {column: spoilt}):
            report = await audited(file, tmp_path)
            assert table in {"offers", "positions", "dead_letters"} or not report.clean, column
            assert str(report)
