"""Another table takes the name of the one that is written to, or it gets a column, while the sink runs: what there is now counts."""

from decimal import Decimal
from typing import Any

import pytest

from tests.conftest import MakeTopic
from tests.support.sink import (
    INT64,
    Message,
    configuration,
    connected,
    execute,
    rows,
    send,
    struct,
    wait_until_read,
)

DECIMAL = {
    "type": "bytes",
    "name": "org.apache.kafka.connect.data.Decimal",
    "version": 1,
    "parameters": {"scale": "1"},
}
UPSERT = {"insert__mode": "upsert", "pk__mode": "record_value", "pk__fields": "id"}
WAYS: dict[str, tuple[int, dict[str, str]]] = {
    "few": (3, UPSERT),
    "staged": (200, UPSERT),
    "copied": (200, {"insert__mode": "insert"}),
    "copied as new": (600, UPSERT),
}
TWO, TWO_AND_A_HALF = "FA==", "GQ=="
OLD = "ALTER TABLE made RENAME TO old; ALTER INDEX made_pkey RENAME TO old_pkey"


def numbers(start: int, count: int, last: str = TWO) -> list[Message]:
    values = [*[TWO] * (count - 1), last]
    fields: dict[str, Any] = {"id": INT64, "v": DECIMAL}
    return [Message(value=struct({"id": start + n, "v": each}, **fields)) for n, each in enumerate(values)]


async def written_before_and_after(  # noqa: PLR0913 - each by its name
    change: str, second: list[Message], *, kafka: str, database: str, topic: str, mode: dict[str, str]
) -> None:
    """As many rows as `second` has, then the change, then these."""
    await execute(database, "CREATE TABLE made (id bigint PRIMARY KEY, v numeric(10,1))")
    given = configuration(database, topics=topic, table__name__format="made", errors__tolerance="all", **mode)
    await send(kafka, topic, numbers(0, len(second)))
    async with connected(kafka, given) as connector:
        await wait_until_read(connector, topic, len(second))
        await execute(database, f"BEGIN; {change}; COMMIT")
        await send(kafka, topic, second)
        await wait_until_read(connector, topic, 2 * len(second))


@pytest.mark.parametrize("way", WAYS)
async def test_what_a_table_that_took_the_name_would_round_is_a_bad_record(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, way: str
) -> None:
    count, mode = WAYS[way]
    await written_before_and_after(
        f"{OLD}; CREATE TABLE made (id bigint PRIMARY KEY, v integer)",
        numbers(count, count, last=TWO_AND_A_HALF),
        kafka=kafka_bootstrap, database=database, topic=await make_topic(), mode=mode,
    )  # fmt: skip
    assert await rows(database, "SELECT count(*), sum(v) FROM made") == [(count - 1, 2 * (count - 1))]
    assert await rows(database, "SELECT count(*) FROM old") == [(count,)]
    assert await rows(database, 'SELECT "offset" FROM sink.dead_letters') == [(2 * count - 1,)]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "made",
    [
        "CREATE TABLE made (v numeric, more integer DEFAULT 3, id bigint PRIMARY KEY)",
        (
            "CREATE TABLE made (id bigint PRIMARY KEY, v numeric) PARTITION BY HASH (id);"
            "CREATE TABLE part PARTITION OF made FOR VALUES WITH (MODULUS 1, REMAINDER 0)"
        ),
        "CREATE TABLE base (id bigint PRIMARY KEY, v numeric); CREATE VIEW made AS SELECT * FROM base",
    ],
    ids=["other order of columns", "partitioned", "view"],
)
async def test_a_table_that_took_the_name_gets_what_comes_then(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, *, made: str, way: str
) -> None:
    count, mode = WAYS[way]
    await written_before_and_after(
        f"{OLD}; {made}",
        numbers(count, count),
        kafka=kafka_bootstrap, database=database, topic=await make_topic(), mode=mode,
    )  # fmt: skip
    assert await rows(database, "SELECT count(*), min(id) FROM made") == [(count, count)]
    assert await rows(database, "SELECT count(*) FROM old") == [(count,)]
    assert await rows(database, "SELECT count(*) FROM sink.dead_letters") == [(0,)]


@pytest.mark.parametrize("way", ["few", "staged", "copied as new"])
async def test_a_column_that_is_required_from_now_on_keeps_no_row_from_being_updated(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, way: str
) -> None:
    count, mode = WAYS[way]
    await written_before_and_after(
        "ALTER TABLE made ADD more integer; UPDATE made SET more = 7; ALTER TABLE made ALTER more SET NOT NULL",
        numbers(0, count, last=TWO_AND_A_HALF),
        kafka=kafka_bootstrap, database=database, topic=await make_topic(), mode=mode,
    )  # fmt: skip
    assert await rows(database, "SELECT count(*), sum(v), min(more) FROM made") == [
        (count, 2 * count + Decimal("0.5"), 7)
    ]
    assert await rows(database, "SELECT count(*) FROM sink.dead_letters") == [(0,)]
