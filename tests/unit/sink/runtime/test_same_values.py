"""The same record by every format, with a transform and without, is sent to the database as the same values."""

import asyncio
import base64
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from google.protobuf import message_factory
from hypothesis import given, settings
from hypothesis import strategies as st

from sink_connector.config.parser import parse_connector
from sink_connector.converters import Converter
from sink_connector.converters.json_envelope import EnvelopeConverter
from sink_connector.converters.registry.avro import compile_avro
from sink_connector.converters.registry.json_schema import compile_json_schema
from sink_connector.converters.registry.protobuf import _compiled, compiler, pool_of
from sink_connector.converters.registry.wire import RegisteredSchema, RegistryConverter
from sink_connector.runtime.conversion import RecordConverter
from sink_connector.runtime.record_converter import make_record_converter
from sink_connector.sink.encoders.encoding import created_type, encoder_of
from sink_connector.transforms.configuration import chain_of
from tests.support.conversions import NEVER, Schemas, Source
from tests.support.wire_format import avro_payload, framed

CONNECT = "org.apache.kafka.connect.data."
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SET_METADATA = {
    "transforms": "s", "transforms.s.type": "org.apache.kafka.connect.transforms.SetSchemaMetadata$Value", "transforms.s.schema.version": "2",
}  # fmt: skip
# name: envelope, Avro, JSON Schema
FIELDS: dict[str, tuple[dict[str, Any], Any, dict[str, Any]]] = {
    "s": ({"type": "string"}, "string", {"type": "string"}),
    "i": ({"type": "int32"}, "int", {"type": "integer", "connect.type": "int32"}),
    "l": ({"type": "int64"}, "long", {"type": "integer"}),
    "d": ({"type": "double"}, "double", {"type": "number"}),
    "b": ({"type": "boolean"}, "boolean", {"type": "boolean"}),
    "y": ({"type": "bytes"}, "bytes", {"type": "string", "connect.type": "bytes"}),
    "n": (
        {"type": "bytes", "name": CONNECT + "Decimal", "parameters": {"scale": "2"}},
        {"type": "bytes", "logicalType": "decimal", "precision": 30, "scale": 2},
        {"type": "number", "title": CONNECT + "Decimal", "connect.type": "bytes", "connect.parameters": {"scale": "2"}},
    ),
    "day": (
        {"type": "int32", "name": CONNECT + "Date"}, {"type": "int", "logicalType": "date"},
        {"type": "integer", "title": CONNECT + "Date", "connect.type": "int32"},
    ),
    "clock": (
        {"type": "int32", "name": CONNECT + "Time"}, {"type": "int", "logicalType": "time-millis"},
        {"type": "integer", "title": CONNECT + "Time", "connect.type": "int32"},
    ),
    "at": (
        {"type": "int64", "name": CONNECT + "Timestamp"}, {"type": "long", "logicalType": "timestamp-millis"},
        {"type": "integer", "title": CONNECT + "Timestamp", "connect.type": "int64"},
    ),
    "tags": ({"type": "array", "items": {"type": "string"}}, {"type": "array", "items": "string"}, {"type": "array", "items": {"type": "string"}}),
    "o": (
        {"type": "struct", "fields": [{"field": "x", "type": "int64"}, {"field": "n", "type": "bytes", "name": CONNECT + "Decimal", "parameters": {"scale": "2"}}]},
        {"type": "record", "name": "O", "fields": [{"name": "x", "type": "long"}, {"name": "n", "type": {"type": "bytes", "logicalType": "decimal", "precision": 30, "scale": 2}}]},
        {"type": "object", "properties": {"x": {"type": "integer", "connect.index": 0}, "n": {"type": "number", "title": CONNECT + "Decimal", "connect.type": "bytes", "connect.index": 1}}, "required": ["x", "n"]},
    ),
}  # fmt: skip
ENVELOPE = {
    "type": "struct",
    "fields": [{"field": name, **envelope} for name, (envelope, _, _) in FIELDS.items()],
}
AVRO = {
    "type": "record",
    "name": "R",
    "fields": [{"name": name, "type": avro} for name, (_, avro, _) in FIELDS.items()],
}
PLAIN_AVRO = {  # as a producer without logical types writes it
    "type": "record", "name": "R",
    "fields": [
        {"name": name, "type": "bytes" if name == "n" else {"type": "record", "name": "O", "fields": [{"name": "x", "type": "long"}, {"name": "n", "type": "bytes"}]} if name == "o" else avro["type"] if isinstance(avro, dict) and "logicalType" in avro else avro}
        for name, (_, avro, _) in FIELDS.items()
    ],
}  # fmt: skip
JSON_SCHEMA = {
    "type": "object", "required": list(FIELDS),
    "properties": {name: {**node, "connect.index": place} for place, (name, (_, _, node)) in enumerate(FIELDS.items())},
}  # fmt: skip
PROTOBUF = """
syntax = "proto3";
import "confluent/type/decimal.proto";
import "google/protobuf/timestamp.proto";
import "google/type/date.proto";
import "google/type/timeofday.proto";
message R {
  string s = 1; int32 i = 2; int64 l = 3; double d = 4; bool b = 5; bytes y = 6; confluent.type.Decimal n = 7; google.type.Date day = 8;
  google.type.TimeOfDay clock = 9; google.protobuf.Timestamp at = 10; repeated string tags = 11; O o = 12;
  message O { int64 x = 1; confluent.type.Decimal n = 2; }
}
"""
numbers = st.integers(-(10**20), 10**20)
records = st.fixed_dictionaries({
    "s": st.text(st.characters(exclude_categories=["Cs"]), max_size=5), "i": st.integers(-(2**31), 2**31 - 1), "l": st.integers(-(2**63), 2**63 - 1),
    "d": st.floats(allow_nan=False, allow_infinity=False), "b": st.booleans(), "y": st.binary(max_size=5), "n": numbers,
    "day": st.integers((date(1, 1, 1) - EPOCH.date()).days, (date(9999, 12, 31) - EPOCH.date()).days), "clock": st.integers(0, 86_400_000),
    "at": st.integers(-62135596800000, 253402300799999), "tags": st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=3), max_size=3),
    "o": st.fixed_dictionaries({"x": st.integers(-(2**63), 2**63 - 1), "n": numbers}),
})  # fmt: skip
Values = dict[str, Any]


def unscaled(number: int) -> bytes:
    return number.to_bytes(number.bit_length() // 8 + 1, "big", signed=True)


def as_envelope(record: Values) -> bytes:
    payload = record | {
        "y": base64.b64encode(record["y"]).decode(), "n": base64.b64encode(unscaled(record["n"])).decode(),
        "o": {"x": record["o"]["x"], "n": base64.b64encode(unscaled(record["o"]["n"])).decode()},
    }  # fmt: skip
    return json.dumps({"schema": ENVELOPE, "payload": payload}, separators=(",", ":")).encode()


def as_avro(record: Values) -> bytes:
    value = record | {
        "n": unscaled(record["n"]),
        "o": {"x": record["o"]["x"], "n": unscaled(record["o"]["n"])},
    }
    return framed(1, avro_payload(PLAIN_AVRO, value))


def as_json_schema(record: Values) -> bytes:
    payload = record | {
        "y": base64.b64encode(record["y"]).decode(),
        "n": "N1",
        "o": {"x": record["o"]["x"], "n": "N2"},
    }
    text = json.dumps(payload)
    for mark, number in (("N1", record["n"]), ("N2", record["o"]["n"])):
        text = text.replace(f'"n": "{mark}"', f'"n": {Decimal(number).scaleb(-2):f}')
    return framed(1, text.encode())


MESSAGE = message_factory.GetMessageClass(
    pool_of(_compiled(RegisteredSchema(kind="PROTOBUF", text=PROTOBUF)).file).FindMessageTypeByName("R")
)


def as_protobuf(record: Values) -> bytes:
    def decimal(number: int) -> Values:
        return {"value": unscaled(number), "scale": 2}

    day = EPOCH.date() + timedelta(days=record["day"])
    seconds, millis = divmod(record["clock"], 1000)
    at_seconds, at_millis = divmod(record["at"], 1000)
    value = record | {
        "n": decimal(record["n"]), "o": {"x": record["o"]["x"], "n": decimal(record["o"]["n"])},
        "day": {"year": day.year, "month": day.month, "day": day.day},
        "clock": {"hours": seconds // 3600, "minutes": seconds // 60 % 60, "seconds": seconds % 60, "nanos": millis * 1_000_000},
        "at": {"seconds": at_seconds, "nanos": at_millis * 1_000_000},
    }  # fmt: skip
    data: bytes = MESSAGE(**value).SerializeToString()
    return framed(1, b"\0" + data)


async def registry(kind: str, text: str, compile_schema: Any) -> Converter:
    made = RegistryConverter(
        source=Schemas({1: RegisteredSchema(kind=kind, text=text)}), kind=kind, compile_schema=compile_schema
    )
    await made.prepare("t", [framed(1, b"")])
    return made


FORMATS: dict[str, tuple[Converter, Any]] = {
    "envelope": (EnvelopeConverter(), as_envelope),
    "avro": (asyncio.run(registry("AVRO", json.dumps(AVRO), compile_avro)), as_avro),
    "json schema": (
        asyncio.run(registry("JSON", json.dumps(JSON_SCHEMA), compile_json_schema)),
        as_json_schema,
    ),
    "protobuf": (asyncio.run(registry("PROTOBUF", PROTOBUF, compiler({}))), as_protobuf),
}


def conversion(converter: Converter, transforms: dict[str, str]) -> RecordConverter:
    given = {
        "name": "c",
        "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector",
        "topics": "t",
        "connection.url": "postgresql://localhost/none",
        **transforms,
    }
    config = parse_connector(given)
    return make_record_converter(config, chain_of(config.resolved), key=EnvelopeConverter(), value=converter)


CONVERSIONS = {
    (name, way): (conversion(converter, transforms), encode)
    for name, (converter, encode) in FORMATS.items()
    for way, transforms in (("none", {}), ("identity", SET_METADATA), ("never", NEVER))
}


def sent(convert: RecordConverter, data: bytes) -> dict[str, tuple[str, Any]]:
    """Each field's column type, and its value as it travels."""
    converted = convert(Source(value=data))
    assert converted is not None
    _, entry = converted
    assert entry.shape is not None
    found = {}
    for field, value in zip(entry.shape.schema.fields, entry.shape.take(entry.value), strict=True):
        wire = encoder_of(field.schema, entry.shape.form, None)
        [each] = [value] if wire.encode is None else wire.encode([value])
        plain = json.loads(each, parse_float=Decimal) if wire.type == "jsonb" else each
        found[field.name] = created_type(field.schema, wire), plain
    return found


@settings(max_examples=60, deadline=None)
@given(records)
def test_a_record_is_sent_as_the_same_values_on_every_way(record: Values) -> None:
    ways = {name: sent(convert, encode(record)) for name, (convert, encode) in CONVERSIONS.items()}
    expected = ways[("envelope", "none")]
    assert expected["n"] == ("numeric", Decimal(record["n"]).scaleb(-2))
    assert expected["clock"] == ("time without time zone", (record["clock"] * 1000,))
    assert {name: found for name, found in ways.items() if found != expected} == {}


@pytest.mark.parametrize("way", CONVERSIONS)
def test_the_end_of_a_day_is_kept_by_every_format(way: tuple[str, str]) -> None:
    convert, encode = CONVERSIONS[way]
    record = {
        "s": "", "i": 0, "l": 0, "d": 0.0, "b": False, "y": b"", "n": 0, "day": 0, "clock": 86_400_000, "at": 0, "tags": [], "o": {"x": 0, "n": 0},
    }  # fmt: skip
    assert sent(convert, encode(record))["clock"] == ("time without time zone", (86_400_000_000,))
