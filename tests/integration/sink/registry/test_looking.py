"""`try` and `explain` on records whose schemas stand in a registry."""

import json
from pathlib import Path

from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from tests.conftest import MakeTopic
from tests.support.apicurio import NAMED_BY_TOPIC, Apicurio
from tests.support.sink import Message, configuration, send
from tests.support.sink_commands import connector_file, database_snapshot, sink_connector
from tests.support.wire_format import AVRO, converter

PERSON = {
    "type": "record",
    "name": "Person",
    "fields": [
        {"name": "id", "type": "string"},
        {"name": "born", "type": {"type": "int", "logicalType": "date"}},
    ],
}


async def test_avro_is_tried_and_explained(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, registry: Apicurio, tmp_path: Path
) -> None:
    topic = await make_topic()
    serialize = AvroSerializer(registry.client(), json.dumps(PERSON), conf=NAMED_BY_TOPIC)
    good = serialize({"id": "ada", "born": 0}, SerializationContext(topic, MessageField.VALUE))
    await send(
        kafka_bootstrap,
        topic,
        [Message(value=good), Message(value=b"\0\x7f\xff\xff\xff"), Message(value=b"x")],
    )
    given = configuration(
        database, topics=topic, insert__mode="upsert", pk__mode="record_value", pk__fields="id",
        auto__create="true", **converter(AVRO, registry.url),
    )  # fmt: skip
    file = connector_file(tmp_path, given)
    environment = {"SINK_BOOTSTRAP_SERVERS": kafka_bootstrap}
    before = await database_snapshot(database)

    tried = await sink_connector("try", file, "--json", environment=environment)
    assert (tried.code, tried.errors) == (1, "")
    row, unknown, unframed = tried.report["records"]
    assert (row["key"], row["columns"]) == ({"id": "ada"}, {"born": "1970-01-01"})
    assert "no schema 2147483647" in unknown["error"]
    assert "wire format" in unframed["error"]

    explained = await sink_connector("explain", file, topic, "0", "0", "--json", environment=environment)
    assert explained.code == 0
    value = explained.report["converted"]["value"]
    assert "id: string, born: int32(Date)" in value["schema"]
    assert value["value"] == {"id": "ada", "born": "1970-01-01"}
    assert await database_snapshot(database) == before

    given["value.converter.schema.registry.url"] = "http://127.0.0.1:1"
    away = await sink_connector("try", connector_file(tmp_path, given), environment=environment)
    assert (away.code, away.output) == (1, "")
    assert away.errors.startswith("sink-connector: a server cannot be used: the registry did not answer")
    assert len(away.errors.splitlines()) == 1
