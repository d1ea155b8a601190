"""Plain JSON with any subset of optional fields: the rows that single records would make, in flat memory."""

import json
import random

import psutil
import pytest

from tests.conftest import MakeTopic
from tests.support.sink import Message, configuration, connected, execute, rows, send, wait_until_read

NAMES = [f"f{number:02}" for number in range(12)]
PLAIN = {
    "value__converter": "org.apache.kafka.connect.json.JsonConverter",
    "value__converter__schemas__enable": "false",
    "key__converter": "org.apache.kafka.connect.storage.StringConverter",
    "table__name__format": "t",
}


def some(number: int, chance: random.Random) -> dict[str, object]:
    fields = chance.sample(NAMES, chance.randrange(len(NAMES) + 1))
    return {"id": number} | {name: None if chance.random() < 0.1 else chance.randrange(9) for name in fields}


@pytest.mark.parametrize("mode", ["insert", "upsert"])
async def test_any_subset_of_fields_makes_the_rows_that_single_records_make(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, mode: str
) -> None:
    topic = await make_topic()
    key = "PRIMARY KEY" if mode == "upsert" else ""
    await execute(database, f"CREATE TABLE t (id bigint {key}, {', '.join(f'{n} integer' for n in NAMES)})")
    chance = random.Random(3)  # noqa: S311 - the same records every time
    records = [some(number % 700 if mode == "upsert" else number, chance) for number in range(3_000)]
    records[1_500] |= {"f00": "no number"}
    await send(kafka_bootstrap, topic, [Message(value=json.dumps(each).encode()) for each in records])
    keys = (
        {"insert__mode": "upsert", "pk__mode": "record_value", "pk__fields": "id"} if mode == "upsert" else {}
    )
    given = configuration(database, topics=topic, errors__tolerance="all", batch__size="500", **PLAIN, **keys)
    async with connected(kafka_bootstrap, given) as connector:
        await wait_until_read(connector, topic, len(records))
    expected: dict[object, dict[str, object]] = {}
    for place, record in enumerate(records):
        if place != 1_500:
            at = record["id"] if mode == "upsert" else place
            expected[at] = expected.get(at, dict.fromkeys(["id", *NAMES])) | record
    found = await rows(database, "SELECT * FROM t ORDER BY id")
    assert found == [
        tuple(row.values()) for row in sorted(expected.values(), key=lambda row: str(row["id"]).zfill(9))
    ]
    assert await rows(database, 'SELECT "offset" FROM sink.dead_letters') == [(1_500,)]


async def test_ten_thousand_sets_of_fields_take_no_memory_that_grows(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    wide = [f"g{number}" for number in range(14)]
    await execute(
        database, f"CREATE TABLE t (id bigint PRIMARY KEY, {', '.join(f'{n} integer' for n in wide)})"
    )
    keys = {"insert__mode": "upsert", "pk__mode": "record_value", "pk__fields": "id"}
    given = configuration(database, topics=topic, **PLAIN, **keys)
    process = psutil.Process()
    sizes = []
    async with connected(kafka_bootstrap, given) as connector:
        for turn in range(1, 5):
            values = [
                {"id": number} | {name: turn for bit, name in enumerate(wide) if number >> bit & 1}
                for number in range(10_000)
            ]
            await send(kafka_bootstrap, topic, [Message(value=json.dumps(each).encode()) for each in values])
            await wait_until_read(connector, topic, turn * 10_000, timeout_s=60)
            sizes.append(process.memory_info().rss)
    assert sizes[-1] - sizes[1] < 20 * 1024 * 1024, sizes
    assert await rows(database, "SELECT count(*), max(g0) FROM t") == [(10_000, 4)]
