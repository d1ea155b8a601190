"""The compiled decoder and the generic one read the same envelopes to the same values, and refuse the same."""

import base64
import json
from datetime import UTC, datetime, timedelta
from math import inf, isfinite, isnan
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sink_connector.converters.json_envelope import EnvelopeConverter, EnvelopeReader
from sink_connector.data.decimals import non_finite_text
from sink_connector.data.lru import MOST_SCHEMAS
from sink_connector.errors import BadRecordError

TYPES: dict[str, st.SearchStrategy[Any]] = {
    "int8": st.integers(-(2**7), 2**7 - 1),
    "int16": st.integers(-(2**15), 2**15 - 1),
    "int32": st.integers(-(2**31), 2**31 - 1),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "double": st.floats().map(lambda number: number if isfinite(number) else non_finite_text(number)),
    "boolean": st.booleans(),
    "string": st.text(st.characters(exclude_categories=["Cs"])),
    "bytes": st.binary().map(lambda data: base64.b64encode(data).decode()),
}
names = st.text(
    st.characters(exclude_characters='"\\', exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8
)


@st.composite
def envelopes(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    fields = draw(st.dictionaries(names, st.sampled_from(list(TYPES)), max_size=6))
    payload, schema = {}, []
    for name, kind in fields.items():
        optional = draw(st.booleans())
        schema.append({"field": name, "type": kind, "optional": optional})
        if not optional or draw(st.booleans()):
            payload[name] = draw(TYPES[kind])
    return {"type": "struct", "fields": schema}, payload


@given(envelopes(), st.sampled_from([1, -1]), st.sampled_from([(",", ":"), (", ", ": ")]))
def test_both_ways_give_the_same_fields(
    made: tuple[dict[str, Any], dict[str, Any]], direction: int, separators: tuple[str, str]
) -> None:
    schema, payload = made
    whole = dict([("schema", schema), ("payload", payload)][::direction])
    data = json.dumps(whole, separators=separators, ensure_ascii=False).encode()
    shape, value = EnvelopeReader().read(data)
    decoded = EnvelopeConverter().decode("t", data, ())
    assert shape is not None
    assert decoded.schema == shape.schema
    assert dict(zip(decoded.value, shape.take(value), strict=True)) == decoded.value


@given(st.binary(max_size=60), st.integers(0, 200))
def test_damaged_bytes_are_refused_or_read_whole_and_nothing_else_is_raised(noise: bytes, place: int) -> None:
    schema = {"type": "struct", "fields": [{"field": "n", "type": "int64"}]}
    good = json.dumps({"schema": schema, "payload": {"n": 12345}}, separators=(",", ":")).encode()
    reader = EnvelopeReader()
    reader.read(good)  # the way by the prefix
    damaged = good[:place] + noise + good[place + len(noise) :]
    try:
        reader.read(damaged)
    except BadRecordError:
        with pytest.raises(BadRecordError):
            EnvelopeReader().read(damaged)  # a reader that has seen nothing agrees


def test_a_payload_cut_off_at_its_end_is_not_taken_for_a_shorter_number() -> None:
    reader = EnvelopeReader()
    good = b'{"schema":{"type":"int64"},"payload":123}'
    assert reader.read(good)[1] == 123
    with pytest.raises(BadRecordError):
        reader.read(good[:-1])
    assert reader.read(good + b"\n")[1] == 123


def test_defaults_stand_in_for_missing_and_null_fields() -> None:
    fields = [
        {"field": "a", "type": "int32", "optional": True, "default": 7},
        {"field": "t", "type": "int64", "name": "org.apache.kafka.connect.data.Timestamp", "default": 1500},
    ]
    data = json.dumps({"schema": {"type": "struct", "fields": fields}, "payload": {}}).encode()
    shape, value = EnvelopeReader().read(data)
    assert shape is not None
    assert shape.take(value) == (7, 1500)
    instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=1500)
    assert EnvelopeConverter().decode("t", data, ()).value == {"a": 7, "t": instant}


def test_a_number_that_json_has_not_is_read_from_its_text_and_no_other_text_is_one() -> None:
    double = {"type": "double", "optional": True}
    fields = [
        {"field": "d", **double},
        {"field": "r", "type": "float", "optional": False},
        {"field": "l", "type": "array", "items": double, "optional": True},
        {"field": "n", "type": "int32", "optional": True},
        {"field": "c", "type": "bytes", "optional": True},
    ]

    def data(**payload: Any) -> bytes:
        return json.dumps({"schema": {"type": "struct", "fields": fields}, "payload": payload}).encode()

    shape, value = EnvelopeReader().read(
        data(d="NaN", r="-Infinity", l=["Infinity", None, 1.5], n=5.0, c="AAE=")
    )
    assert shape is not None
    number, *others = shape.take(value)
    assert isnan(number)
    assert others == [-inf, [inf, None, 1.5], 5, b"\x00\x01"]
    for wrong in (
        {"d": "nan", "r": 1},
        {"r": None},
        {"r": 1, "n": "NaN"},
        {"r": 1, "c": "%"},
        {"d": "1", "r": 1},
    ):
        with pytest.raises(BadRecordError):
            EnvelopeReader().read(data(**wrong))


def test_the_number_of_schemas_kept_is_bounded() -> None:
    reader = EnvelopeReader()
    for number in range(MOST_SCHEMAS + 200):
        schema = {"type": "struct", "fields": [{"field": f"f{number}", "type": "int64"}]}
        reader.read(json.dumps({"schema": schema, "payload": {f"f{number}": 1}}).encode())
    assert len(reader._compiled) <= MOST_SCHEMAS  # noqa: SLF001 - a bound on memory cannot be seen from outside
