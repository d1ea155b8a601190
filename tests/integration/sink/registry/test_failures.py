"""What goes wrong with a registry, and what each of it leads to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from prometheus_client import REGISTRY

from devservers.ports import free_ports
from tests.conftest import MakeTopic
from tests.support.sink import (
    Message,
    configuration,
    connected,
    drain,
    execute,
    rows,
    send,
    wait_until_failed,
    wait_until_read,
)
from tests.support.waiting import wait_until
from tests.support.wire_format import AVRO, PROTOBUF, Subjects, avro_payload, converter, framed

ITEM: dict[str, Any] = {"type": "record", "name": "Item", "fields": [{"name": "id", "type": "long"}]}
TABLE = "CREATE TABLE items (id bigint PRIMARY KEY)"


def item(schema_id: int, number: int) -> Message:
    return Message(value=framed(schema_id, avro_payload(ITEM, {"id": number})))


async def test_bad_values_are_parked_one_by_one_and_their_neighbours_are_written(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, subjects: Subjects
) -> None:
    topic = await make_topic()
    await execute(database, TABLE)
    known, text = subjects.register("item", ITEM), subjects.register("text", {"type": "string"})
    messages = [
        item(known, 1), item(999_999, 2), Message(value=b'{"id":3}'), Message(value=framed(known, b"\x80")), item(known, 5),
        Message(value=framed(text, avro_payload("string", "x"))),
    ]  # fmt: skip
    await drain(
        kafka_bootstrap, database, topic, messages, **converter(AVRO, subjects.url), table__name__format="items", errors__tolerance="all"
    )  # fmt: skip
    assert await rows(database, "SELECT id FROM items ORDER BY id") == [(1,), (5,)]
    parked = await rows(database, 'SELECT "offset", stage, error FROM sink.dead_letters ORDER BY "offset"')
    assert [(offset, stage) for offset, stage, _ in parked[:3]] == [
        (1, "VALUE_CONVERTER"), (2, "VALUE_CONVERTER"), (3, "VALUE_CONVERTER"),
    ]  # fmt: skip
    assert [
        word in error
        for word, (_, _, error) in zip(("999999", "wire format", "does not fit"), parked, strict=False)
    ] == [True] * 3
    assert len(parked) == 4


async def test_an_id_nobody_registered_fails_the_task_when_nothing_is_tolerated(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, subjects: Subjects
) -> None:
    topic = await make_topic()
    await execute(database, TABLE)
    await send(kafka_bootstrap, topic, [item(999_999, 1)])
    given = configuration(
        database, topics=topic, table__name__format="items", **converter(AVRO, subjects.url)
    )
    async with connected(kafka_bootstrap, given) as connector:
        trace = await wait_until_failed(connector)
    assert "999999" in trace
    assert topic in trace


async def test_a_schema_of_another_kind_is_the_records_failure(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, subjects: Subjects
) -> None:
    topic = await make_topic()
    await execute(database, TABLE)
    known = subjects.register("item", ITEM)
    await drain(
        kafka_bootstrap, database, topic, [item(known, 1)], **converter(PROTOBUF, subjects.url), table__name__format="items",
        errors__tolerance="all",
    )  # fmt: skip
    [(error,)] = await rows(database, "SELECT error FROM sink.dead_letters")
    assert "AVRO" in error


@asynccontextmanager
async def forwarded(port: int, url: str) -> AsyncIterator[None]:
    """The registry can be reached on this port, too, until the block ends."""
    target = urlsplit(url)

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(target.hostname, target.port)
        await asyncio.gather(pump(reader, back), pump(there, writer), return_exceptions=True)

    server = await asyncio.start_server(forward, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()


async def test_an_outage_of_the_registry_is_waited_out_and_nothing_is_parked(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, subjects: Subjects
) -> None:
    topic = await make_topic()
    await execute(database, TABLE)
    known = subjects.register("item", ITEM)
    port = free_ports(1)[0]
    given = configuration(
        database, topics=topic, table__name__format="items", errors__tolerance="all", errors__retry__delay__max__ms="500",
        **converter(AVRO, subjects.url.replace(f":{urlsplit(subjects.url).port}", f":{port}")),
    )  # fmt: skip
    await send(kafka_bootstrap, topic, [item(known, 1), item(known, 2)])
    async with connected(kafka_bootstrap, given) as connector:
        labels = {"connector": given["name"], "task": "0"}
        await wait_until(
            lambda: REGISTRY.get_sample_value("sink_retries_total", labels),
            what="the task to try again",
        )
        async with forwarded(port, subjects.url):
            await wait_until_read(connector, topic, 2)
    assert await rows(database, "SELECT id FROM items ORDER BY id") == [(1,), (2,)]
    assert await rows(database, "SELECT count(*) FROM sink.dead_letters") == [(0,)]
