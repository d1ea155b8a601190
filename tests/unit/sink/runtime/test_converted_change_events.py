"""Debezium's change events become rows and deletions, where a connector's class or a transform asks for it."""

import json
from typing import Any

import pytest

from sink_connector.runtime.record_converter import RecordConverter
from tests.support.conversions import NEVER, Source, conversion, entry, envelope, fields


def change(op: str, before: Any, after: Any, **more: Any) -> bytes:
    row = {"type": "struct", "optional": True, "fields": [{"type": "string", "field": "id"}, {"type": "int32", "optional": True, "field": "v"}]}  # fmt: skip
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
SIDE = json.dumps({
    "schema": {"type": "struct", "name": "io.debezium.connector.common.Heartbeat", "fields": [{"field": "ts_ms", "type": "int64"}]},
    "payload": {"ts_ms": 1},
}).encode()  # fmt: skip


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


def test_another_class_leaves_change_events_as_they_are() -> None:
    assert set(fields(conversion(), change("c", None, NEW))) == {"before", "after", "source", "op", "ts_ms"}


def extracting(**options: str) -> RecordConverter:
    named = {f"transforms.e.{name.replace('__', '.')}": value for name, value in options.items()}
    return conversion(
        **{"transforms": "e", "transforms.e.type": "io.debezium.transforms.ExtractNewRecordState"}, **named
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
    listed = [("drop", b'["v","id"]')]
    convert = extracting(drop__fields__header__name="drop")
    assert entry(convert, change("c", None, NEW), headers=listed).value == {"id": "a"}
    convert = extracting(drop__fields__header__name="drop", drop__fields__keep__schema__compatible="false")
    assert entry(convert, change("c", None, NEW), headers=listed).value == {}


def test_what_is_no_change_event_passes() -> None:
    assert fields(extracting(), envelope('{"a":1}', a={"type": "int32"})) == {"a": 1}
