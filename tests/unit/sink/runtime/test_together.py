"""Records converted together are the records converted one by one: the same tables, columns, values and keys."""

import asyncio
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sink_connector.converters.registry.protobuf import compiler
from sink_connector.data.write_record import ReadRecords, WriteRecords
from sink_connector.errors import BadRecordError
from sink_connector.runtime.conversion import RecordConverter, one_by_one
from sink_connector.sink.encoders.encoding import created_type, encoder_of
from tests.support.conversions import Source
from tests.support.wire_format import framed
from tests.unit.sink.runtime.test_same_values import FORMATS, Values, conversion, records, registry

CONNECT = "org.apache.kafka.connect.transforms."
DEBEZIUM = "io.debezium.connector.jdbc.JdbcSinkConnector"


def chain(*steps: dict[str, str], **predicates: dict[str, str]) -> dict[str, str]:
    """The keys of a chain; a step's `type` is the short name."""
    keys = {
        "transforms": ",".join(f"t{place}" for place in range(len(steps))),
        "predicates": ",".join(predicates),
    }
    for place, step in enumerate(steps):
        keys |= {f"transforms.t{place}.{name}": value for name, value in step.items()}
        keys[f"transforms.t{place}.type"] = CONNECT + step["type"]
    for alias, options in predicates.items():
        keys |= {f"predicates.{alias}.{name}": value for name, value in options.items()}
        keys[f"predicates.{alias}.type"] = f"{CONNECT}predicates.{options['type']}"
    return keys


HAS = {"type": "HasHeaderKey", "name": "odd"}
TAG = {"type": "InsertField$Value", "static.field": "tag", "static.value": "x", "offset.field": "place!", "topic.field": "from", "timestamp.field": "since", "partition.field": "part"}  # fmt: skip
DROP = {"type": "ReplaceField$Value", "exclude": "d,tags", "renames": "s:text,at:moment"}
READABLE = {"type": "TimestampConverter$Value", "field": "at", "target.type": "string", "format": "yyyy-MM-dd'T{'HH:mm:ss.SSS EEE s"}  # fmt: skip
CHAINS: dict[str, dict[str, str]] = {
    "tag": chain(TAG),
    "drop and rename": chain(DROP),
    "readable": chain(READABLE),
    "unix": chain({"type": "TimestampConverter$Value", "field": "at", "target.type": "unix", "unix.precision": "seconds"}),
    "date": chain({"type": "TimestampConverter$Value", "field": "at", "target.type": "Date"}),
    "from unix": chain(
        {"type": "Cast$Value", "spec": "i:int64"}, {"type": "TimestampConverter$Value", "field": "i", "target.type": "Timestamp"}
    ),
    "no such field": chain({"type": "TimestampConverter$Value", "field": "none", "target.type": "Date"}),
    "cast": chain({"type": "Cast$Value", "spec": "i:string,l:int8,b:int32,y:string"}),
    "cast a decimal": chain({"type": "Cast$Value", "spec": "n:string"}),
    "mask": chain({"type": "MaskField$Value", "fields": "s,i,b"}, {"type": "MaskField$Value", "fields": "l", "replacement": "7"}),
    "route": chain({"type": "RegexRouter", "regex": "(.*)", "replacement": "$1_x"}, TAG),
    "metadata": chain({"type": "SetSchemaMetadata$Value", "schema.version": "2"}, DROP),
    "several": chain(TAG, DROP, {**READABLE, "field": "moment"}),
    "filter": chain({"type": "Filter", "predicate": "has"}, TAG, has=HAS),
    "all but": chain({"type": "Filter", "predicate": "has", "negate": "true"}, TAG, has=HAS),
    "for some": chain({**TAG, "predicate": "has"}, has=HAS),
    "for the topic": chain({**TAG, "predicate": "name"}, name={"type": "TopicNameMatches", "pattern": "t"}),
    "for no topic": chain({**TAG, "predicate": "name"}, name={"type": "TopicNameMatches", "pattern": "u"}),
    "filter tombstones": chain({"type": "Filter", "predicate": "dead"}, DROP, dead={"type": "RecordIsTombstone"}),
    "filter in the end": chain(DROP, {"type": "Filter", "predicate": "has"}, has=HAS),
    "wrap": chain({"type": "HoistField$Value", "field": "whole"}),
}  # fmt: skip
ONE_BY_ONE = {"for some", "wrap"}  # whose records are looked at alone
IN_JSON = {"cast a decimal"}  # likewise, where a Decimal is text yet
CONVERSIONS: dict[tuple[str, str], tuple[RecordConverter, Any]] = {
    (name, steps): (conversion(converter, keys), encode)
    for name, (converter, encode) in FORMATS.items()
    for steps, keys in CHAINS.items()
}
PLAIN = {name: (conversion(converter, {}), encode) for name, (converter, encode) in FORMATS.items()}


def sent(found: Mapping[str, WriteRecords]) -> list[tuple[Any, ...]]:
    """Each record's table, place, headers, key, and its columns as they travel."""
    rows = []
    for topic, entries in found.items():
        for entry in entries:
            assert entry.shape is not None
            cells = []
            fields = zip(
                entry.shape.schema.fields, entry.shape.forms, entry.shape.take(entry.value), strict=True
            )
            for field, form, value in fields:
                wire = encoder_of(field.schema, form, None)
                [each] = [value] if wire.encode is None else wire.encode([value])
                plain = json.loads(each, parse_float=Decimal) if wire.type == "jsonb" else each
                cells.append((field.name, field.schema.optional, created_type(field.schema, wire), plain))
            picked = [entry.shape.pick([field.name])(entry.value) for field in entry.shape.schema.fields[:3]]
            rows.append((topic, entry.source.offset, entry.key, picked, cells))
    return rows


def read(encode: Any, found: list[Values]) -> ReadRecords:
    sources = [
        Source(
            value=encode(each),
            offset=place,
            timestamp=place - 1,
            headers=[("odd", b"1")] if place % 2 else [],
        )
        for place, each in enumerate(found)
    ]
    return ReadRecords.of("t", 3, sources)


@settings(max_examples=8, deadline=None)
@given(st.lists(records, min_size=2, max_size=5))
def test_records_are_converted_together_as_they_are_one_by_one_in_every_format(found: list[Values]) -> None:
    for (name, steps), (convert, encode) in CONVERSIONS.items():
        made = convert.together(read(encode, found))
        assert sent(made) == sent(one_by_one(convert, read(encode, found))), (name, steps)
        is_whole = all(each.take is tuple for entries in made.values() for each in entries.shapes if each is not None)  # fmt: skip
        assert is_whole is (steps not in ONE_BY_ONE and (name != "envelope" or steps not in IN_JSON)), (
            (name, steps)
        )  # fmt: skip


@settings(max_examples=8, deadline=None)
@given(st.lists(records, min_size=2, max_size=5))
def test_without_transforms_too_records_are_converted_together_as_they_are_one_by_one(
    found: list[Values],
) -> None:
    for name, (convert, encode) in PLAIN.items():
        made = convert.together(read(encode, found))
        assert sent(made) == sent(one_by_one(convert, read(encode, found))), name


def test_messages_of_two_kinds_are_read_together_as_they_are_one_by_one() -> None:
    text = 'syntax = "proto3"; message A { string a = 1; int32 n = 2; } message B { string b = 1; }'
    converter: Any = asyncio.run(registry("PROTOBUF", text, compiler({})))
    first, second = framed(1, b"\x00\x0a\x01x\x10\x05"), framed(1, b"\x02\x02\x0a\x01y")
    for values in ([first, second], [second, second, first], [first, first], [second, second], [first, None]):
        shapes, found = converter.read_all(values)
        singly = [(None, None) if each is None else converter.read(each) for each in values]
        assert [shape and shape.schema for shape in shapes] == [shape and shape.schema for shape, _ in singly]
        taken = [shape and shape.take(value) for shape, value in zip(shapes, found, strict=True)]
        assert taken == [shape and shape.take(value) for shape, value in singly]


@pytest.mark.parametrize("name", FORMATS)
def test_values_that_stand_in_another_way_have_another_shape(name: str) -> None:
    """What is remembered of a shape takes its values apart: a dict's by name, a tuple's by place."""
    convert, encode = CONVERSIONS[name, "drop and rename"]
    (together,) = convert.together(read(encode, [_record()])).values()
    (singly,) = one_by_one(convert, read(encode, [_record()])).values()
    assert type(together.values[0]) is not type(singly.values[0])
    assert together.shapes != singly.shapes


def test_rows_go_together_through_the_chain_of_debezium_s_sink() -> None:
    """Its class unwraps change events behind every chain."""
    convert = conversion(FORMATS["envelope"][0], CHAINS["several"] | {"connector.class": DEBEZIUM})
    made = convert.together(read(FORMATS["envelope"][1], [_record(), _record()]))
    assert [each.take for entries in made.values() for each in entries.shapes if each is not None] == [
        tuple,
        tuple,
    ]
    assert sent(made) == sent(one_by_one(convert, read(FORMATS["envelope"][1], [_record(), _record()])))


def test_one_record_that_does_not_fit_is_told_by_an_error() -> None:
    convert, encode = CONVERSIONS["envelope", "tag"]
    values = [encode(_record()), b"{{", encode(_record())]
    records_read = ReadRecords.of("t", 0, [Source(value=value) for value in values])
    with pytest.raises(BadRecordError, match="JSON"):
        convert.together(records_read)


def _record() -> Values:
    return {
        "s": "", "i": 0, "l": 0, "d": 0.0, "b": False, "y": b"", "n": 0, "day": 0, "clock": 0, "at": 0, "tags": [], "o": {"x": 0, "n": 0},
    }  # fmt: skip
