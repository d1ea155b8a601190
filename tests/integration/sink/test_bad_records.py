"""One bad record among good ones: isolated, parked with its original bytes, its neighbours written."""

import asyncio
import json
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer

from sink_connector.__main__ import main
from tests.conftest import MakeTopic
from tests.support.sink import (
    INT64,
    STRING,
    Message,
    configuration,
    connected,
    drain,
    envelope,
    execute,
    optional,
    rows,
    send,
    struct,
    wait_until_failed,
    wait_until_read,
)

FIELDS = {"id": INT64, "name": optional(STRING), "amount": {"type": "int32", "optional": True}}


def good(number: int) -> bytes:
    return struct({"id": number, "name": "ok", "amount": 1}, **FIELDS)


def changed(**fields: object) -> bytes:
    return struct({"id": 99, "name": "ok", "amount": 1} | fields, **FIELDS)


NESTED = b"[" * 200_000 + b"]" * 200_000
POISON = {
    "no JSON": b"{",
    "bad UTF-8": good(99).replace(b'"ok"', b'"\xff\xfe"'),
    "no envelope": b'{"id": 1}',
    "a schema that is none": b'{"schema":{"type":"nothing"},"payload":{}}',
    "a text for a number": changed(id="1"),
    "a fraction for a number": changed(id=1.5),
    "a number for a text": changed(name=5),
    "a bool for a number": changed(amount=True),
    "an int32 out of range": changed(amount=2**31),
    "an int64 out of range": changed(id=2**63),
    "a missing required field": struct({"name": "x"}, **FIELDS),
    "null for a required field": changed(id=None),
    "NaN": good(99).replace(b'"amount":1', b'"amount":NaN'),
    "U+0000 in a text": changed(name="a\0b"),
    "a violated constraint": changed(amount=-1),
    "a duplicate key": changed(id=0),
    "a hostile field": struct(
        {"id": 99, 'x" text); DROP TABLE items; --': 1}, id=INT64, **{'x" text); DROP TABLE items; --': INT64}
    ),
    "a field name over 63 bytes": struct({"id": 99, "x" * 64: 1}, id=INT64, **{"x" * 64: INT64}),
    "an unknown field": struct({"id": 99, "other": 1}, id=INT64, other=INT64),
    "a value that is no struct": envelope(5, INT64),
    "a truncated envelope": good(99)[:-1],
    "deep nesting": b'{"schema":{"type":"int64"},"payload":' + NESTED + b"}",
}


@pytest.fixture
async def items(database: str) -> str:
    await execute(
        database,
        "CREATE TABLE items (id bigint PRIMARY KEY, name text, amount integer CHECK (amount >= 0))",
    )
    return database


@pytest.mark.guarantees("G-SINK-8")
async def test_every_poison_is_parked_with_its_bytes_and_its_neighbours_are_written(
    kafka_bootstrap: str, items: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    messages = []
    for number, poison in enumerate(POISON.values()):
        messages += [
            Message(value=good(number)),
            Message(value=poison, key=b"k\xff", headers=[("h", b"\xfe"), ("h", b"t")]),
        ]
    await drain(kafka_bootstrap, items, topic, messages, table__name__format="items", errors__tolerance="all")
    assert await rows(items, "SELECT count(*), min(name), max(name) FROM items") == [
        (len(POISON), "ok", "ok")
    ]
    parked = await rows(
        items, 'SELECT "offset", key, value, headers, error FROM sink.dead_letters ORDER BY "offset"'
    )
    assert [row[0] for row in parked] == list(range(1, 2 * len(POISON), 2))
    assert [row[2] for row in parked] == list(POISON.values())
    assert {row[1] for row in parked} == {b"k\xff"}
    assert json.loads(parked[0][3]) == [["h", {"hex": "fe"}], ["h", "t"]]
    assert all(row[4] for row in parked)


@pytest.mark.guarantees("G-SINK-8")
@pytest.mark.parametrize("mode", ["insert", "upsert"])
async def test_a_few_bad_rows_in_a_large_batch_are_found_by_halving(
    kafka_bootstrap: str, items: str, make_topic: MakeTopic, mode: str
) -> None:
    topic = await make_topic()
    bad = {7, 500, 501, 1999}
    messages = [
        Message(value=struct({"id": n, "name": "x", "amount": -1 if n in bad else 1}, **FIELDS))
        for n in range(2000)
    ]
    await drain(
        kafka_bootstrap,
        items,
        topic,
        messages,
        table__name__format="items",
        errors__tolerance="all",
        insert__mode=mode,
        pk__mode="record_value",
        pk__fields="id",
    )
    assert await rows(items, "SELECT count(*) FROM items") == [(1996,)]
    assert {row[0] for row in await rows(items, 'SELECT "offset" FROM sink.dead_letters')} == bad


@pytest.mark.guarantees("G-SINK-9")
async def test_without_tolerance_the_task_fails_with_the_place_and_resumes_without_loss_once_mended(
    kafka_bootstrap: str, items: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    messages = [
        Message(value=struct({"id": n, "name": "x", "amount": n - 5}, **FIELDS)) for n in range(5, 15)
    ]
    messages += [Message(value=changed(amount=-1)), Message(value=good(100))]
    await send(kafka_bootstrap, topic, messages)
    given = configuration(items, topics=topic, table__name__format="items")
    async with connected(kafka_bootstrap, given) as connector:
        trace = await wait_until_failed(connector)
        assert f"topic {topic}, partition 0, offset 10" in trace
        assert "items_amount_check" in trace
        assert await rows(items, "SELECT count(*) FROM sink.dead_letters") == [(0,)]
        await execute(items, "ALTER TABLE items DROP CONSTRAINT items_amount_check")
        await connector.restart(only_failed=True)
        await wait_until_read(connector, topic, len(messages))
    assert await rows(items, "SELECT count(*) FROM items") == [(12,)]


async def test_the_dead_letter_topic_gets_the_original_bytes_with_connects_headers(
    kafka_bootstrap: str, items: str, make_topic: MakeTopic
) -> None:
    topic, stored_dead_letters = await make_topic(), await make_topic()
    bad = Message(value=b"bad", key=b"k", headers=[("own", b"1")])
    await send(kafka_bootstrap, topic, [Message(value=good(1)), bad])
    given = configuration(
        items,
        topics=topic,
        table__name__format="items",
        errors__tolerance="all",
        errors__deadletterqueue__topic__name=stored_dead_letters,
        errors__deadletterqueue__context__headers__enable="true",
    )
    consumer = AIOKafkaConsumer(
        stored_dead_letters, bootstrap_servers=kafka_bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        # While the task runs: one that ends sends only what is quickly sent.
        async with connected(kafka_bootstrap, given):
            record = await asyncio.wait_for(consumer.getone(), 60)
    finally:
        await consumer.stop()
    headers = dict(record.headers)
    assert (record.key, record.value, headers["own"]) == (b"k", b"bad", b"1")
    assert headers["__connect.errors.topic"] == topic.encode()
    assert headers["__connect.errors.offset"] == b"1"
    assert headers["__connect.errors.stage"] == b"VALUE_CONVERTER"


@pytest.mark.guarantees("G-SINK-10")
async def test_parked_records_are_listed_replayed_once_and_dropped(
    kafka_bootstrap: str,
    items: str,
    make_topic: MakeTopic,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    topic = await make_topic()
    messages = [Message(value=changed(id=n, amount=-n)) for n in (1, 2)] + [Message(value=b"bad")]
    given = await drain(
        kafka_bootstrap, items, topic, messages, table__name__format="items", errors__tolerance="all"
    )
    file = tmp_path / "connector.json"
    file.write_text(json.dumps(given))

    async def command(*words: str) -> tuple[int, str]:
        def run() -> int:
            with pytest.raises(SystemExit) as ended:
                main(["dead-letters", words[0], str(file), *words[1:]])
            return int(ended.value.code or 0)

        capsys.readouterr()
        code = await asyncio.to_thread(run)
        return code, capsys.readouterr().out

    code, listed = await command("list")
    assert code == 0
    assert [line.split("\t")[2] for line in listed.splitlines()] == [f"{topic}/0/{n}" for n in range(3)]
    await execute(items, "ALTER TABLE items DROP CONSTRAINT items_amount_check")
    code, replayed = await command("replay")
    assert code == 1
    assert [line.split("\t")[1].split(":")[0] for line in replayed.splitlines()] == [
        "delivered",
        "delivered",
        "stays",
    ]
    assert await rows(items, "SELECT id, amount FROM items ORDER BY id") == [(1, -1), (2, -2)]
    code, shown = await command("show", "--all")
    assert "value:   bad" in shown
    assert await command("drop", "--all") == (0, "1 dropped\n")
    assert await rows(items, "SELECT count(*) FROM sink.dead_letters") == [(0,)]
    for action in ("show", "replay"):
        assert await command(action, "1") == (1, "")  # there is no such dead letter any more
