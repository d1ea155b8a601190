"""Statements over a batch's old and new rows: exact under repetition, replay, bad records and a full re-read."""

import json
import random
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from catalog_service.read_model.migrate import upgrade
from sink_connector.config.file import read_connector_file
from tests.conftest import MakeTopic
from tests.support.other_servers import require_postgres
from tests.support.sink import (
    Message,
    configuration,
    connected,
    rows,
    send,
    stored_offsets,
    wait_until_read,
)
from tests.support.waiting import wait_until

CONNECTOR, HISTORY = (
    {
        key: value
        for key, value in read_connector_file(Path("infra/connectors") / file).items()
        if key != "name"
    }
    for file in ("orders.json", "order-history.json")
)
SAMPLE = json.loads(Path("contracts/samples/order.placed.v1.json").read_text(encoding="utf-8"))
PREFIX = SAMPLE["value"][: SAMPLE["value"].index('"payload":')] + '"payload":'
EXPECTED_USERS = """
    SELECT user_id, count(*) FILTER (WHERE counts), coalesce(sum(total_cents) FILTER (WHERE counts), 0)::bigint,
           max(placed_at)
    FROM orders GROUP BY user_id ORDER BY user_id"""
EXPECTED_SALES = """
    SELECT product_id, coalesce(sum(quantity) FILTER (WHERE counts), 0)::bigint,
           coalesce(sum(quantity * unit_price_cents) FILTER (WHERE counts), 0)::bigint,
           count(DISTINCT order_id) FILTER (WHERE counts)
    FROM orders, jsonb_to_recordset(lines) AS line (product_id text, quantity bigint, unit_price_cents bigint)
    GROUP BY product_id ORDER BY product_id"""


def order(number: int, version: int, chance: random.Random, **different: Any) -> bytes:
    placed = 1763800000123 + number
    lines = [
        {"product_id": f"p{chance.randrange(5)}", "quantity": chance.randrange(1, 4), "unit_price_cents": 100}
        for _ in range(chance.randrange(1, 4))
    ]
    payload = {
        "order_id": f"order-1-{number:05}",
        "user_id": f"u{number % 7}",
        "status": chance.choice(["PENDING", "CONFIRMED", "REJECTED", "CANCELLED", "SHIPPED"]),
        "lines": lines,
        "total_cents": sum(line["quantity"] * line["unit_price_cents"] for line in lines),  # type: ignore[operator]
        "version": version,
        "instance": "order-1",
        "reason": None,
        "placed_at": placed,
        "updated_at": placed + version,
        **different,
    }
    return f"{PREFIX}{json.dumps(payload, separators=(',', ':'))}}}".encode()


@pytest.fixture
async def as_deployed(monkeypatch: pytest.MonkeyPatch, database: str) -> str:
    """The connector files of this project, pointed at the test's database, which has the catalog's read tables."""
    await require_postgres(database, since=18, what="the virtual columns of the catalog's tables")
    await upgrade(database)
    monkeypatch.setenv("SINK_DATABASE_URL", database)
    monkeypatch.setenv("SINK_TOPIC_PREFIX", "")
    return database


def deployed(database: str, config: dict[str, Any], **keys: str) -> dict[str, str]:
    return configuration(database) | config | {key.replace("__", "."): value for key, value in keys.items()}


@pytest.mark.guarantees("G-SINK-7")
async def test_summary_sales_and_history_are_exact_whatever_is_repeated_late_or_read_again(
    kafka_bootstrap: str, as_deployed: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic(partitions=3)
    chance = random.Random(5)  # noqa: S311 - the same records every time
    history = {
        number: [order(number, version, chance) for version in range(1, chance.randrange(2, 6))]
        for number in range(400)
    }
    messages = [
        Message(value=value, partition=number % 3) for number, values in history.items() for value in values
    ]
    shuffled = messages + chance.sample(messages, len(messages) // 2)
    chance.shuffle(shuffled)
    shuffled.insert(100, Message(value=b"bad"))
    await send(kafka_bootstrap, topic, shuffled)
    orders = deployed(as_deployed, CONNECTOR, topics=topic, batch__size="150", tasks__max="2")
    async with (
        connected(kafka_bootstrap, orders) as connector,
        connected(kafka_bootstrap, deployed(as_deployed, HISTORY, topics=topic)) as historian,
    ):
        await wait_until_read(connector, topic, len(shuffled))
        await wait_until_read(historian, topic, len(shuffled))
        await _assert_exact(as_deployed, history)
        await connector.stop()
        async with stored_offsets(kafka_bootstrap) as stored:
            await stored.reset(connector.config)
        await connector.resume()
        await wait_until_read(connector, topic, len(shuffled))
    await _assert_exact(as_deployed, history)
    assert await rows(as_deployed, "SELECT count(*) FROM sink.dead_letters") == [(2,)]


async def _assert_exact(database: str, history: dict[int, list[bytes]]) -> None:
    assert await rows(database, "SELECT order_id, version FROM orders ORDER BY order_id") == [
        (f"order-1-{number:05}", len(values)) for number, values in history.items()
    ]
    assert await rows(database, "SELECT count(*) FROM order_history") == [(sum(map(len, history.values())),)]
    assert await rows(database, "SELECT * FROM user_summary ORDER BY user_id") == await rows(
        database, EXPECTED_USERS
    )
    assert await rows(database, "SELECT * FROM product_sales ORDER BY product_id") == await rows(
        database, EXPECTED_SALES
    )


@pytest.mark.parametrize("quantity", [1, 2, 10**6])
async def test_sums_take_what_orders_may_hold_and_more(
    kafka_bootstrap: str, as_deployed: str, make_topic: MakeTopic, quantity: int
) -> None:
    topic = await make_topic()
    most, chance = 2**63 - 1, random.Random(9)  # noqa: S311 - as above
    largest: dict[str, Any] = {
        "user_id": "ada",
        "status": "PENDING",
        "total_cents": most,
        "lines": [{"product_id": "tea", "quantity": quantity, "unit_price_cents": most}],
    }
    sent = [Message(value=order(number, 1, chance, **largest)) for number in range(3)]
    async with connected(kafka_bootstrap, deployed(as_deployed, CONNECTOR, topics=topic)) as connector:
        for number, message in enumerate(sent, start=1):
            await send(kafka_bootstrap, topic, [message])
            await wait_until_read(connector, topic, number)
    assert await rows(as_deployed, "SELECT error FROM sink.dead_letters") == []
    assert await rows(as_deployed, "SELECT user_id, orders, spend_cents FROM user_summary") == [
        ("ada", 3, 3 * most)
    ]
    assert await rows(as_deployed, "SELECT quantity, revenue_cents FROM product_sales") == [
        (3 * quantity, 3 * quantity * most)
    ]


async def test_a_single_event_takes_the_same_way_as_a_batch_and_is_announced(
    kafka_bootstrap: str, as_deployed: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    chance = random.Random(7)  # noqa: S311 - as above
    heard: list[str] = []
    listener = await asyncpg.connect(as_deployed)
    await listener.add_listener("read_model", lambda *words: heard.append(words[-1]))
    async with connected(kafka_bootstrap, deployed(as_deployed, CONNECTOR, topics=topic)) as connector:
        for version in (1, 2, 3):
            await send(kafka_bootstrap, topic, [Message(value=order(1, version, chance))])
            await wait_until_read(connector, topic, version)
            assert await rows(as_deployed, "SELECT * FROM user_summary") == await rows(
                as_deployed, EXPECTED_USERS
            )
        await wait_until(lambda: len(heard) >= 3, what="three notifications")
    await listener.close()
    assert [json.loads(text)["topics"] for text in heard] == [{topic: {"0": offset}} for offset in (1, 2, 3)]
    sold = [row for row in await rows(as_deployed, "SELECT * FROM product_sales ORDER BY 1") if any(row[1:])]
    assert sold == [row for row in await rows(as_deployed, EXPECTED_SALES) if any(row[1:])]
