"""`sink-connector explain`: one record's way, on the real topic and the real database."""

from pathlib import Path

from aiokafka import AIOKafkaProducer

from tests.conftest import MakeTopic
from tests.support.sink import (
    INT64,
    STRING,
    TIMESTAMP,
    Message,
    configuration,
    drain,
    envelope,
    execute,
    send,
    struct,
)
from tests.support.sink_commands import (
    Ended,
    connector_file,
    database_snapshot,
    kafka_snapshot,
    sink_connector,
)

FIELDS = {"n": INT64, "at": TIMESTAMP}
KEYED = {
    "insert__mode": "upsert",
    "pk__mode": "record_key",
    "pk__fields": "id",
    "auto__create": "true",
    "errors__tolerance": "all",
}
INSERT_FIELD = {
    "transforms": "source,gone",
    "transforms__source__type": "org.apache.kafka.connect.transforms.InsertField$Value",
    "transforms__source__topic__field": "source",
    "transforms__gone__type": "org.apache.kafka.connect.transforms.Filter",
    "transforms__gone__predicate": "dead",
    "predicates": "dead",
    "predicates__dead__type": "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone",
}


def good(key: str, n: int) -> Message:
    return Message(
        key=envelope(key, STRING),
        value=struct({"n": n, "at": 1_700_000_000_123}, **FIELDS),
        headers=[("trace", b"t-1"), ("raw", b"\xff\x00")],
    )


async def explained(
    folder: Path, bootstrap: str, given: dict[str, str], topic: str, *words: str | int
) -> Ended:
    return await sink_connector(
        "explain",
        connector_file(folder, given),
        topic,
        *map(str, words),
        environment={"SINK_BOOTSTRAP_SERVERS": bootstrap},
    )


async def test_a_record_is_followed_from_its_bytes_to_its_statement(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, tmp_path: Path
) -> None:
    topic = await make_topic()
    given = await drain(
        kafka_bootstrap, database, topic, [good("a", 1), Message(value=b"{"), good("b", -1)],
        **KEYED, **INSERT_FIELD,
    )  # fmt: skip
    await execute(database, f'ALTER TABLE "{topic}" ADD CHECK (n < 5) NOT VALID')
    await send(
        kafka_bootstrap, topic, [good("c", 7), Message(key=envelope("d", STRING), value=None), good("e", 4)]
    )
    database_before = await database_snapshot(database)
    kafka_before = await kafka_snapshot(kafka_bootstrap, topic, given["name"], topics=[topic])

    first = (await explained(tmp_path, kafka_bootstrap, given, topic, 0, 0, "--json")).report
    assert first["raw"]["headers"] == [
        {"name": "trace", "value": {"size": 3, "text": "t-1"}},
        {"name": "raw", "value": {"size": 2, "hex": "ff00"}},
    ]
    assert first["converted"]["key"]["schema"] == "string"
    assert first["converted"]["value"]["value"] == {"n": 1, "at": "2023-11-14T22:13:20.123000+00:00"}
    source, gone = first["transforms"]
    assert {"where": "value.source", "after": topic} in source["changes"]
    assert (gone["name"], gone["changes"]) == ("gone", [])
    cells = {cell["column"]: cell for cell in first["row"]["cells"]}
    assert (cells["id"]["from"], cells["id"]["is_key"], cells["id"]["value"]) == ("key.id", True, "a")
    assert cells["at"]["type"] == "timestamp with time zone"
    assert cells["at"]["value"] == "2023-11-14T22:13:20.123+00:00"
    written = first["statements"][-1]
    assert written["sql"].startswith(f'INSERT INTO "public"."{topic}"')
    assert written["parameters"][0] == "a"
    assert first["outcome"] == {"result": "row"}
    assert (first["next_offset"], first["is_committed"], first["dead_letter"]) == (3, True, None)

    parked = await explained(tmp_path, kafka_bootstrap, given, topic, 0, 1)
    assert parked.code == 1
    assert "it is bad at VALUE_CONVERTER" in parked.output
    assert "the connector is past it: it goes on at offset 3" in parked.output
    assert "dead letter 1 of" in parked.output

    refused = await explained(tmp_path, kafka_bootstrap, given, topic, 0, 3)
    assert refused.code == 1
    assert "fails: new row for relation" in refused.output
    assert "it is bad at TASK_PUT: CheckViolationError" in refused.output
    assert "the connector is not past it" in refused.output

    dropped = await explained(tmp_path, kafka_bootstrap, given, topic, 0, 4)
    assert (dropped.code, dropped.errors) == (0, "")
    assert "drops the record" in dropped.output
    assert "a transform drops it" in dropped.output

    assert await database_snapshot(database) == database_before
    assert await kafka_snapshot(kafka_bootstrap, topic, given["name"], topics=[topic]) == kafka_before


async def test_a_transform_that_fails_is_named(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, tmp_path: Path
) -> None:
    topic = await make_topic()
    await send(kafka_bootstrap, topic, [good("a", 1)])
    given = configuration(
        database, topics=topic, **KEYED, transforms="hoist,key",
        transforms__hoist__type="org.apache.kafka.connect.transforms.HoistField$Value", transforms__hoist__field="v",
        transforms__key__type="org.apache.kafka.connect.transforms.ValueToKey", transforms__key__fields="nothing",
    )  # fmt: skip
    ended = await explained(tmp_path, kafka_bootstrap, given, topic, 0, 0)
    assert ended.code == 1
    assert "value.v: not there → " in ended.output
    assert "key (ValueToKey)\n    fails: " in ended.output
    assert "it is bad at TRANSFORMATION" in ended.output


async def test_an_offset_that_is_not_there_is_told_with_those_that_are(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, tmp_path: Path
) -> None:
    topic = await make_topic(partitions=2)
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, transactional_id=f"t-{topic}")
    await producer.start()
    try:
        for n in range(2):  # each transaction ends with a mark, which has an offset and is no record
            async with producer.transaction():
                await producer.send(topic, good("a", n).value, key=good("a", n).key, partition=0)
    finally:
        await producer.stop()
    given = configuration(database, topics=topic, **KEYED)
    for words, reason in (
        ((0, 1), "is not there: compaction has removed it, or it is the mark of a transaction"),
        ((0, 1), "the nearest are 0 and 2, of 0 to 3"),
        ((0, 9), "has no offset 9: it holds 0 to 3"),
        ((1, 0), "holds no record; the next one will have offset 0"),
        ((7, 0), "has the partitions 0 to 1"),
    ):
        ended = await explained(tmp_path, kafka_bootstrap, given, topic, *words)
        assert (ended.code, ended.output) == (1, "")
        assert reason in ended.errors
        assert len(ended.errors.splitlines()) == 1
    ended = await explained(tmp_path, kafka_bootstrap, given, "another", 0, 0)
    assert ended.code == 2
    assert "is none that" in ended.errors
