"""A nested value's text is written as it came only where reading and writing it by its schema would change nothing."""

import json
from typing import Any

import msgspec
import pytest

from sink_connector.converters.connect_json import json_reader, to_json
from sink_connector.converters.connect_schema import parse_schema
from sink_connector.data.exact_json import parse_exact
from sink_connector.data.record import Schema
from sink_connector.data.record_schema import Form
from sink_connector.errors import BadRecordError
from sink_connector.sink.encoders.encoding import encoder_of

ITEM = {
    "type": "struct",
    "fields": [{"field": "n", "type": "int8"}, {"field": "t", "type": "string", "optional": True}],
}
CONNECT = "org.apache.kafka.connect.data."


def _schema(fields: dict[str, Any]) -> Schema:
    written = {"type": "struct", "fields": [{"field": name, **each} for name, each in fields.items()]}
    found = parse_schema(written)
    assert found is not None
    return found


DOUBLES = {"type": "map", "keys": {"type": "string"}, "values": {"type": "double"}}
FIELDS: dict[str, Any] = {
    "i": {"type": "int32"},
    "s": {"type": "string", "optional": True},
    "items": {"type": "array", "items": ITEM},
    "m": {"type": "map", "keys": {"type": "string"}, "values": {"type": "int64"}},
    "at": {"type": "int32", "name": CONNECT + "Time"},
}
GOOD = {"i": 1, "s": None, "items": [{"n": 1, "t": "x"}], "m": {"a": 1}, "at": 86_400_000}


def _written(fields: dict[str, Any], text: bytes) -> bytes:
    encode = encoder_of(_schema(fields), Form.JSON, None).encode
    assert encode is not None
    [found] = encode([msgspec.Raw(text)])
    assert isinstance(found, bytes)
    return found


def test_a_document_that_fits_is_written_byte_for_byte() -> None:
    text = json.dumps(GOOD).encode()
    assert _written(FIELDS, text) == text


@pytest.mark.parametrize(
    "change",
    [
        {"i": "1"},
        {"i": 2**31},
        {"i": None},
        {"i": 1.5},
        {"s": 5},
        {"items": [{"n": 128, "t": None}]},
        {"items": [{"t": "x"}]},
        {"items": {}},
        {"m": {"a": "x"}},
        {"m": {"a": None}},
        {"m": {"a": 1.5}},
        {"at": 86_400_001},
        {"at": -1},
    ],
    ids=str,
)
def test_a_document_that_does_not_fit_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(BadRecordError):
        _written(FIELDS, json.dumps(GOOD | change).encode())


@pytest.mark.parametrize(
    ("fields", "payload"),
    [
        (FIELDS, {name: each for name, each in GOOD.items() if name != "s"}),
        (FIELDS, GOOD | {"unknown": 1}),
        (FIELDS, GOOD | {"i": 5.0}),
        (FIELDS, GOOD | {"m": {"a": 1e2}}),
        ({"x": DOUBLES}, {"x": {"a": 5, "b": 5.0, "c": 1e2, "d": 0.1}}),
        ({"x": DOUBLES}, {"x": {"a": "NaN"}}),
        ({"f": {"type": "float"}}, {"f": 5}),
        ({"b": {"type": "bytes"}}, {"b": "AR=="}),
        ({"d": {"type": "int32", "default": 7}}, {}),
        ({"d": {"type": "int32", "default": 7}}, {"d": None}),
        ({"n": {"type": "bytes", "name": CONNECT + "Decimal", "parameters": {"scale": "2"}}}, {"n": "MDk="}),
    ],
    ids=str,
)
def test_every_other_document_is_what_the_schema_makes_of_it(fields: dict[str, Any], payload: Any) -> None:
    schema, text = _schema(fields), json.dumps(payload).encode()
    assert _written(fields, text) == to_json(schema, json_reader(schema)(parse_exact(text)))
