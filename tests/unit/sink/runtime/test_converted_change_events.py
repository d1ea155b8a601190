"""Debezium's change events become rows and deletions, where a connector's class or a transform asks for it."""

import base64
import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sink_connector.config.parser import parse_connector
from sink_connector.data.record_schema import Form, RecordSchema
from sink_connector.data.write_record import ReadRecords, WriteRecord
from sink_connector.errors import BadRecordError
from sink_connector.runtime.conversion import RecordConverter
from sink_connector.sink.buffer import Buffer
from sink_connector.sink.encoders.encoding import encoder_of
from sink_connector.sink.offsets import Partition
from sink_connector.sink.table_naming import TableNaming
from tests.support.conversions import NEVER, Source, conversion, entry, envelope, fields


def change(op: str, before: Any, after: Any, *, row: Any = None, **more: Any) -> bytes:
    row = row or {"type": "struct", "optional": True, "fields": [{"type": "string", "field": "id"}, {"type": "int32", "optional": True, "field": "v"}]}  # fmt: skip
    source = {"type": "struct", "optional": False, "field": "source", "fields": [{"type": "string", "field": "table"}, {"type": "int64", "field": "ts_ms", "optional": True}]}  # fmt: skip
    schema = {
        "type": "struct", "name": "s.t.Envelope",
        "fields": [{**row, "field": "before"}, {**row, "field": "after"}, source, {"type": "string", "field": "op"}, {"type": "int64", "optional": True, "field": "ts_ms"}],
    }  # fmt: skip
    payload = {
        "before": before,
        "after": after,
        "op": op,
        "ts_ms": 1,
        "source": {"table": "t", "ts_ms": 5},
        **more,
    }
    return json.dumps({"schema": schema, "payload": payload}, separators=(",", ":")).encode()


OLD, NEW = {"id": "a", "v": 1}, {"id": "a", "v": 2}


def side(name: str) -> bytes:
    schema = {"type": "struct", "name": f"io.debezium.connector.{name}", "fields": [{"field": "ts_ms", "type": "int64"}]}  # fmt: skip
    return json.dumps({"schema": schema, "payload": {"ts_ms": 1}}).encode()


SIDE = side("common.Heartbeat")
DEBEZIUM = "io.debezium.connector.jdbc.JdbcSinkConnector"
PLAIN_JSON = {"value__converter__schemas__enable": "false", "key__converter__schemas__enable": "false"}


@pytest.mark.parametrize("more", [{}, NEVER])
def test_debeziums_own_class_unwraps_change_events(more: dict[str, str]) -> None:
    convert = conversion(connector__class="io.debezium.connector.jdbc.JdbcSinkConnector", **more)
    for op, before in (("c", None), ("u", OLD), ("r", None)):
        assert fields(convert, change(op, before, NEW)) == NEW
    assert entry(convert, change("d", OLD, None)).value is None
    assert entry(convert, None).value is None
    assert convert(Source(value=change("t", None, None))) is None
    assert convert(Source(value=SIDE)) is None
    assert fields(convert, envelope('{"a":1}', a={"type": "int32"})) == {"a": 1}


@pytest.mark.parametrize("more", [{}, NEVER])
@pytest.mark.parametrize(
    "name",
    ["common.Heartbeat", "common.TransactionMetadataValue", "mysql.SchemaChangeValue", "postgresql.MessageValue", "common.Notification"],
)  # fmt: skip
def test_what_is_beside_the_rows_is_left_out(name: str, more: dict[str, str]) -> None:
    assert conversion(connector__class=DEBEZIUM, **more)(Source(value=side(name))) is None


SERVER = b'{"serverName":"s"}'
UNTYPED_BESIDE = [
    {"ts_ms": 1},
    {"status": "BEGIN", "id": "1:2", "event_count": None, "data_collections": None, "ts_ms": 1},
    {"op": "m", "ts_ms": 1, "source": {}, "transaction": None, "message": {"prefix": "p", "content": "YQ=="}},
    {"source": {}, "ts_ms": 1, "databaseName": "", "schemaName": None, "ddl": "x", "tableChanges": []},
    {"id": "1", "aggregate_type": "Initial Snapshot", "type": "STARTED", "additional_data": {}, "timestamp": 1},
]  # fmt: skip
UNTYPED_ROWS = [
    {"op": "u", "before": '{"id":1}', "after": '{"id":2}', "id": 1},
    {"op": "c", "before": None, "after": None, "id": 1},
    {"op": "x", "source": "web", "message": "text"},
    {"id": 1, "ts_ms": 2},
]


@pytest.mark.parametrize("more", [{}, NEVER])
@pytest.mark.parametrize(("values", "stays"), [(UNTYPED_BESIDE, False), (UNTYPED_ROWS, True)])
def test_without_a_schema_rows_and_what_is_beside_them_are_told_apart(
    values: list[Any], more: dict[str, str], *, stays: bool
) -> None:
    convert = conversion(connector__class=DEBEZIUM, **PLAIN_JSON, **more)
    found = [convert(Source(value=json.dumps(each).encode(), key=SERVER)) for each in values]
    assert [each is not None and each[1].value is not None for each in found] == [stays] * len(values)


@pytest.mark.parametrize("more", [{}, NEVER])
def test_a_row_with_columns_called_as_an_event_s_fields_is_a_row(more: dict[str, str]) -> None:
    row = {"op": "u", "before": "{}", "after": "{}", "source": "s"}
    value = envelope(json.dumps(row), **{name: {"type": "string"} for name in row})
    assert fields(conversion(connector__class=DEBEZIUM, **more), value) == row


ROW = {
    "type": "struct", "optional": True,
    "fields": [
        {"field": "id", "type": "string"}, {"field": "v", "type": "int32", "optional": True}, {"field": "b", "type": "bytes", "optional": True},
        {"field": "at", "type": "int64", "name": "org.apache.kafka.connect.data.Timestamp", "optional": True},
        {"field": "n", "type": "bytes", "name": "org.apache.kafka.connect.data.Decimal", "parameters": {"scale": "2"}, "optional": True},
        {"field": "word", "type": "string", "optional": True, "default": "none"},
    ],
}  # fmt: skip
WHOLE_ROW = {"id": "a", "v": 1, "b": "AQI=", "at": 1_700_000_000_000, "n": "ew==", "word": "x"}
EVENTS: dict[str, bytes | None] = {
    "created": change("c", None, WHOLE_ROW, row=ROW),
    "with nulls": change("r", None, {"id": "b"}, row=ROW),
    "escaped": change("u", None, WHOLE_ROW | {"word": "\u00e9"}, row=ROW),
    "with the state before": change("u", WHOLE_ROW, WHOLE_ROW, row=ROW),
    "before does not fit": change("u", {"id": 5}, WHOLE_ROW, row=ROW),
    "a decimal before does not fit": change("u", WHOLE_ROW | {"n": "!"}, WHOLE_ROW, row=ROW),
    "after does not fit": change("u", None, {"id": 5}, row=ROW),
    "nothing after": change("u", None, None, row=ROW),
    "deleted": change("d", WHOLE_ROW, None, row=ROW),
    "deleted with a row": change("d", None, WHOLE_ROW, row=ROW),
    "truncated": change("t", None, None, row=ROW),
    "not at hand": change("u", None, WHOLE_ROW | {"word": "__debezium_unavailable_value"}, row=ROW),
    "bytes not at hand": change("u", None, WHOLE_ROW | {"b": base64.b64encode(b"__debezium_unavailable_value").decode()}, row=ROW),
    "of another table": change("c", None, {"id": "o", "v": 3}),
    "tombstone": None,
    "heartbeat": SIDE,
    "flat": envelope('{"a":1}', a={"type": "int32"}),
    "no JSON": b"{{",
}  # fmt: skip
TOGETHER = ["created", "with nulls", "with the state before", "deleted", "deleted with a row", "truncated", "tombstone", "nothing after"]  # fmt: skip


def outcomes(records: Iterable[WriteRecord]) -> list[tuple[int, Any]]:
    """Each record's place, and its columns as they travel; None for a tombstone."""
    return [
        (each.source.offset, None if each.shape is None else cells(each.shape, each.value))
        for each in records
    ]


def cells(shape: RecordSchema, value: Any) -> dict[str, Any]:
    """The columns of a value as they travel, each with its type."""
    found = {}
    for field, form, cell in zip(shape.schema.fields, shape.forms, shape.take(value), strict=True):
        wire = encoder_of(field.schema, form, None)
        [sent] = [cell] if wire.encode is None else wire.encode([cell])
        found[field.name] = wire.type, sent
    return found


def by_the_buffer(convert: RecordConverter, names: list[str]) -> tuple[list[tuple[int, Any]], list[int]]:
    """What becomes of records that were read together: those to be written, and the places of the bad ones."""
    config = parse_connector({
        "name": "c", "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector", "topics": "t",
        "connection.url": "postgresql://localhost/none", "pk.mode": "record_key", "pk.fields": "id", "delete.enabled": "true",
    })  # fmt: skip
    buffer = Buffer(config, TableNaming(config.table), convert)
    sources = [Source(value=EVENTS[name], offset=place) for place, name in enumerate(names)]
    buffer.add({Partition("t", 0): sources}, {Partition("t", 0): 1})
    batch = buffer.take()
    written = [each for entries in batch.entries.values() for each in outcomes(entries)]
    return sorted(written, key=lambda each: each[0]), sorted(letter.source.offset for letter in batch.bad)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(sorted(EVENTS)), min_size=1, max_size=6))
def test_change_events_read_together_become_what_each_becomes_alone(names: list[str]) -> None:
    convert = conversion(connector__class="io.debezium.connector.jdbc.JdbcSinkConnector")
    written, bad = [], []
    for place, name in enumerate(names):
        try:
            converted = convert(Source(value=EVENTS[name], offset=place))
        except BadRecordError:
            bad.append(place)
        else:
            written += outcomes([] if converted is None else [converted[1]])
    assert by_the_buffer(convert, names) == (written, bad)


def test_change_events_with_deletions_among_them_are_unwrapped_at_once() -> None:
    convert = conversion(connector__class="io.debezium.connector.jdbc.JdbcSinkConnector")
    found = convert.together(ReadRecords.of("t", 0, [Source(value=EVENTS[name]) for name in TOGETHER]))
    forms = {each.form for entries in found.values() for each in entries.shapes if each is not None}
    assert forms == {Form.JSON}  # as the compiled decoder leaves it; one by one it is CONNECT


def test_another_class_leaves_change_events_as_they_are() -> None:
    assert set(fields(conversion(), change("c", None, NEW))) == {"before", "after", "source", "op", "ts_ms"}


@pytest.mark.parametrize("more", [{}, NEVER])
@pytest.mark.parametrize(
    "keys",
    [
        {"connector__class": DEBEZIUM, "unavailable__value__placeholder": "n/a"},
        {
            "transforms": "e", "transforms__e__type": "io.debezium.transforms.ExtractNewRecordState",
            "transforms__e__unavailable__value__placeholder": "n/a",
        },
    ],
)  # fmt: skip
def test_the_placeholder_of_the_source_is_left_out(keys: dict[str, str], more: dict[str, str]) -> None:
    convert = conversion(**more | keys)
    assert fields(convert, change("u", OLD, {"id": "n/a", "v": 2})) == {"v": 2}


def extracting(*off: str, **options: str) -> RecordConverter:
    """`off` are keys of the connector that are false."""
    named = {f"transforms.e.{name.replace('__', '.')}": value for name, value in options.items()}
    return conversion(
        **{"transforms": "e", "transforms.e.type": "io.debezium.transforms.ExtractNewRecordState"},
        **dict.fromkeys(off, "false"),
        **named,
    )


DELETIONS: list[tuple[dict[str, str], Any, bool]] = [
    ({}, None, True),  # as recorded: the deletion itself becomes the tombstone
    ({"delete__tombstone__handling__mode": "drop"}, "dropped", False),
    ({"delete__tombstone__handling__mode": "tombstone"}, None, True),
    ({"delete__tombstone__handling__mode": "delete-to-tombstone"}, None, False),
    ({"delete__tombstone__handling__mode": "rewrite"}, {**OLD, "__deleted": "true"}, False),
    ({"delete__tombstone__handling__mode": "rewrite-with-tombstone"}, {**OLD, "__deleted": "true"}, True),
    ({"drop__tombstones": "false"}, "dropped", True),
    ({"drop__tombstones": "true"}, "dropped", False),
    ({"delete__handling__mode": "none", "drop__tombstones": "false"}, None, True),
    ({"delete__handling__mode": "rewrite"}, {**OLD, "__deleted": "true"}, False),
    ({"delete__handling__mode": "drop", "delete__tombstone__handling__mode": "tombstone"}, None, True),
]


@pytest.mark.parametrize(("options", "deletion", "keeps_tombstone"), DELETIONS)
def test_deletions_and_tombstones_are_handled_as_asked(
    options: dict[str, str], deletion: Any, *, keeps_tombstone: bool
) -> None:
    convert = extracting(**options)
    converted = convert(Source(value=change("d", OLD, None)))
    if deletion == "dropped":
        assert converted is None
    elif deletion is None:
        assert converted is not None
        assert converted[1].value is None
    else:
        assert converted is not None
        assert converted[1].value == deletion
    assert (convert(Source(value=None)) is not None) is keeps_tombstone
    assert entry(convert, change("c", None, NEW)).value["id"] == "a"


def test_metadata_is_added_and_the_topic_comes_from_a_field() -> None:
    convert = extracting(
        add__fields="op,table,source.ts_ms:changed",
        add__headers="op",
        add__fields__prefix="_",
        route__by__field="id",
    )
    converted = convert(Source(value=change("u", OLD, NEW)))
    assert converted is not None
    topic, found = converted
    assert (topic, found.value) == ("a", {**NEW, "_op": "u", "_table": "t", "_changed": 5})
    assert found.headers == (("__op", "u"),)


def test_fields_named_by_a_header_are_dropped_where_they_are_optional() -> None:
    convert = extracting(drop__fields__header__name="drop")
    for names in (b"v,id", b"[v, id]", b'["v","id"]'):
        listed = [("drop", names)]
        assert entry(convert, change("c", None, NEW), headers=listed).value == {"id": "a"}
    assert entry(convert, change("c", None, NEW), headers=[("drop", b'["x,v"]')]).value == NEW
    convert = extracting(drop__fields__header__name="drop", drop__fields__keep__schema__compatible="false")
    assert entry(convert, change("c", None, NEW), headers=listed).value == {}


def test_metadata_that_an_event_has_not_is_left_out_and_what_another_transform_added_is_found() -> None:
    convert = extracting(
        add__fields="op,lsn,source.file:where,absent.x,transaction.id,ts_ms,source.op:same",
        add__headers="lsn,table",
        delete__tombstone__handling__mode="rewrite",
    )
    converted = entry(convert, change("u", OLD, NEW))
    assert list(converted.value.items()) == [
        *NEW.items(), ("__deleted", "false"), ("__op", "u"), ("__ts_ms", 1), ("__same", "u"),
    ]  # fmt: skip
    assert converted.shape is not None
    assert [each.name for each in converted.shape.schema.fields] == list(converted.value)
    assert converted.headers == (("__table", "t"),)
    plain = {"op": "u", "before": None, "after": NEW, "source": {"table": "t"}, "transaction": None}
    untyped = extracting("value.converter.schemas.enable", add__fields="op,lsn,transaction.id")
    assert entry(untyped, json.dumps(plain).encode()).value == {**NEW, "__op": "u", "__transaction_id": None}


def test_a_field_added_to_a_row_without_a_schema_takes_no_columns_place() -> None:
    event = json.dumps({"op": "u", "before": None, "after": {"id": 1, "op": "x"}, "source": {}}).encode()
    plain = "value.converter.schemas.enable"
    assert entry(extracting(plain, add__fields="op"), event).value["__op"] == "u"
    with pytest.raises(BadRecordError, match="the same name: op"):
        extracting(plain, add__fields="op", add__fields__prefix="")(Source(value=event))


def test_a_tombstone_says_of_itself_that_it_is_a_deletion() -> None:
    convert = extracting(add__headers="op,table", delete__tombstone__handling__mode="rewrite-with-tombstone")
    assert entry(convert, None, headers=[("a", b"1")]).headers == (("a", "1"), ("__op", "d"))


@pytest.mark.parametrize(
    ("field", "row", "topic"),
    [("id", NEW, "a"), ("id", {**NEW, "id": " "}, "t"), ("to", {**NEW, "to": None}, "t"), ("to", {**NEW, "to": "x"}, "x")],
)  # fmt: skip
def test_a_row_that_names_no_topic_stays_in_its_own(field: str, row: dict[str, Any], topic: str) -> None:
    types = {"id": "string", "v": "int32", "to": "string"}
    schema = {
        "type": "struct", "optional": True,
        "fields": [{"field": name, "type": types[name], "optional": True} for name in row],
    }  # fmt: skip
    converted = extracting(route__by__field=field)(Source(value=change("c", None, row, row=schema)))
    assert converted is not None
    assert converted[0] == topic


@pytest.mark.parametrize("mode", ["REWRITE", " Rewrite "])
def test_a_mode_of_deletions_is_read_in_any_case(mode: str) -> None:
    convert = extracting(delete__tombstone__handling__mode=mode)
    assert entry(convert, change("d", OLD, None)).value == {**OLD, "__deleted": "true"}


def test_a_row_without_the_field_that_routes_is_a_bad_record() -> None:
    with pytest.raises(BadRecordError, match="no text in the field absent"):
        extracting(route__by__field="absent")(Source(value=change("c", None, NEW)))


def test_what_is_no_change_event_passes() -> None:
    assert fields(extracting(), envelope('{"a":1}', a={"type": "int32"})) == {"a": 1}
