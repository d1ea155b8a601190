"""Debezium's ExtractNewRecordState: every option, over events of every kind."""

from collections.abc import Iterable
from typing import Any

from tests.contract.sink.transform_cases.building import (
    DEFAULTED,
    INT64,
    OPTIONAL_STRING,
    STRING,
    Case,
    Json,
    bare,
    header,
    nested,
    of,
    record,
    struct,
    typed,
)

CLASS = "io.debezium.transforms.ExtractNewRecordState"
OPTIONAL: Json = {"optional": True}
ROW: dict[str, tuple[Json, Any]] = {
    "id": (INT64, 7),
    "to": (OPTIONAL_STRING, "elsewhere"),
    "name": (STRING, "Ada"),
    "state": (DEFAULTED, None),
}
MODES = ("drop", "tombstone", "rewrite", "rewrite-with-tombstone", "delete-to-tombstone")
KEY = struct(schema={"name": "s.t.Key"}, id=(INT64, 7), name=(OPTIONAL_STRING, "Ada"))
DROPPED = header("drop", of("array", items=STRING), ["name", "to", "__op"])


def event(op: str, *, row: dict[str, tuple[Json, Any]] | None = None, **more: tuple[Json, Any]) -> Json:
    """A change event; of a deletion the row is that before, of a truncation there is none."""
    schema, payload = nested(schema={**OPTIONAL, "name": "s.t.Value"}, **(ROW if row is None else row))
    before, after = (payload if op == "d" else None), (None if op in "dt" else payload)
    transaction = nested(schema=OPTIONAL, id=(STRING, "5"), total_order=(INT64, 1))[0]
    return struct(
        schema={"name": "s.t.Envelope", "version": 1},
        before=(schema, before),
        after=(schema, after),
        source=nested(
            schema={"name": "s.Source"}, db=(STRING, "shop"), table=(STRING, "t"), ts_ms=(INT64, 5)
        ),
        transaction=(transaction, None),
        op=(STRING, op),
        ts_ms=(of("int64", optional=True), 9),
        **more,
    )


def unwrapped(name: str, options: dict[str, str], of_record: Json) -> Case:
    """A record through the transform alone."""
    given = {f"transforms.u.{option}": value for option, value in options.items()}
    return Case(name=name, config={"transforms": "u", "transforms.u.type": CLASS, **given}, record=of_record)


OPTIONS: list[dict[str, str]] = [
    {},
    {"add.fields": "op,table,source.ts_ms:changed,ts_ms"},
    {"add.fields": "op,lsn,source.file:where,transaction.id,transaction.absent,total_order"},
    {"add.fields": "source.ts_ns:fine,source.extra,extra", "add.fields.prefix": "m_"},
    {"add.headers": "op,lsn,source.table,transaction.id", "add.headers.prefix": "h."},
    {"route.by.field": "to"},
    {"drop.fields.header.name": "drop", "add.fields": "op"},
    {"drop.fields.header.name": "drop", "drop.fields.from.key": "true", "drop.fields.keep.schema.compatible": "false"},
    {"replace.null.with.default": "false"},
]  # fmt: skip


def extract_new_record_state_cases() -> Iterable[Case]:
    """Every mode of deletions with every other option."""
    records = {
        op: record(event(op, extra=(OPTIONAL_STRING, "x")), key=KEY, headers=[DROPPED]) for op in "curdt"
    }
    records["tombstone"] = record(key=KEY, headers=[DROPPED])
    for mode in MODES:
        for options in OPTIONS:
            for kind, data in records.items():
                given = {"delete.tombstone.handling.mode": mode, **options}
                yield unwrapped(f"{kind}, {mode} {options}", given, data)
    nowhere: list[tuple[str, Any]] = [("null", None), ("blank", " "), ("empty", "")]
    for name, to in nowhere:
        for op in "cd":
            row = {**ROW, "to": (OPTIONAL_STRING, to)}
            yield unwrapped(
                f"{op} routed by {name}", {"route.by.field": "to"}, record(event(op, row=row), key=KEY)
            )
    for op in "cd":
        yield unwrapped(f"{op} routed by no field", {"route.by.field": "absent"}, record(event(op), key=KEY))
        yield unwrapped(f"{op} routed by a number", {"route.by.field": "id"}, record(event(op), key=KEY))
    for mode in ("REWRITE", " Drop ", "perhaps", ""):
        yield unwrapped(
            f"mode {mode!r}", {"delete.tombstone.handling.mode": mode}, record(event("d"), key=KEY)
        )
    yield unwrapped("a flat record", {"add.fields": "op"}, record(struct(schema={}, **ROW), key=KEY))
    yield unwrapped("a text", {}, record(typed(STRING, "x"), key=KEY))
    yield unwrapped("an event without a schema", {}, record(bare(event("c")["payload"]), key=KEY))
    yield unwrapped("a field with two new names", {"add.fields": "op:a:b"}, record(event("c"), key=KEY))
    yield unwrapped("a field twice", {"add.fields": "op,op"}, record(event("c"), key=KEY))
