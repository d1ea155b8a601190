"""The auditor expects exactly the readers that the stack runs."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from auditor.observations import FIELDS
from auditor.sources.databases import snapshot
from auditor.target import SINK_CONNECTORS, Target

REPOSITORY = Path(__file__).parents[3]


def test_it_expects_the_connectors_that_are_deployed() -> None:
    files = (REPOSITORY / "infra" / "connectors").glob("*.json")
    deployed = [json.loads(file.read_text()) for file in files]
    topic_of = {c["name"]: c["config"]["topics"].removeprefix("${env:SINK_TOPIC_PREFIX}") for c in deployed}
    assert topic_of == {reader.name: reader.topic for reader in SINK_CONNECTORS}


def test_it_reads_the_topics_that_are_declared() -> None:
    declared = json.loads((REPOSITORY / "infra" / "kafka" / "topics.json").read_text())
    target = Target(
        write_databases=dict.fromkeys(("order-1", "order-2", "order-3"), ""), read_dsn="", bootstrap=""
    )
    assert set(target.topics()) == {topic["name"] for topic in declared}


def test_it_compares_every_field_of_the_contract() -> None:
    for topic, sample in (("orders", "order.placed.v1"), ("products", "product.registered.v1")):
        value = json.loads((REPOSITORY / "contracts" / "samples" / f"{sample}.json").read_text())["value"]
        assert tuple(json.loads(value)["payload"]) == FIELDS[topic]


async def test_a_write_database_is_opened_read_only_and_must_exist(tmp_path: Path) -> None:
    missing = tmp_path / "orders.db"
    with pytest.raises(FileNotFoundError, match=str(missing)):
        await _first_value(missing)
    assert not missing.exists()
    with closing(sqlite3.connect(missing)) as made:
        made.execute("CREATE TABLE orders AS SELECT 1")
        made.commit()
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        await _first_value(missing, sql="DELETE FROM orders")
    assert await _first_value(missing) == 1


async def _first_value(path: Path, *, sql: str = "SELECT * FROM orders") -> object:
    async with snapshot(f"sqlite+aiosqlite:///{path}") as database:
        (value,) = [value async for block in database.rows(sql) for (value,) in block]
        return value
