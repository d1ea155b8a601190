"""Whatever is wrong with one record is a bad record of its stage; and every way gives the same values."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from sink_connector.errors import BadRecordError, Stage
from sink_connector.runtime.conversion import RecordConverter
from tests.support.conversions import INSERT_FIELD, NEVER, Source, conversion, entry, envelope, fields

CONNECT = "org.apache.kafka.connect.data."
WAYS = {"compiled": {}, "transformed": INSERT_FIELD, "under a predicate": NEVER}
PLAIN = {
    "value.converter": "org.apache.kafka.connect.json.JsonConverter",
    "value.converter.schemas.enable": "false",
}


def nested(depth: int, kind: str = "array") -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        schema = (
            {"type": kind, "items": schema}
            if kind == "array"
            else {"type": kind, "fields": [{"field": "f", **schema}]}
        )
    return schema


def deep_text(depth: int) -> str:
    return '{"type":"array","items":' * depth + '{"type":"string"}' + "}" * depth


DECIMAL = {"type": "bytes", "name": CONNECT + "Decimal", "parameters": {"scale": "2"}}
ADDRESS = {"type": "struct", "fields": [{"field": "city", "type": "string"}]}
BAD: dict[str, bytes] = {
    "a text for a struct": envelope('{"a":"x"}', a=ADDRESS),
    "a list for a map": envelope('{"a":[1]}', a={"type": "map", "keys": {"type": "string"}, "values": {"type": "int32"}}),
    "no base64": envelope('{"a":"?"}', a={"type": "bytes"}),
    "no base64 in a list": envelope('{"a":["?"]}', a={"type": "array", "items": {"type": "bytes"}}),
    "a number too large": envelope('{"a":1e999}', a={"type": "double"}),
    "an integer too large": envelope('{"a":128}', a={"type": "int8"}),
    "a fraction": envelope('{"a":5.5}', a={"type": "int32"}),
    "a time of 30 hours and a day that is no number": envelope('{"a":"x"}', a={"type": "int32", "name": CONNECT + "Date"}),
    "null": envelope('{"a":null}', a={"type": "string"}),
    "missing": envelope("{}", a={"type": "string"}),
    "a scale that is no number": envelope('{"a":{"d":"AQ=="}}', a={"type": "struct", "fields": [{**DECIMAL, "field": "d", "parameters": {"scale": "x"}}]}),
    "a schema 250 deep": envelope('{"a":[]}', a=nested(250)),
    "a schema 250 structs deep": envelope('{"a":{}}', a=nested(250, "struct")),
    "a schema 5,000 deep": f'{{"schema":{deep_text(5000)},"payload":[]}}'.encode(),
    "brackets 5,000 deep": b'{"schema":' + b"[" * 5000,
    "no JSON": b"{{",
    "no UTF-8": b"\xff",
    "a payload 5,000 deep": envelope('{"a":' + "[" * 5000 + "]" * 5000 + "}", a=nested(1)),
}  # fmt: skip


# A nested value is not looked into by the compiled way: the database reads it as the document it is.
NESTED_ONLY = {"a text for a struct", "a list for a map", "a scale that is no number"}


@pytest.mark.parametrize(
    ("what", "way"),
    [(what, way) for what in BAD for way in WAYS if way != "compiled" or what not in NESTED_ONLY],
)
def test_a_value_that_does_not_fit_is_a_bad_record_of_its_stage(what: str, way: str) -> None:
    with pytest.raises(BadRecordError) as caught:
        conversion(**WAYS[way])(Source(value=BAD[what]))
    assert caught.value.stage is Stage.VALUE_CONVERTER
    assert str(caught.value)


@pytest.mark.parametrize("way", WAYS)
def test_a_schema_that_is_too_deep_is_told_as_such(way: str) -> None:
    for what in ("a schema 250 deep", "a schema 250 structs deep"):
        with pytest.raises(BadRecordError, match="nested more than 100 levels deep"):
            conversion(**WAYS[way])(Source(value=BAD[what]))
    assert conversion(**WAYS[way])(Source(value=envelope('{"a":[]}', a=nested(90)))) is not None


@pytest.mark.parametrize("way", ["compiled", "under a predicate"])
def test_json_without_a_schema_that_is_too_deep_is_told_as_such(way: str) -> None:
    convert = conversion(**PLAIN, **WAYS[way])
    for depth in (201, 5000):
        with pytest.raises(BadRecordError, match="nested more than 200 levels deep"):
            convert(Source(value=b'{"a":' + b"[" * depth + b"]" * depth + b"}"))
    assert convert(Source(value=b'{"a":' + b"[" * 190 + b"]" * 190 + b"}")) is not None
    assert convert(Source(value=b'{"a":"' + b"[" * 5000 + b'"}')) is not None


@pytest.mark.parametrize("way", ["compiled", "transformed"])
def test_a_bad_key_is_of_its_own_stage(way: str) -> None:
    convert = conversion(pk__mode="record_key", pk__fields="id", **WAYS[way])
    with pytest.raises(BadRecordError) as caught:
        convert(Source(key=b"{{", value=envelope('{"a":"x"}', a={"type": "string"})))
    assert caught.value.stage is Stage.KEY_CONVERTER


def test_whatever_a_transform_raises_is_of_its_stage() -> None:
    keys = {"transforms": "c", "transforms.c.type": "org.apache.kafka.connect.transforms.Cast$Value", "transforms.c.spec": "a:int8"}  # fmt: skip
    with pytest.raises(BadRecordError) as caught:
        conversion(**keys)(Source(value=envelope('{"a":"x"}', a={"type": "string"})))
    assert caught.value.stage is Stage.TRANSFORMATION


@pytest.mark.parametrize("header", [None, b"\xff", b"\0", b"text"])
def test_a_header_of_any_bytes_or_none_is_a_header(header: bytes | None) -> None:
    found = entry(
        conversion(**NEVER), envelope('{"a":1}', a={"type": "int8"}), headers=[("h", header), ("\0", b"")]
    )
    assert found.headers is not None
    expected = header.decode() if header in {b"\0", b"text"} and header is not None else header
    assert found.headers[0] == ("h", expected)


def test_a_timestamp_beyond_the_year_9999_is_one_value_as_any_other() -> None:
    data = envelope('{"at":253402300800000}', at={"type": "int64", "name": CONNECT + "Timestamp"})
    assert fields(conversion(), data) == {"at": 253402300800000}
    assert fields(conversion(**NEVER), data) == {"at": timedelta(milliseconds=253402300800000)}


def test_the_end_of_the_day_is_not_its_beginning_and_thirty_hours_are_none() -> None:
    clock = {"type": "int32", "name": CONNECT + "Time"}
    convert = conversion(**NEVER)
    assert fields(convert, envelope('{"t":86400000}', t=clock)) == {"t": timedelta(days=1)}
    assert fields(convert, envelope('{"t":1001}', t=clock)) == {"t": time(0, 0, 1, 1000)}
    with pytest.raises(BadRecordError, match="no time of day"):
        convert(Source(value=envelope('{"t":108000000}', t=clock)))


def test_no_digit_of_a_decimal_is_lost_in_front_of_transforms() -> None:
    data = envelope('{"d":123456789012345678.91,"e":"MDk="}', d=DECIMAL, e=DECIMAL)
    assert fields(conversion(**NEVER), data) == {
        "d": Decimal("123456789012345678.91"),
        "e": Decimal("123.45"),
    }
    plain = conversion(**PLAIN, **INSERT_FIELD)
    assert fields(plain, b'{"n":1234567890123456.78}') == {"n": Decimal("1234567890123456.78"), "st": "x"}


@pytest.mark.parametrize("scale", [20_000, -20_000, 10**9, -(10**9)])
def test_a_scale_that_no_numeric_holds_is_refused(scale: int) -> None:
    data = envelope('{"d":"MDk="}', d=DECIMAL | {"parameters": {"scale": str(scale)}})
    with pytest.raises(BadRecordError, match=r"numeric takes a scale from -16383 to 16383"):
        conversion(**NEVER)(Source(value=data))
    with pytest.raises(BadRecordError, match=r"numeric takes a scale from -16383 to 16383"):
        conversion(**NEVER)(Source(value=envelope('{"d":1e1000000000}', d=DECIMAL)))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("text", ["5.0", "5", "50e-1", "0.5e1"])
def test_a_whole_number_may_be_written_with_a_point(text: str, way: str) -> None:
    data = envelope(
        f'{{"v":{text},"l":[{text}]}}', v={"type": "int32"}, l={"type": "array", "items": {"type": "int64"}}
    )
    found = fields(conversion(**WAYS[way]), data)
    assert (found["v"], found["l"]) == (5, [5])
    assert type(found["v"]) is int


def test_a_missing_field_inside_is_refused_in_front_of_transforms() -> None:
    with pytest.raises(BadRecordError, match=r"o: city: null where a string is required"):
        conversion(**NEVER)(Source(value=envelope('{"o":{}}', o=ADDRESS)))


NULLS: dict[str, tuple[dict[str, Any], Any]] = {
    "text": ({"type": "string", "optional": True, "default": "d"}, "d"),
    "required": ({"type": "int32", "optional": False, "default": 7}, 7),
    "list": ({"type": "array", "items": {"type": "int32"}, "optional": True, "default": [1]}, [1]),
    "date": ({"type": "int32", "name": CONNECT + "Date", "optional": True, "default": 1}, date(1970, 1, 2)),
}


@pytest.mark.parametrize("kind", NULLS)
@pytest.mark.parametrize("payload", ['{"w":null}', "{}"])
def test_a_null_takes_the_default_on_every_way(kind: str, payload: str) -> None:
    schema, default = NULLS[kind]
    for way in WAYS.values():
        found = fields(conversion(**way), envelope(payload, w=schema))["w"]
        assert found == default or (isinstance(default, date) and found == 1)


@pytest.mark.parametrize("payload", ['{"w":null}', "{}"])
def test_a_null_stays_one_where_that_is_asked_for(payload: str) -> None:
    keys = {"value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.replace.null.with.default": "false"}  # fmt: skip
    transform = INSERT_FIELD | {"transforms.n.replace.null.with.default": "false"}
    for way in ({}, NEVER, transform):
        optional, _ = NULLS["text"]
        assert fields(conversion(**keys, **way), envelope(payload, w=optional))["w"] is None
        nested = {**ADDRESS, "optional": True, "default": {"city": "x"}}
        assert fields(conversion(**keys, **way), envelope(payload, w=nested))["w"] in [
            None,
            msgspec.Raw(b"null"),
        ]
        with pytest.raises(BadRecordError):
            conversion(**keys, **way)(Source(value=envelope(payload, w=NULLS["required"][0])))


def test_a_decimal_is_a_key_of_one_value_however_it_is_written() -> None:
    convert = conversion(pk__mode="record_key", pk__fields="id")
    value = envelope('{"v":1}', v={"type": "int32"})
    keys = []
    for text in ('"AAc="', "7.00", '"Arw="'):
        found = entry(convert, value, key=envelope(f'{{"id":{text}}}', id=DECIMAL))
        assert found.key_shape is not None
        keys.append(found.key_shape.pick(["id"])(found.key))
    assert keys == [Decimal("0.07"), Decimal(7), Decimal(7)]
    assert len(set(keys)) == 2


@pytest.mark.parametrize("way", ["compiled", "under a predicate"])
def test_a_nested_value_is_a_key_too(way: str) -> None:
    convert = conversion(**WAYS[way])
    schemas: dict[str, Any] = {"l": {"type": "array", "items": {"type": "int32"}}, "o": ADDRESS, "m": {"type": "map", "keys": {"type": "string"}, "values": {"type": "int32"}}}  # fmt: skip
    found = entry(convert, envelope('{"l":[1,2],"o":{"city":"x"},"m":{"a":1}}', **schemas))
    same = entry(convert, envelope('{"l":[1,2],"o":{ "city":"x"},"m":{"a": 1}}', **schemas))
    assert found.shape is not None
    pick = found.shape.pick(["l", "o", "m"])
    assert {pick(found.value): 1}[pick(same.value)] == 1


def test_a_null_payload_of_an_optional_schema_is_a_tombstone_on_every_way() -> None:
    schema = {"type": "struct", "optional": True, "fields": [{"field": "a", "type": "int32"}]}
    for payload in ("null", '{"a":1}', "null"):
        data = f'{{"schema":{json.dumps(schema, separators=(",", ":"))},"payload":{payload}}}'.encode()
        for way in ({}, NEVER):
            assert (entry(conversion(**way), data).value is None) is (payload == "null")


def test_instants_are_exact_in_front_of_transforms() -> None:
    data = envelope('{"at":-1}', at={"type": "int64", "name": CONNECT + "Timestamp"})
    assert fields(conversion(**NEVER), data) == {"at": datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)}


@pytest.mark.parametrize(
    "keys",
    [
        {"transforms.t.type": "org.apache.kafka.connect.transforms.RegexRouter", "transforms.t.regex": "(a|aa)+", "transforms.t.replacement": "x"},
        {"transforms.t.type": "org.apache.kafka.connect.transforms.InsertField$Value", "transforms.t.static.field": "f", "transforms.t.static.value": "v", "transforms.t.predicate": "p", "predicates": "p", "predicates.p.type": "org.apache.kafka.connect.transforms.predicates.TopicNameMatches", "predicates.p.pattern": "(a|aa)+"},
    ],
)  # fmt: skip
def test_a_pattern_that_does_not_end_is_the_records_fault(keys: dict[str, str]) -> None:
    convert = conversion(transforms="t", **keys)
    with pytest.raises(BadRecordError, match="needs more than 50 ms") as caught:
        convert(Source(topic="a" * 60 + "b", value=envelope('{"a":1}', a={"type": "int32"})))
    assert caught.value.stage is Stage.TRANSFORMATION
    assert convert(Source(topic="aa", value=envelope('{"a":1}', a={"type": "int32"}))) is not None


def in_turn(convert: RecordConverter, values: list[bytes]) -> Callable[[], None]:
    def run() -> None:
        for value in values:
            convert(Source(value=value))

    return run


def test_the_same_schema_is_the_same_shape_after_it_was_forgotten() -> None:
    convert = conversion()
    first = entry(convert, envelope('{"f0":1}', f0={"type": "int32"}))
    in_turn(convert, [envelope(f'{{"f{n}":1}}', **{f"f{n}": {"type": "int32"}}) for n in range(1, 1200)])()
    again = entry(convert, envelope('{"f0":1}', f0={"type": "int32"}))
    assert again.shape is not first.shape
    assert again.shape == first.shape
    assert hash(again.shape) == hash(first.shape)
    assert again.shape != entry(convert, envelope('{"f1":1}', f1={"type": "int32"})).shape


def test_three_hundred_schemas_in_turn_are_each_made_once() -> None:
    convert = conversion()
    values = [envelope(f'{{"f{n}":1}}', **{f"f{n}": {"type": "int32"}}) for n in range(300)]
    first = [entry(convert, value).shape for value in values]
    assert all(entry(convert, value).shape is shape for value, shape in zip(values, first, strict=True))


def test_any_subset_of_twelve_optional_fields_has_one_shape() -> None:
    convert = conversion(**PLAIN)
    values = [
        json.dumps({f"f{bit}": 1 for bit in range(12) if number >> bit & 1}).encode()
        for number in range(4096)
    ]
    first = [entry(convert, value).shape for value in values]
    assert all(entry(convert, value).shape is shape for value, shape in zip(values, first, strict=True))
