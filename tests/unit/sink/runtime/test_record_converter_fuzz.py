"""Records of any bytes, through every converter and some chains: nothing but a bad record comes out of it."""

import asyncio
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sink_connector.config.parser import parse_connector
from sink_connector.converters import Converter
from sink_connector.converters.json_envelope import EnvelopeConverter
from sink_connector.converters.plain_json import PlainJsonConverter
from sink_connector.converters.primitives import PARSERS, PrimitiveConverter
from sink_connector.converters.registry.avro import compile_avro
from sink_connector.converters.registry.json_schema import compile_json_schema
from sink_connector.converters.registry.protobuf import compiler
from sink_connector.converters.registry.wire import RegisteredSchema, RegistryConverter
from sink_connector.data.record_schema import RecordSchema
from sink_connector.errors import BadRecordError
from sink_connector.runtime.conversion import RecordConverter
from sink_connector.runtime.record_converter import make_record_converter
from sink_connector.sink.encoders.encoding import encoder_of
from sink_connector.sink.table_metadata import Column
from sink_connector.transforms.configuration import chain_of
from tests.support.conversions import Schemas, Source
from tests.support.wire_format import framed

CONNECT = "org.apache.kafka.connect."
PRIMITIVES = ("storage.StringConverter", "converters.LongConverter")
AVRO = {
    "type": "record", "name": "R",
    "fields": [
        {"name": "id", "type": "string"}, {"name": "d", "type": {"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 2}},
        {"name": "t", "type": {"type": "int", "logicalType": "time-millis"}}, {"name": "u", "type": ["null", "int", "string"]},
        {"name": "at", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}]},
    ],
}  # fmt: skip
JSON_SCHEMA = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "n": {"type": "integer"}, "u": {"oneOf": [{"type": "number"}, {"type": "array"}]}},
}  # fmt: skip
PROTOBUF = 'syntax = "proto3"; message A { string id = 1; map<string, int64> m = 2; oneof o { A2 a = 3; bytes b = 4; } message A2 { double x = 1; } }'
TRANSFORMS: dict[str, dict[str, str]] = {
    "none": {},
    "flatten and cast": {
        "transforms": "f,c", "transforms.f.type": CONNECT + "transforms.Flatten$Value", "transforms.c.type": CONNECT + "transforms.Cast$Value",
        "transforms.c.spec": "id:int8,a:string,n:float32",
    },
    "mask, time and key": {
        "transforms": "m,t,k", "transforms.m.type": CONNECT + "transforms.MaskField$Value", "transforms.m.fields": "n,id",
        "transforms.t.type": CONNECT + "transforms.TimestampConverter$Value", "transforms.t.field": "at", "transforms.t.target.type": "Timestamp",
        "transforms.k.type": CONNECT + "transforms.ValueToKey", "transforms.k.fields": "id",
    },
    "headers and routes": {
        "transforms": "h,i,r,s", "transforms.h.type": CONNECT + "transforms.HeaderFrom$Value", "transforms.h.fields": "id", "transforms.h.headers": "x",
        "transforms.h.operation": "move", "transforms.i.type": CONNECT + "transforms.InsertField$Value", "transforms.i.timestamp.field": "at",
        "transforms.r.type": CONNECT + "transforms.RegexRouter", "transforms.r.regex": "(a|aa)+", "transforms.r.replacement": "$1",
        "transforms.s.type": CONNECT + "transforms.TimestampRouter",
    },
    "change events": {"transforms": "e", "transforms.e.type": "io.debezium.transforms.ExtractNewRecordState", "transforms.e.add.fields": "op,source.x"},
}  # fmt: skip


async def registry(kind: str, schema: Any, compile_schema: Any) -> RegistryConverter:
    text = schema if isinstance(schema, str) else json.dumps(schema)
    source = Schemas({1: RegisteredSchema(kind=kind, text=text)})
    made = RegistryConverter(source=source, kind=kind, compile_schema=compile_schema)
    await made.prepare("t", [framed(1, b"")])
    return made


def converters() -> dict[str, Converter]:
    async def made() -> dict[str, Converter]:
        return {
            "avro": await registry("AVRO", AVRO, compile_avro),
            "json schema": await registry("JSON", JSON_SCHEMA, compile_json_schema),
            "protobuf": await registry("PROTOBUF", PROTOBUF, compiler({})),
        }

    return {
        "envelope": EnvelopeConverter(),
        "plain": PlainJsonConverter(),
        **{name: PrimitiveConverter(*PARSERS[f"{CONNECT}{name}"]) for name in PRIMITIVES},
        **asyncio.run(made()),
    }


def conversions() -> dict[tuple[str, str], RecordConverter]:
    found = {}
    for chain, keys in TRANSFORMS.items():
        given = {
            "name": "c", "connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector", "topics": "t",
            "connection.url": "postgresql://localhost/none", "insert.mode": "upsert", "pk.mode": "record_key", "pk.fields": "id", **keys,
        }  # fmt: skip
        config = parse_connector(given)
        for name, converter in converters().items():
            found[(name, chain)] = make_record_converter(
                config, chain_of(config.resolved), key=EnvelopeConverter(), value=converter
            )
    return found


CONVERSIONS = conversions()
TYPES = [
    "int8",
    "int16",
    "int32",
    "int64",
    "float",
    "double",
    "boolean",
    "string",
    "bytes",
    "struct",
    "array",
    "map",
    "odd",
]
NAMES = [None, CONNECT + "data.Decimal", CONNECT + "data.Date", CONNECT + "data.Time", CONNECT + "data.Timestamp", "io.debezium.data.VariableScaleDecimal", "s.Envelope"]  # fmt: skip
scalars = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=6) | st.sampled_from([1e400, 5.0, "AAc=", "\ud800", "\0"])
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "a", "n", "at", "op", "before", "after", "source"]), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
schemas = st.recursive(
    st.fixed_dictionaries(
        {"type": st.sampled_from(TYPES)},
        optional={"name": st.sampled_from(NAMES), "optional": st.booleans(), "default": scalars, "parameters": st.just({"scale": "x"}) | st.just({"scale": "-99999999"}) | st.just({"scale": "2"}) | st.just(5)},
    ),
    lambda inner: st.fixed_dictionaries(
        {"type": st.sampled_from(["struct", "array", "map"])},
        optional={
            "fields": st.lists(st.builds(lambda schema, name: {**schema, "field": name}, inner, st.sampled_from(["id", "a", "n", "at", "op", "after", "before", "\0", 5])), max_size=4),
            "items": inner, "keys": inner, "values": inner, "name": st.sampled_from(NAMES), "optional": st.booleans(), "default": values,
        },
    ),
    max_leaves=6,
)  # fmt: skip


# Schemas that are right, with values of which most fit.
KNOWN: list[tuple[dict[str, Any], st.SearchStrategy[Any]]] = [
    ({"type": "int32"}, st.integers(-(2**31), 2**31) | st.just(5.0)),
    ({"type": "int64", "name": CONNECT + "data.Timestamp"}, st.integers(-(2**63), 2**63 - 1)),
    ({"type": "int32", "name": CONNECT + "data.Date"}, st.integers(-(2**31), 2**31 - 1)),
    ({"type": "int32", "name": CONNECT + "data.Time"}, st.integers(-1, 86_400_001)),
    ({"type": "int64", "name": "io.debezium.time.MicroDuration"}, st.integers(-(2**63), 2**63 - 1)),
    ({"type": "bytes", "name": CONNECT + "data.Decimal", "parameters": {"scale": "2"}}, st.sampled_from(["AAc=", "", 1.5, 1e300])),
    ({"type": "bytes", "name": CONNECT + "data.Decimal", "parameters": {"scale": "x"}}, st.just("AAc=")),
    ({"type": "bytes", "name": CONNECT + "data.Decimal", "parameters": {"scale": "-99999999"}}, st.just("AAc=")),
    ({"type": "bytes", "name": "io.debezium.data.Bits", "parameters": {"length": "-1"}}, st.just("AAc=")),
    ({"type": "float"}, st.floats(allow_nan=False, allow_infinity=False)),
    ({"type": "string", "name": "io.debezium.time.ZonedTimestamp"}, st.text(max_size=5)),
    ({"type": "array", "items": {"type": "int8"}}, st.lists(st.integers(-128, 128), max_size=3)),
    ({"type": "array", "items": {"type": "array", "items": {"type": "string", "optional": True}}}, st.lists(st.lists(st.none() | st.text(max_size=2), max_size=2), max_size=2)),
    ({"type": "map", "keys": {"type": "string"}, "values": {"type": "double"}}, st.dictionaries(st.text(max_size=2), st.floats(allow_nan=False), max_size=2)),
    ({"type": "map", "keys": {"type": "int8"}, "values": {"type": "bytes", "optional": True}}, st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["AA==", None, "?"])), max_size=2)),
    ({"type": "struct", "fields": [{"field": "x", "type": "double", "optional": True}, {"field": "op", "type": "string"}]}, st.fixed_dictionaries({"op": st.text(max_size=1)}, optional={"x": st.just(1)})),
    ({"type": "struct", "name": "io.debezium.data.VariableScaleDecimal", "fields": [{"field": "scale", "type": "int32"}, {"field": "value", "type": "bytes"}]}, st.fixed_dictionaries({"scale": st.integers(-(2**31), 2**31 - 1), "value": st.sampled_from(["AAc=", ""])})),
    ({"type": "struct", "name": "io.debezium.data.geometry.Point", "fields": [{"field": "x", "type": "double"}, {"field": "wkb", "type": "bytes", "optional": True}]}, st.fixed_dictionaries({"x": st.just(1.0)}, optional={"wkb": st.just("AQ==")})),
]  # fmt: skip


@st.composite
def fitting(draw: st.DrawFn) -> bytes:
    fields, payload = [], {}
    for name in draw(
        st.lists(
            st.sampled_from(["id", "a", "n", "at", "op", "before", "after", "source"]),
            unique=True,
            max_size=6,
        )
    ):
        schema, fits = draw(st.sampled_from(KNOWN))
        fields.append({**schema, "field": name, "optional": draw(st.booleans())})
        if draw(st.integers(0, 9)):
            payload[name] = draw(fits if draw(st.integers(0, 9)) else values)
    schema = {"type": "struct", "fields": fields, "name": draw(st.sampled_from([None, "s.Envelope"]))}
    return json.dumps({"schema": schema, "payload": payload}).encode()


def nested(depth: int, opening: bytes, closing: bytes) -> bytes:
    return opening * depth + b"1" + closing * depth


deep = st.builds(
    nested, st.sampled_from([99, 150, 400, 990, 5000]),
    st.sampled_from([b"[", b'{"a":', b'{"schema":', b'{"type":"array","items":']), st.sampled_from([b"]", b"}", b""]),
)  # fmt: skip
payloads = st.one_of(
    fitting(),
    fitting(),
    fitting(),
    st.none(),
    st.binary(max_size=40),
    st.binary(max_size=40).map(lambda data: framed(1, data)),
    deep,
    deep.map(lambda data: b'{"schema":' + data + b',"payload":' + data + b"}"),
    values.map(lambda value: json.dumps(value).encode()),
    st.builds(
        lambda schema, value: json.dumps({"schema": schema, "payload": value}).encode(), schemas, values
    ),
    st.builds(lambda value: framed(1, json.dumps(value).encode()), values),
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes | None:
    data: bytes | None = draw(payloads)
    if data is None or draw(st.integers(0, 3)):
        return data
    place = draw(st.integers(0, max(len(data) - 1, 0)))
    noise: bytes = draw(st.binary(max_size=3))
    return data[:place] + noise + data[place + len(noise) :]


headers = st.lists(
    st.tuples(st.sampled_from(["h", "", "\0", "ü"]), st.none() | st.sampled_from([b"", b"\xff", b"\0", b"[1", b"x"])), max_size=3
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(key=mutated(), value=mutated(), headers=headers, timestamp=st.sampled_from([-1, 0, 2**62]))
def test_nothing_but_a_bad_record_comes_out(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, Any]], timestamp: int
) -> None:
    for convert in CONVERSIONS.values():
        try:
            converted = convert(Source(key=key, value=value, headers=headers, timestamp=timestamp))
        except BadRecordError:
            continue
        else:
            if converted is not None:
                assert converted[1].source.value == value
                encode(converted[1].key_shape, converted[1].key)
                encode(converted[1].shape, converted[1].value)


def encode(shape: RecordSchema | None, value: Any) -> None:
    """Every field into columns of several types, as the writer would."""
    if shape is None or not shape.is_struct:
        return
    for field, each in zip(shape.schema.fields, shape.take(value), strict=True):
        for column in COLUMNS:
            try:
                hash(shape.pick([field.name])(value))
                wire = encoder_of(field.schema, shape.form, column)
                assert wire.encode is None or len(wire.encode([each])) == 1
            except BadRecordError:
                continue


def column(kind: str) -> Column:
    return Column(
        name="c",
        type=kind,
        base_type=kind,
        not_null=False,
        has_default=False,
        generated=False,
        modifier=(5 << 16) + 6,
    )


COLUMNS = [None, *map(column, ("numeric", "jsonb", "integer", "text[]", "hstore", "timestamp without time zone", '"bit"', "interval", "bytea"))]  # fmt: skip
